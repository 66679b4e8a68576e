import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CreatedDatabase } from '../../services/database.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { copyOf, migratedDatabase } from '../servers.js';
import { until } from '../until.js';

// The built command, as people run it; `npm test` builds first.
const main = fileURLToPath(new URL('../../dist/workers/cli/main.js', import.meta.url));

let folder: string;
let file: string;
let empty: CreatedDatabase;
const made: CreatedDatabase[] = [];

/** Companies stand behind the people who work for them, two of them stand above each other, and some rows are bad. */
const content = [
  'externalId,kind,givenName,familyName,companyName,emails,phones,city,company,parent,attribute.status,validFrom',
  'x,company,,,X GmbH,,,,,y,,', 'y,company,,,Y GmbH,,,,,x,,',
  ...Array.from({ length: 5500 }, (_, n) => `p${n},,Anna ${n % 71},"Berg\n${n % 97}",,${n % 500 === 7 ? 'nowhere' : `p${n}@example.com`},030 ${100000 + n},Bonn,${n % 1000 === 9 ? 'nobody' : `c${n % 50}`},,${n % 3 === 0 ? 'vip' : ''},`),
  ...Array.from({ length: 500 }, (_, n) => `p${n},,,,,,,,,,gold,2026-0${1 + n % 9}-01`),
  ...Array.from({ length: 50 }, (_, n) => `c${n},company,,,Company ${n},,,Köln,,${n === 0 ? '' : `c${(n - 1) >> 1}`},,`),
].join('\n');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midline-import-'));
  file = join(folder, 'customers.csv');
  await writeFile(file, content);
  empty = await migratedDatabase();
});

afterAll(async () => {
  for (const database of [...made, empty]) await database.drop();
  await rm(folder, { recursive: true });
});

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
}

function start(url: string, ...args: readonly string[]): Running {
  const child = spawn(process.execPath, [main, 'customers', 'import', ...args, '--country', 'DE'], { env: { PATH: process.env['PATH'], DATABASE_URL: url } });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
  return { child, ended: new Promise((resolve) => { child.on('close', (code) => { resolve({ code, out, err }); }); }) };
}

async function withCopy<Result>(work: (db: Database, url: string) => Promise<Result>): Promise<Result> {
  const copy = await copyOf(empty);
  made.push(copy);
  const db = createDatabase(copy.url);
  try {
    return await work(db, copy.url);
  } finally {
    await db.close();
  }
}

/** Everything about customers but their ids, which an import that is broken off uses up. */
const everything = (db: Database): Promise<readonly object[]> => db.query(
  `with named as (select k.kind, k.value, k.customer_id as id from customer_key k where k.kind in ('external', 'external-company'))
   select n.kind, n.value, c.party, c.profile, c.origin, c.active,
     (select json_agg(json_build_array(k.kind, k.value) order by k.kind, k.value) from customer_key k where k.customer_id = c.id) as keys,
     (select json_agg(json_build_array(k.kind, k.value, k.origin) order by k.kind, k.value) from customer_contact k where k.customer_id = c.id) as contacts,
     (select json_agg(json_build_array(a.name, a.value, a.valid_from) order by a.name, a.valid_from) from customer_attribute a where a.customer_id = c.id) as attributes,
     (select json_agg(json_build_array(r.type, r.valid_from, o.kind, o.value) order by r.type, r.valid_from) from customer_relation r join named o on o.id = r.related_id where r.customer_id = c.id) as relations
   from named n join customer c on c.id = n.id order by n.kind, n.value`,
);

const sortedLines = async (path: string): Promise<readonly string[]> => (await readFile(path, 'utf8')).trim().split('\n').sort();

