import { createHash } from 'node:crypto';
import { DateTime } from 'luxon';
import type { FeeTable } from '../../schemas/fee-table.js';
import { formatOf } from '../domain/fees/case.js';
import { checkFeeTable, type TableReferences } from '../domain/fees/check-references.js';
import { parseFeeTable, problemText, type FeeTableProblem } from '../domain/fees/parse.js';
import { startOfDay } from '../domain/fees/local-time.js';
import type { Period } from '../domain/fees/simulation.js';
import { validFromInstant } from '../domain/fees/world.js';
import { audit } from '../store/audit.js';
import type { Database, Queryable } from '../store/database.js';
import { raiseFactsVersion, takeFactsLockExclusively } from '../store/facts-lock.js';
import { sharedFeeFacts } from '../store/fee-facts.js';
import {
  approveVersion, endOverlapping, insertAssignment, listAssignments, listTaxRates, markStaleSince, newestVersions, saveDraft, saveTaxRates, versionsOf,
  type AssignmentSubject, type StoredAssignment, type StoredVersion, type TaxRate,
} from '../store/fee-tables.js';

/** What somebody asked for about fee tables cannot be done; the message says why and what to do. */
export class FeeTableRefused extends Error {
  override readonly name = 'FeeTableRefused';
}

export interface Applied {
  readonly table: string;
  readonly version: number;
  /** unchanged: the newest version says the same. */
  readonly outcome: 'created' | 'replaced' | 'unchanged';
}

/** Who does something, and when. */
export interface Doing {
  readonly actor: string;
  readonly now: Date;
}

/** `1 problem`, `3 problems`. */
export const problemCount = ({ length }: readonly unknown[]): string => `${length} ${length === 1 ? 'problem' : 'problems'}`;

/** Reads a fee-table file. @returns the table, or all problems at once */
export const readFeeTable = (text: string, fileName: string): { readonly table: FeeTable } | { readonly problems: readonly FeeTableProblem[] } =>
  parseFeeTable(text, formatOf(fileName), fileName);

/** Keeps a table as the draft of its next version. The same content again changes nothing; another content replaces the present draft. */
export async function applyFeeTable(database: Database, table: FeeTable, sourceText: string, { actor, now }: Doing): Promise<Applied> {
  return database.transaction(async (tx) => {
    const [newest] = await versionsOf(tx, table.feeTable);
    const hash = createHash('sha256').update(JSON.stringify(table)).digest('hex');
    if (newest?.hash === hash) return { table: table.feeTable, version: newest.version, outcome: 'unchanged' };
    if (newest !== undefined && newest.definition.currency !== table.currency) {
      throw new FeeTableRefused(`fee table ${table.feeTable} is in ${newest.definition.currency}; a version in ${table.currency} needs a name of its own`);
    }
    refuse(checkFeeTable(table, await referencesOf(tx, table, { approving: false })), table);
    const version = newest === undefined ? 1 : newest.state === 'draft' ? newest.version : newest.version + 1;
    const validFrom = new Date(validFromInstant(table.validFrom, await zoneOf(tx, table.owner ?? null)));
    await saveDraft(tx, { table: table.feeTable, version, validFrom, definition: table, sourceText, hash, author: actor });
    await audit(tx, actor, 'fees apply', `${table.feeTable} ${version}`, { hash }, now);
    return { table: table.feeTable, version, outcome: newest?.state === 'draft' ? 'replaced' : 'created' };
  });
}

/**
 * What the table may refer to as the database has it. For a draft the newest version of a base will do, whatever its state, and tax rates may come later;
 * approving asks for an approved base and for rates.
 */
export async function referencesOf(tx: Queryable, table: FeeTable, { approving }: { readonly approving: boolean }): Promise<TableReferences> {
  const { orgUnits, sources, versions } = await sharedFeeFacts(tx);
  const newest = await newestVersions(tx);
  const rates = await listTaxRates(tx);
  const owner = orgUnits.some((unit) => unit.id === table.owner) ? (table.owner ?? null) : null;
  const validFrom = validFromInstant(table.validFrom, await zoneOf(tx, owner));
  const approved = (name: string): FeeTable | null => versions.filter((one) => one.table === name && one.validFrom <= validFrom).at(-1)?.definition ?? null;
  return {
    base: approving ? approved : (name) => newest.find((one) => one.table === name)?.definition ?? null,
    kinds: new Set(sources.flatMap((source) => source.kinds ?? [])),
    hasOrgUnit: (name) => orgUnits.some((unit) => unit.id === name),
    ...(approving && { hasRate: (code, day) => rates.some((rate) => rate.code === code && (rate.validFrom ?? '') <= day) }),
    scopeElsewhere: (charge) => newest.flatMap((one) => {
      const scope = one.table === table.feeTable ? undefined : one.definition.charges?.[charge]?.scope;
      return scope === undefined ? [] : [{ table: one.table, scope }];
    })[0] ?? null,
  };
}

