import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { isMap, isSeq, LineCounter, parseDocument } from 'yaml';
import { orgUnitFileSchema, orgUnitRowSchema, type OrgUnitFileRow } from '../../schemas/org-units-file.js';
import { orgTreeProblems, subtreesOf, type OrgUnit } from '../domain/org-tree.js';
import { aliasProblem } from '../domain/yaml-aliases.js';
import type { SourceRecord } from '../sources/record.js';
import { audit } from '../store/audit.js';
import type { Database, Queryable } from '../store/database.js';
import { markStale, raiseFactsVersion, takeFactsLockExclusively } from '../store/facts-lock.js';
import { ordersOfOrgUnits, readOrgUnits, saveOrgUnits } from '../store/org-units.js';
import { openRecords, parseRow, type FileRow, type RowProblem } from './import-rows.js';

export interface OrgUnitImport {
  readonly rows: number;
  readonly changed: number;
  /** Orders that will be rated again. */
  readonly stale: number;
  /** Not empty: nothing was written. */
  readonly problems: readonly RowProblem[];
}

export interface ImportOrgUnitsOptions {
  readonly file: string;
  readonly actor: string;
  readonly now: Date;
}

/**
 * Imports org units from CSV or YAML: all of the file, or nothing where anything is wrong with it. What the database has already stays;
 * together both must be one tree on every day. Doing it again changes nothing.
 */
export async function importOrgUnits(database: Database, { file, actor, now }: ImportOrgUnitsOptions): Promise<OrgUnitImport> {
  const { rows, problems } = await readFileRows(file);
  if (problems.length > 0) return { rows: rows.length, changed: 0, stale: 0, problems };
  return database.transaction(async (tx) => {
    await takeFactsLockExclusively(tx);
    const before = await readOrgUnits(tx);
    const after = merged(before, rows.map(({ row }) => unitOf(row)));
    const wrong = orgTreeProblems(after).map((problem): RowProblem => ({
      line: rows.find(({ row }) => row.id === problem.id && (row.validFrom ?? always) === problem.validFrom)?.line ?? 0,
      field: problem.field, value: problem.value ?? '', reason: `of ${problem.id} ${problem.reason}`,
    }));
    if (wrong.length > 0) return { rows: rows.length, changed: 0, stale: 0, problems: wrong };
    const changed = after.filter((unit) => !before.some((other) => isSame(unit, other)));
    if (changed.length === 0) return { rows: rows.length, changed: 0, stale: 0, problems: [] };
    await saveOrgUnits(tx, changed);
    await raiseFactsVersion(tx);
    const stale = await markOrders(tx, changed, [...before, ...after], before, now);
    await audit(tx, actor, 'org-units import', 'org units', { changed: changed.length, stale }, now);
    return { rows: rows.length, changed: changed.length, stale, problems: [] };
  });
}

const always = '-infinity';

function unitOf({ id, parent, name, timeZone, country, region, validFrom }: OrgUnitFileRow): OrgUnit {
  return { id, validFrom: validFrom ?? always, parent: parent ?? null, name: name ?? null, timeZone: timeZone ?? null, country: country ?? null, region: region ?? null };
}

function merged(before: readonly OrgUnit[], units: readonly OrgUnit[]): readonly OrgUnit[] {
  return [...new Map([...before, ...units].map((unit) => [`${unit.validFrom} ${unit.id}`, unit])).values()];
}

const ratedFields = ['parent', 'timeZone', 'country', 'region'] as const satisfies readonly (keyof OrgUnit)[];

const isSame = (one: OrgUnit, other: OrgUnit): boolean => one.id === other.id && one.validFrom === other.validFrom && one.name === other.name && ratedFields.every((field) => one[field] === other[field]);

/** A change of the past is a change of what orders below the unit were rated with; a new name is none. */
async function markOrders(tx: Queryable, changed: readonly OrgUnit[], units: readonly OrgUnit[], before: readonly OrgUnit[], now: Date): Promise<number> {
  const today = now.toISOString().slice(0, 10);
  const rated = changed.filter((unit) => unit.validFrom <= today && !before.some((other) => isSame({ ...other, name: unit.name }, unit)));
  if (rated.length === 0) return 0;
  const orders = await ordersOfOrgUnits(tx, [...subtreesOf(new Set(rated.map(({ id }) => id)), units)]);
  await markStale(tx, orders, 'org-units import');
  return orders.length;
}

async function readFileRows(file: string): Promise<{ readonly rows: readonly FileRow<OrgUnitFileRow>[]; readonly problems: readonly RowProblem[] }> {
  const records = extname(file).toLowerCase() === '.csv' ? await collect((await openRecords(file)).records) : await readYaml(file);
  const rows: FileRow<OrgUnitFileRow>[] = [];
  const problems: RowProblem[] = [];
  for (const record of records) {
    const parsed = parseRow(record, orgUnitRowSchema);
    if ('problems' in parsed) problems.push(...parsed.problems);
    else if (rows.some(({ row }) => row.id === parsed.row.id && row.validFrom === parsed.row.validFrom)) {
      problems.push({ line: parsed.line, field: 'id', value: parsed.row.id, reason: 'stands twice for one day' });
    } else rows.push(parsed);
  }
  return { rows, problems };
}

async function collect(records: AsyncIterable<SourceRecord>): Promise<readonly SourceRecord[]> {
  const all: SourceRecord[] = [];
  for await (const record of records) all.push(record);
  return all;
}

/** Rows of a YAML (or JSON) file with their lines. Days and codes are text: NO is Norway. */
async function readYaml(file: string): Promise<readonly SourceRecord[]> {
  const lineCounter = new LineCounter();
  const document = parseDocument(await readFile(file, 'utf8'), { schema: 'failsafe', lineCounter });
  const [error] = document.errors;
  if (error !== undefined) return [{ number: 1, line: error.linePos?.[0].line ?? 1, problem: `is no YAML: ${error.message.split('\n', 1)[0]}` }];
  const wrongAlias = aliasProblem(document);
  if (wrongAlias !== undefined) return [{ number: 1, line: lineOf(wrongAlias.alias, lineCounter), problem: `is no YAML: ${wrongAlias.problem}` }];
  const parsed = orgUnitFileSchema.safeParse(document.toJS({ maxAliasCount: -1 }));
  if (!parsed.success) return [{ number: 1, line: 1, problem: 'must be a list of org units, alone or under orgUnits' }];
  const { contents } = document;
  const listed = isMap(contents) ? contents.get('orgUnits') : contents;
  return parsed.data.map((value, index) => {
    const item = isSeq(listed) ? listed.items[index] : undefined;
    return { number: index + 1, line: lineOf(item, lineCounter), value };
  });
}

function lineOf(node: unknown, lines: LineCounter): number {
  const range: unknown = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === 'number' ? lines.linePos(range[0]).line : 0;
}
