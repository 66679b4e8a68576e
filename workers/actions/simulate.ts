import type { FeeTable } from '../../schemas/fee-table.js';
import { checkFeeTable } from '../domain/fees/check-references.js';
import { compileFeeTable } from '../domain/fees/compile.js';
import { type Approval, createSimulation, inPlaceOf, type Period, type Simulation, validityOf } from '../domain/fees/simulation.js';
import type { TableVersionRow } from '../domain/fees/types.js';
import { type Database, type Queryable, readAtOneMoment } from '../store/database.js';
import { versionsOf } from '../store/fee-tables.js';
import { factsVersion } from '../store/fence.js';
import { countOrdersBetween, ordersBetween } from '../store/orders.js';
import { FeeTableRefused, referencesOf, refuse } from './fee-tables.js';
import { isOpen, rateAgain } from './rerate.js';
import { createFactsCache } from './settle/facts.js';
import type { Wire } from './settle/wire.js';

export interface SimulateRequest {
  /** Name of a table in the database, or a table straight from a file. */
  readonly table: string | FeeTable;
  /** Of a table in the database; the newest when left out. */
  readonly version?: number | undefined;
  /** The table in whose place it is put, wherever that is assigned; itself when left out. */
  readonly insteadOf?: string | undefined;
  /** Null: of an approved version the time in which it is the valid one, of a draft all that is stored. */
  readonly period: Period;
}

export interface Simulated extends Simulation {
  readonly table: string;
  readonly version: number;
  readonly insteadOf: string;
  /** Instants; null: without limit. */
  readonly from: string | null;
  readonly until: string | null;
  /** Orders of the period that are archived: they cannot be rated, and are in no sum. */
  readonly archived: number;
}

const chunk = 1_000;

/**
 * What would stand in the ledgers had a version been the valid one of its table during a period: rated anew from the stored histories, compared with what stands.
 * Nothing is written. Everything is read as of one moment.
 */
export async function simulate(database: Database, wire: Wire, request: SimulateRequest, onProgress: (done: number, all: number) => void = () => undefined): Promise<Simulated> {
  return database.transaction(async (tx) => {
    await readAtOneMoment(tx);
    const { definition, version, period } = await versionOf(tx, request);
    const table = definition.feeTable;
    const insteadOf = request.insteadOf ?? table;
    if (request.insteadOf !== undefined && (await versionsOf(tx, insteadOf)).length === 0) throw new FeeTableRefused(`there is no fee table ${insteadOf} in whose place it could be put`);
    const row: TableVersionRow = { table: insteadOf, version, validFrom: period.from ?? Number.NEGATIVE_INFINITY, compiled: compileFeeTable(definition, version) };
    const facts = await createFactsCache((tables) => inPlaceOf(row, period.until, tables))(tx, await factsVersion(tx));

    const all = await countOrdersBetween(tx, period);
    const simulation = createSimulation(period);
    let [done, archived] = [0, 0];
    for (let after: string | null = null; ;) {
      const orders: Awaited<ReturnType<typeof ordersBetween>> = await ordersBetween(tx, period, after, chunk);
      if (orders.length === 0) break;
      const open = orders.filter(isOpen);
      for (const { source, bookingRef, customerId, ledger, appended } of await rateAgain(tx, wire, facts, open, null)) simulation.add({ order: `${source}:${bookingRef}`, customerId, ledger, appended });
      archived += orders.length - open.length;
      done += orders.length;
      after = orders.at(-1)?.id ?? null;
      onProgress(done, all);
    }
    return { table, version, insteadOf, from: instantText(period.from), until: instantText(period.until), archived, ...simulation.result() };
  });
}

const instantText = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

async function versionOf(tx: Queryable, { table, version, period }: SimulateRequest): Promise<{ readonly definition: FeeTable; readonly version: number; readonly period: Period }> {
  const name = typeof table === 'string' ? table : table.feeTable;
  const versions = await versionsOf(tx, name);
  const [newest] = versions;
  if (typeof table !== 'string') {
    refuse(checkFeeTable(table, await referencesOf(tx, table, { approving: false })), table);
    return { definition: table, version: (newest?.version ?? 0) + 1, period };
  }
  const found = version === undefined ? newest : versions.find((one) => one.version === version);
  if (found === undefined) throw new FeeTableRefused(newest === undefined ? `there is no fee table ${name}; apply its file first: midline fees apply FILE, or simulate the file itself: --file FILE` : `fee table ${name} has no version ${version}`);
  const own = found.state === 'draft' ? { from: null, until: null } : validityOf(approvalOf(found), versions.filter(({ state }) => state === 'approved').map(approvalOf));
  return { definition: found.definition, version: found.version, period: { from: period.from ?? own.from, until: period.until ?? own.until } };
}

const approvalOf = ({ version, validFrom }: Awaited<ReturnType<typeof versionsOf>>[number]): Approval => ({ version, validFrom: validFrom.getTime() });