/** @throws FeeTableRefused with all problems; nothing where there are none */
export function refuse(problems: readonly FeeTableProblem[], table: FeeTable): void {
  if (problems.length === 0) return;
  const missingRate = problems.some((problem) => problem.field.endsWith('.vat'));
  throw new FeeTableRefused(`fee table ${table.feeTable} has ${problemCount(problems)}:\n${problems.map((problem) => `  ${problemText(problem)}`).join('\n')}${missingRate ? '\nTax rates are added with: midline fees tax-codes import FILE' : ''}`);
}

export interface ApproveRequest extends Doing {
  readonly table: string;
  /** The draft, when left out. */
  readonly version?: number | undefined;
  /** Allows a validFrom in the past; needs a reason. */
  readonly backdate: boolean;
  readonly reason: string | null;
  /** Somebody else than the author must approve. */
  readonly fourEyes: boolean;
  /** Called within the transaction, when the affected orders are marked, before anything is committed; throwing takes everything back. */
  readonly preview?: (tx: Queryable) => Promise<void>;
}

export interface Approved {
  readonly table: string;
  readonly version: number;
  readonly validFrom: string;
  /** Orders that have to be rated again, because the version begins in the past. */
  readonly stale: number;
}

/** Makes a draft an immutable version. One that begins in the past marks the orders that have an event since then. */
export async function approveFeeTable(database: Database, request: ApproveRequest): Promise<Approved> {
  const { table, actor, now, backdate, reason } = request;
  return database.transaction(async (tx) => {
    await takeFactsLockExclusively(tx);
    const draft = draftOf(await versionsOf(tx, table), request);
    refuse(checkFeeTable(draft.definition, await referencesOf(tx, draft.definition, { approving: true })), draft.definition);
    const past = draft.validFrom <= now;
    if (past && !backdate) throw new FeeTableRefused(`version ${draft.version} of ${table} begins in the past (${draft.validFrom.toISOString()}): approve it with --backdate and --reason, or give it a later validFrom`);
    if (past && reason === null) throw new FeeTableRefused('backdating needs a reason: --reason "…"');
    await approveVersion(tx, table, draft.version, actor, now, reason);
    const stale = past ? await markStaleSince(tx, draft.validFrom, null, reason ?? `fee table ${table} ${draft.version}`) : 0;
    await raiseFactsVersion(tx);
    await audit(tx, actor, 'fees approve', `${table} ${draft.version}`, { reason, stale }, now);
    await request.preview?.(tx);
    return { table, version: draft.version, validFrom: draft.validFrom.toISOString(), stale };
  });
}

function draftOf(versions: readonly StoredVersion[], { table, version, actor, fourEyes }: ApproveRequest): StoredVersion {
  if (versions.length === 0) throw new FeeTableRefused(`there is no fee table ${table}; apply its file first: midline fees apply FILE`);
  const found = versions.find((one) => (version === undefined ? one.state === 'draft' : one.version === version));
  if (found === undefined) throw new FeeTableRefused(version === undefined ? `fee table ${table} has no draft; its newest version ${versions[0]?.version} is approved` : `fee table ${table} has no version ${version}`);
  if (found.state === 'approved') throw new FeeTableRefused(`version ${found.version} of ${table} is approved already`);
  if (fourEyes && found.author === actor) throw new FeeTableRefused(`version ${found.version} of ${table} was written by ${actor}; somebody else must approve it`);
  return found;
}

export interface AssignRequest extends Doing {
  readonly subject: AssignmentSubject;
  readonly table: string;
  /** Days in the zone of the table's owner, both included. */
  readonly from: string;
  readonly until: string | null;
  readonly reason: string | null;
  readonly preview?: (tx: Queryable) => Promise<void>;
}

export interface Assigned {
  readonly table: string;
  readonly subject: AssignmentSubject;
  readonly from: string;
  readonly until: string | null;
  /** Earlier assignments that end the day before. */
  readonly ended: readonly StoredAssignment[];
  readonly stale: number;
}