/** Holds the identity of a person until `release`: whoever lands this person waits. */
async function holdPerson(db: Database, externalId: string): Promise<{ readonly isAwaited: () => Promise<boolean>; readonly release: () => Promise<void> }> {
  let release = (): void => undefined;
  let held = (): void => undefined;
  const isHeld = new Promise<void>((resolve) => { held = resolve; });
  const holding = db.transaction(async (tx) => {
    await tx.query(`insert into identity_claim (kind, value) values ('external', $1)`, [`crm:${externalId}`]);
    held();
    await new Promise<void>((resolve) => { release = resolve; });
  });
  await isHeld;
  return {
    isAwaited: async () => (await db.query(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and application_name = 'midline cli'`)).length > 0,
    release: () => { release(); return holding; },
  };
}

describe('an import that is broken off and resumed ends as one that is not', () => {
  let whole: { readonly state: readonly object[]; readonly problems: readonly string[] };
  const problems = (): string => join(folder, `problems-${made.length}.ndjson`);

  beforeAll(async () => {
    whole = await withCopy(async (db, url) => {
      const { code, out } = await start(url, file, '--json', '--problems', problems()).ended;
      expect(JSON.parse(out)).toMatchObject({ rows: 6052, created: 5542, refused: 11, incomplete: 8, problemCount: 19, skipped: 0, stoppedAt: null });
      expect(code).toBe(1);
      expect(await db.query('select count(*)::int as n from customer_import')).toEqual([{ n: 0 }]);
      return { state: await everything(db), problems: await sortedLines(problems()) };
    });
  });

  async function resume(db: Database, url: string, landed: number): Promise<void> {
    expect(await db.query('select landed_to from customer_import')).toHaveLength(1);
    const { code, out } = await start(url, file, '--resume', '--json', '--problems', problems()).ended;
    expect(JSON.parse(out)).toMatchObject({ rows: 6052, refused: 11, incomplete: 8, skipped: landed, stoppedAt: null });
    expect(code).toBe(1);
    expect(await everything(db)).toEqual(whole.state);
    expect(await sortedLines(problems())).toEqual(whole.problems);
    expect(await db.query('select from customer_import')).toEqual([]);
  }

  // Seen to fail: without the second look at relations (the companies of those who landed before are missing), and with noteLanded before the rows in a
  // transaction of its own (the batch that was killed is missing).
  test('by kill -9 in the middle of a batch', () => withCopy(async (db, url) => {
    const { isAwaited, release } = await holdPerson(db, 'p3500');
    const { child, ended } = start(url, file);
    await until(isAwaited);
    child.kill('SIGKILL');
    await ended;
    await release();
    await resume(db, url, 2994);
  }));

  test('by Ctrl-C: the batch in hand is finished, and it is said how to go on', () => withCopy(async (db, url) => {
    const { isAwaited, release } = await holdPerson(db, 'p3500');
    const { child, ended } = start(url, file);
    await until(isAwaited);
    child.kill('SIGINT');
    await release();
    const { code, err } = await ended;
    expect(err).toMatch(/^Stopped behind line 7998; go on with the same command and --resume\.\n$/m); // on a slow machine behind lines of progress
    expect(code).toBe(130);
    await resume(db, url, 3992);
  }));

  test('by a lost database', () => withCopy(async (db, url) => {
    const { isAwaited, release } = await holdPerson(db, 'p3500');
    const { ended } = start(url, file);
    await until(isAwaited);
    await db.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'midline cli'`);
    const { code, err } = await ended;
    await release();
    expect(err).toContain('Broken off. What has landed stays; go on with the same command and --resume.');
    expect(code).toBe(1);
    await resume(db, url, 2994);
  }));

  test('but another file, or the same one without --resume, begins at its first row', () => withCopy(async (db, url) => {
    const { isAwaited, release } = await holdPerson(db, 'p3500');
    const { child, ended } = start(url, file);
    await until(isAwaited);
    child.kill('SIGKILL');
    await ended;
    await release();
    const other = join(folder, 'other.csv');
    await writeFile(other, content.replace('Anna 1,', 'Berta,'));
    expect(JSON.parse((await start(url, other, '--resume', '--json').ended).out)).toMatchObject({ skipped: 0, updated: 1 });
    expect(JSON.parse((await start(url, file, '--json').ended).out)).toMatchObject({ skipped: 0, updated: 1 });
    expect(await everything(db)).toEqual(whole.state);
  }));
});

test('of many problems the first are shown, all are in the file that --problems names', () => withCopy(async (_, url) => {
  const bad = join(folder, 'bad.csv');
  await writeFile(bad, ['externalId,country,phones,company', 'fine,DE,,nobody', ...Array.from({ length: 60 }, (_row, n) => `b${n},Germany,,`), 'esc,\u001b[2J,,', 'formula,DE,"=1+1",'].join('\n'));
  const csv = join(folder, 'problems.csv');
  const { code, out } = await start(url, bad, '--problems', csv).ended;
  expect(code).toBe(1);
  expect(out.split('\n').slice(49)).toEqual([
    'line 52: country Germany must be a country of ISO 3166, such as DE or DEU', `… 13 more; see ${csv}`, 'By kind:', '  61 × country must be a country of ISO 3166, such as DE or DEU',
    '  1 × phones must be phone numbers such as +49 30 1234567', '  1 × company is no company that is known', '63 rows: 1 customers created, 0 updated, 0 unchanged; 0 dated facts; 62 rows left out, 1 landed without their company.', '',
  ]);
  const lines = (await readFile(csv, 'utf8')).trim().split('\n');
  expect(lines).toHaveLength(64);
  expect([lines[0], lines[1], lines[62], lines[63]]).toEqual(['line,field,value,reason,landed', '3,country,Germany,"must be a country of ISO 3166, such as DE or DEU",false', "64,phones,'=1+1,must be phone numbers such as +49 30 1234567,false", '2,company,nobody,is no company that is known,true']);
  const json: unknown = JSON.parse((await start(url, bad, '--json').ended).out);
  expect(json).toMatchObject({ refused: 62, incomplete: 1, problemCount: 63, problemsFile: null, reasons: [{ field: 'country', count: 61 }, { field: 'phones', count: 1 }, { field: 'company', count: 1 }] });
  expect(json).toHaveProperty('problems.length', 50);
  expect((await start(url, bad).ended).out).toContain('… 13 more; --problems FILE writes all of them to a file');
}));
