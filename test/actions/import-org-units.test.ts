import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { migrationSource } from '../../migrations/index.js';
import { importOrgUnits, type OrgUnitImport } from '../../workers/actions/import-org-units.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { readOrgUnits } from '../../workers/store/org-units.js';
import { migrate } from '../../workers/store/schema.js';
import { freshDatabase } from '../servers.js';

let db: Database;
let drop: () => Promise<void>;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midline-org-'));
  const made = await freshDatabase();
  drop = made.drop;
  await migrate(made.url, migrationSource);
  db = createDatabase(made.url);
});

beforeEach(async () => {
  await db.query('truncate org_unit');
  await db.query('truncate orders');
  await db.query('truncate rating_stale');
});

afterAll(async () => {
  await db.close();
  await drop();
  await rm(folder, { recursive: true });
});

async function load(content: string, name = 'org.csv'): Promise<OrgUnitImport> {
  const file = join(folder, name);
  await writeFile(file, content);
  return importOrgUnits(db, { file, actor: 'tester', now: new Date('2026-06-01T12:00:00Z') });
}

const problemsOf = ({ problems }: OrgUnitImport): readonly string[] => problems.map(({ line, field, value, reason }) => `${line} ${field} ${value}: ${reason}`);
const factsVersion = async (): Promise<number> => Number((await db.query<{ readonly version: string }>('select version from facts_version'))[0]?.version);

const tree = 'id,parent,name,timeZone,country,region,validFrom\ngroup,,Group,Europe/Berlin,DE,,\nberlin,group,Berlin,,,BE,\nvienna,group,Wien,Europe/Vienna,AT,,\n';

test('a tree lands, and again changes nothing', async () => {
  expect(await load(tree)).toEqual({ rows: 3, changed: 3, stale: 0, problems: [] });
  const version = await factsVersion();
  expect(await load(tree)).toEqual({ rows: 3, changed: 0, stale: 0, problems: [] });
  expect(await factsVersion()).toBe(version);
  expect((await readOrgUnits(db)).map(({ id, validFrom, parent, timeZone }) => [id, validFrom, parent, timeZone])).toEqual([
    ['berlin', '-infinity', 'group', null], ['group', '-infinity', null, 'Europe/Berlin'], ['vienna', '-infinity', 'group', 'Europe/Vienna'],
  ]);
});

test('YAML says the same; NO is Norway and days are text', async () => {
  const yaml = 'orgUnits:\n  - { id: group, name: Group, country: NO }\n  - id: oslo\n    parent: group\n    validFrom: 2026-01-01\n  - id: oslo\n    parent: group\n    region: "03"\n    validFrom: 2026-07-01\n';
  expect(await load(yaml, 'org.yaml')).toMatchObject({ rows: 3, changed: 3, problems: [] });
  expect((await readOrgUnits(db)).map(({ id, validFrom, country, region }) => [id, validFrom, country, region])).toEqual([
    ['group', '-infinity', 'NO', null], ['oslo', '2026-01-01', null, null], ['oslo', '2026-07-01', null, '03'],
  ]);
});

test.each<[string, string, readonly string[]]>([
  ['two roots', 'id,parent\na,\nb,\n', ['3 parent : of b is missing: a is the root already']],
  ['no root', 'id,parent\na,x\n', ['2 parent x: of a is no org unit on the day from which the row holds', '2 parent x: of a there is no root: one org unit must have no parent']],
  ['a circle', 'id,parent\nroot,\na,b\nb,a\n', ['3 parent b: of a makes a circle', '4 parent a: of b makes a circle']],
  ['a circle that begins later', 'id,parent,validFrom\nroot,,\na,root,\nb,a,\na,b,2026-03-01\n', ['5 parent b: of a makes a circle', '4 parent a: of b makes a circle']],
  ['a parent that begins later', 'id,parent,validFrom\nroot,,\na,root,2026-03-01\nb,a,2026-01-01\n', ['4 parent a: of b is no org unit on the day from which the row holds']],
  ['wrong values', 'id,parent,timeZone,country,validFrom\nroot,,Europe/Berlni,Deutschland,2026-02-30\n,root,,EU,\n', [
    '2 timeZone Europe/Berlni: must be a time zone such as Europe/Berlin', '2 country Deutschland: must be a country of ISO 3166, such as DE',
    '2 validFrom 2026-02-30: must be a date such as 2026-05-10', '3 id : is missing', '3 country EU: must be a country of ISO 3166, such as DE',
  ]],
  ['one unit twice', 'id,parent\nroot,\nroot,\n', ['3 id root: stands twice for one day']],
  ['an unknown column', 'id,parent,boss\nroot,,Anna\n', ['2 boss Anna: is no field of this file']],
])('a file with %s lands nothing and says why', async (_, content, problems) => {
  const result = await load(content);
  expect(problemsOf(result)).toEqual(problems);
  expect(await readOrgUnits(db)).toEqual([]);
});

test('a file that is no YAML or no list says so', async () => {
  expect(problemsOf(await load('a: [', 'org.yaml'))[0]).toMatch(/is no YAML/);
  expect(problemsOf(await load('- { id: *nobody }', 'org.yaml'))[0]).toMatch(/is no YAML: \*nobody stands for nothing/);
  expect(problemsOf(await load('units: 5', 'org.yaml'))).toEqual(['1  : must be a list of org units, alone or under orgUnits']);
});

test('the file and what the database has must be one tree together', async () => {
  await load(tree);
  expect(problemsOf(await load('id,parent\nother,\n'))).toEqual(['2 parent : of other is missing: group is the root already']);
  expect(await load('id,parent\nmitte,berlin\n')).toMatchObject({ changed: 1, problems: [] });
});

test('a change of the past marks the orders below the unit; a new name or a change to come marks none', async () => {
  await load(tree);
  const order = (id: number, orgUnit: string | null): Promise<unknown> => db.query(
    `insert into orders (id, source, booking_ref, revision, status, link, org_unit, state, updated_at) values ($1::uuid, 's', $1::uuid::text, 1, 'booked', 'none', $2, '{}', now())`,
    [`00000000-0000-4000-8000-00000000000${id}`, orgUnit],
  );
  await order(1, 'berlin');
  await order(2, 'vienna');
  await order(3, null);
  expect(await load(tree.replace('Berlin,,', 'Berlin Mitte,,'))).toMatchObject({ changed: 1, stale: 0 });
  expect(await load(tree.replace('Berlin,,', 'Berlin Mitte,,').replace(',BE,', ',BE,2026-07-01'))).toMatchObject({ changed: 1, stale: 0 });
  expect(await load(`${tree.replace('Berlin,,,BE', 'Berlin Mitte,Europe/Vienna,,BE')}`)).toMatchObject({ changed: 1, stale: 2 });
  const stale = await db.query<{ readonly order_id: string; readonly cause: string }>('select order_id, cause from rating_stale order by 1');
  expect(stale.map((row) => [row.order_id.at(-1), row.cause])).toEqual([['1', 'org-units import'], ['3', 'org-units import']]);
});
