import type { Queryable } from './database.js';

export interface WorkerSign {
  /** Unique per running process. */
  readonly id: string;
  readonly kind: string;
  readonly startedAt: Date;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface SeenWorker extends WorkerSign {
  readonly seenAt: Date;
}

/** Notes that a worker lives, and forgets those that have not been seen for a day. */
export async function signOfLife(db: Queryable, worker: WorkerSign, now: Date): Promise<void> {
  await db.query(
    `insert into worker_status (id, kind, started_at, seen_at, details) values ($1, $2, $3, $4, $5)
     on conflict (id) do update set seen_at = excluded.seen_at, details = excluded.details`,
    [worker.id, worker.kind, worker.startedAt, now, JSON.stringify(worker.details)],
  );
  await db.query(`delete from worker_status where seen_at < $1::timestamptz - interval '1 day'`, [now]);
}

/** A worker that stops in order leaves no trace. */
export async function signOff(db: Queryable, id: string): Promise<void> {
  await db.query('delete from worker_status where id = $1', [id]);
}

/** Live workers (seen within half a minute) whose build knows nothing of a migration; their `details.schema` names the newest that it knows. */
export async function workersBefore(db: Queryable, migration: string): Promise<readonly SeenWorker[]> {
  const [table] = await db.query<{ readonly exists: boolean }>(`select to_regclass('worker_status') is not null as exists`);
  if (table?.exists !== true) return [];
  return db.query<SeenWorker>(
    `${seenWorkers} where seen_at > now() - interval '30 seconds' and coalesce(details ->> 'schema', '') < $1 order by kind, started_at`,
    [migration],
  );
}

const seenWorkers = 'select id, kind, started_at as "startedAt", seen_at as "seenAt", details from worker_status';

export function listWorkers(db: Queryable): Promise<readonly SeenWorker[]> {
  return db.query<SeenWorker>(`${seenWorkers} order by kind, started_at`);
}