/** Assigns a table to a subject from a day on. In the past it needs a reason and marks the orders that it concerns. */
export async function assignFeeTable(database: Database, request: AssignRequest): Promise<Assigned> {
  const { subject, table, from, until, reason, actor, now } = request;
  return database.transaction(async (tx) => {
    await takeFactsLockExclusively(tx);
    const [newest] = await versionsOf(tx, table);
    if (newest === undefined) throw new FeeTableRefused(`there is no fee table ${table}; apply its file first: midline fees apply FILE`);
    if (until !== null && until < from) throw new FeeTableRefused(`the assignment would end (${until}) before it begins (${from})`);
    const begins = DateTime.fromISO(from, { zone: await zoneOf(tx, newest.definition.owner ?? null) });
    if (!begins.isValid) throw new FeeTableRefused(`${from} is no day; write for example 2026-01-31`);
    const past = begins.toMillis() <= now.getTime();
    if (past && reason === null) throw new FeeTableRefused(`an assignment that begins in the past (${from}) needs a reason: --reason "…"`);
    const ended = await endOverlapping(tx, subject, from);
    await insertAssignment(tx, subject, { table, from, until, reason, by: actor });
    const stale = past ? await markStaleSince(tx, begins.toJSDate(), subject, reason ?? `assignment of ${table}`) : 0;
    await raiseFactsVersion(tx);
    await audit(tx, actor, 'fees assign', table, { subject, from, until, reason, stale }, now);
    await request.preview?.(tx);
    return { table, subject, from, until, ended, stale };
  });
}

/** Adds or corrects tax rates; rates that hold in the past make the orders since then stale. */
export async function importTaxRates(database: Database, rates: readonly TaxRate[], { actor, now }: Doing): Promise<{ readonly rates: number; readonly stale: number }> {
  return database.transaction(async (tx) => {
    await takeFactsLockExclusively(tx);
    const known = await listTaxRates(tx);
    const changed = rates.filter((rate) => !known.some((one) => one.code === rate.code && one.validFrom === rate.validFrom && Number(one.percent) === Number(rate.percent)));
    await saveTaxRates(tx, changed);
    const since = changed.map((rate) => rate.validFrom ?? '1900-01-01').sort()[0];
    const used = known.length > 0 && since !== undefined && new Date(since) <= now;
    const stale = used ? await markStaleSince(tx, new Date(since), null, 'tax rates changed') : 0;
    await raiseFactsVersion(tx);
    await audit(tx, actor, 'fees tax-codes import', `${changed.length} rates`, { changed, stale }, now);
    return { rates: changed.length, stale };
  });
}

/** The zone of an org unit or of those above it; of the root without an owner. */
async function zoneOf(tx: Queryable, owner: string | null): Promise<string> {
  const { orgUnits } = await sharedFeeFacts(tx);
  const newest = new Map(orgUnits.map((unit) => [unit.id, unit]));
  let unit = owner === null ? [...newest.values()].find((one) => one.parent == null) : newest.get(owner);
  if (owner !== null && unit === undefined) throw new FeeTableRefused(`the owner ${owner} is no org unit; import it first: midline org-units import FILE`);
  while (unit !== undefined && unit.timeZone == null && unit.parent != null) unit = newest.get(unit.parent);
  return unit?.timeZone ?? 'UTC';
}

/** The days of a period in the root's zone, both included, as a period; a day left out: without limit. */
export async function periodOf(db: Queryable, from: string | undefined, until: string | undefined): Promise<Period> {
  for (const day of [from, until]) if (day !== undefined && !(/^\d{4}-\d{2}-\d{2}$/.test(day) && DateTime.fromISO(day).isValid)) throw new FeeTableRefused(`${day} is no day; write for example 2026-01-31`);
  if (from !== undefined && until !== undefined && from > until) throw new FeeTableRefused(`the period ends on ${until}, before it begins on ${from}`);
  const zone = await zoneOf(db, null);
  return { from: from === undefined ? null : startOfDay(from, zone), until: until === undefined ? null : DateTime.fromISO(until, { zone }).plus({ days: 1 }).startOf('day').toMillis() };
}

/** The newest version of every table, and all assignments. */
export async function listFeeTables(database: Database): Promise<{ readonly versions: readonly StoredVersion[]; readonly assignments: readonly StoredAssignment[] }> {
  return { versions: await newestVersions(database), assignments: await listAssignments(database, null) };
}

/** A table's versions, the newest first, and its assignments. */
export async function showFeeTable(database: Database, table: string): Promise<{ readonly versions: readonly StoredVersion[]; readonly assignments: readonly StoredAssignment[] }> {
  const versions = await versionsOf(database, table);
  if (versions.length === 0) throw new FeeTableRefused(`there is no fee table ${table}`);
  return { versions, assignments: await listAssignments(database, table) };
}
