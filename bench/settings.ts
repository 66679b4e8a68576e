export interface BenchSettings {
  /** Runs of every way, taken in turns. */
  readonly runs: number;
  /** Measured events of a run. */
  readonly events: number;
  /** Events before those, in each run: the process warms up. */
  readonly runUp: number;
  /** Events that both sets of tables hold before all runs. */
  readonly history: number;
  readonly customers: number;
  readonly seed: number;
  /** Lanes of the ingest process; each number is a way of its own. */
  readonly lanes: readonly number[];
  /** New bookings of a run that only writes. */
  readonly persistEvents: number;
  /** Events of one long run of the pipeline at the end, for memory and evenness; 0: none. */
  readonly longEvents: number;
  /** Events a second of the steady load; null: three times what the naive consumer does. */
  readonly rate: number | null;
  /** Only naive consumers, only the pipeline, only writing; null: everything. */
  readonly only: 'naive' | 'pipeline' | 'persist' | null;
  /** A folder for CPU profiles of the pipeline's processes; null: none are taken. */
  readonly profileFolder: string | null;
}

/** Whether a part belongs to what was asked for. */
export const isMeasured = ({ only }: BenchSettings, part: BenchSettings['only']): boolean => only === null || only === part;
