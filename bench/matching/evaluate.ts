// Compares decisions about records with the truth. A program of its own: it knows the files, and nothing of how they came about.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parse } from 'csv-parse';

/** What is read of a line of decisions. */
interface Decision {
  readonly record: string;
  readonly decision: string;
  /** Records with the same customer are said to be one person; null: nothing is said. */
  readonly customer: string | null;
}

/** A share with its Wilson interval of 95 %. */
export interface Share {
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

export interface Evaluation {
  readonly records: number;
  readonly decisions: Readonly<Record<string, number>>;
  /** Pairs of records that are one person, by the truth. */
  readonly truePairs: number;
  readonly found: number;
  readonly wrong: number;
  /** Those of the true pairs that are not found, whatever for: not linked, left to a person, or never compared. */
  readonly missed: number;
  readonly precision: Share;
  readonly recall: Share;
  readonly f1: number;
}

/**
 * Counts pairs: two records are found to be one person where they have the same customer.
 * @param clusterOf the true person of a record
 */
export function evaluate(decisions: readonly Decision[], clusterOf: ReadonlyMap<string, string>): Evaluation {
  const unknown = decisions.find(({ record }) => !clusterOf.has(record));
  if (unknown !== undefined) throw new Error(`the truth does not know the record ${unknown.record}`);
  const truePairs = pairsIn(countBy([...clusterOf.values()]));
  const said = decisions.filter(({ customer }) => customer !== null);
  const linked = pairsIn(countBy(said.map(({ customer }) => customer ?? '')));
  const found = pairsIn(countBy(said.map(({ record, customer }) => `${customer ?? ''}\u0000${clusterOf.get(record) ?? ''}`)));
  const [precision, recall] = [wilson(found, linked), wilson(found, truePairs)];
  return {
    records: decisions.length, decisions: Object.fromEntries(countBy(decisions.map(({ decision }) => decision))),
    truePairs, found, wrong: linked - found, missed: truePairs - found, precision, recall,
    f1: precision.share + recall.share === 0 ? 0 : (2 * precision.share * recall.share) / (precision.share + recall.share),
  };
}

function countBy(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

const pairsIn = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((sum, count) => sum + (count * (count - 1)) / 2, 0);

/** The interval in which a share of `part` in `whole` lies with 95 %; of nothing, everything is possible. */
export function wilson(part: number, whole: number): Share {
  if (whole === 0) return { share: 1, low: 0, high: 1 };
  const z = 1.959964;
  const share = part / whole;
  const centre = share + (z * z) / (2 * whole);
  const spread = z * Math.sqrt((share * (1 - share)) / whole + (z * z) / (4 * whole * whole));
  const scale = 1 + (z * z) / whole;
  return { share, low: Math.max(0, (centre - spread) / scale), high: Math.min(1, (centre + spread) / scale) };
}

interface DecisionLine {
  readonly record_id: string;
  readonly decision: string;
  readonly customer_id: string | null;
}

function isDecision(value: unknown): value is DecisionLine {
  if (typeof value !== 'object' || value === null || !('record_id' in value) || !('decision' in value) || !('customer_id' in value)) return false;
  return typeof value.record_id === 'string' && typeof value.decision === 'string' && (value.customer_id === null || typeof value.customer_id === 'string');
}

/** Reads `decisions.ndjson`. */
export async function readDecisions(file: string): Promise<readonly Decision[]> {
  const decisions: Decision[] = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (line.trim() === '') continue;
    const value: unknown = JSON.parse(line);
    if (!isDecision(value)) throw new Error(`${file} has a line without record_id, decision and customer_id`);
    decisions.push({ record: value.record_id, decision: value.decision, customer: value.customer_id });
  }
  return decisions;
}

/**
 * Reads who is who from a CSV file.
 * @param idColumn names the records
 * @param clusterColumn the column that names the person; null: the first group of `pattern` in the record's name
 */
export async function readTruth(file: string, idColumn: string, clusterColumn: string | null, pattern: RegExp): Promise<ReadonlyMap<string, string>> {
  const clusters = new Map<string, string>();
  const rows = createReadStream(file).pipe(parse({ columns: (names: readonly string[]) => names.map((name) => name.trim()), trim: true })) as AsyncIterable<Readonly<Record<string, string>>>;
  for await (const row of rows) {
    const id = row[idColumn];
    if (id === undefined) throw new Error(`${file} has no column ${idColumn}`);
    const cluster = clusterColumn === null ? pattern.exec(id)?.[1] : row[clusterColumn];
    if (cluster === undefined) throw new Error(`${file} does not say who ${id} is`);
    clusters.set(id, cluster);
  }
  return clusters;
}
