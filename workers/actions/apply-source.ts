import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { SourceMap } from '../sources/source-map.js';
import { audit } from '../store/audit.js';
import type { Database, Queryable } from '../store/database.js';
import { raiseFactsVersion, takeFactsLockExclusively } from '../store/facts-lock.js';
import { findSource, isOrgUnit, markOrdersOfSourceStale, saveSource, saveSourceMap, type SourceRow } from '../store/sources.js';

/** One thing that a map's head says otherwise than the database. */
export interface SourceDifference {
  readonly field: 'orgUnit' | 'timeZone' | 'feePolicy' | 'kinds';
  readonly from: string | null;
  readonly to: string | null;
}

export interface AppliedSource {
  readonly source: string;
  readonly outcome: 'created' | 'changed' | 'unchanged';
  readonly differences: readonly SourceDifference[];
  /** Whether the map's text is another than the stored one: raw records are mapped by it from now on. */
  readonly mapStored: boolean;
  /** Orders that will be rated again because of it. */
  readonly staleOrders: number;
}

/** A source cannot be what its map's head says. */
class SourceRefused extends Error {
  override readonly name = 'SourceRefused';
}

/**
 * Makes a source what the head of its map says: org unit, time zone, fee policy, declared kinds; and keeps the map, by which raw records of the source are
 * mapped. Doing it again changes nothing.
 * Waits for running batches (exclusive facts lock); where rating reads what changed, the source's orders are marked to be rated again.
 * @throws SourceRefused if the org unit is not known
 */
export function applySource(database: Database, map: SourceMap, actor: string, now: Date): Promise<AppliedSource> {
  return database.transaction(async (tx) => {
    await takeFactsLockExclusively(tx);
    const wanted = rowOf(map, now);
    if (wanted.orgUnit !== null && !(await isOrgUnit(tx, wanted.orgUnit))) {
      throw new SourceRefused(`${map.origin}: there is no org unit ${wanted.orgUnit}; import it first: midline org-units import FILE`);
    }
    const known = await findSource(tx, map.source);
    const differences = differencesOf(known, wanted);
    const mapStored = await saveSourceMap(tx, map.source, { text: map.text, hash: createHash('sha256').update(map.text).digest('hex') }, now);
    const isSame = known?.appliedAt != null && differences.length === 0;
    if (isSame && !mapStored) return { source: map.source, outcome: 'unchanged', differences, mapStored, staleOrders: 0 };
    await saveSource(tx, wanted);
    const staleOrders = differences.length > 0 ? await markOrdersOfSourceStale(tx, map.source, `source ${map.source} applied`) : 0;
    if (!isSame) await raiseFactsVersion(tx);
    await audit(tx, actor, 'sources apply', map.source, { differences, mapStored, staleOrders }, now);
    return { source: map.source, outcome: known === undefined ? 'created' : 'changed', differences, mapStored, staleOrders };
  });
}

/** How a map's head differs from what was applied: `unknown` if nothing ever was, else the differences (none: it is the same). */
export async function compareSource(tx: Queryable, map: SourceMap): Promise<'unknown' | readonly SourceDifference[]> {
  const known = await findSource(tx, map.source);
  return known?.appliedAt == null ? 'unknown' : differencesOf(known, rowOf(map, known.appliedAt));
}

function rowOf(map: SourceMap, now: Date): SourceRow {
  return { id: map.source, orgUnit: map.orgUnit ?? null, timeZone: map.timeZone, feePolicy: map.feePolicy, kinds: [...map.kinds].sort(), map: basename(map.origin), appliedAt: now };
}

/** Against the defaults where the source is not known. */
function differencesOf(known: SourceRow | undefined, wanted: SourceRow): readonly SourceDifference[] {
  const before = known ?? { orgUnit: null, timeZone: 'UTC', feePolicy: 'ours', kinds: [] };
  const pairs = [
    { field: 'orgUnit', from: before.orgUnit, to: wanted.orgUnit },
    { field: 'timeZone', from: before.timeZone, to: wanted.timeZone },
    { field: 'feePolicy', from: before.feePolicy, to: wanted.feePolicy },
    { field: 'kinds', from: [...before.kinds].sort().join(', '), to: wanted.kinds.join(', ') },
  ] as const;
  return pairs.filter(({ from, to }) => from !== to);
}
