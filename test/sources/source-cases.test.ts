import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { lintSourceMap } from '../../workers/sources/lint/lint.js';
import { parseSourceCases, runSourceCase } from '../../workers/sources/source-cases.js';
import { loadSourceMap, parseSourceMap, shippedMaps, type SourceMap } from '../../workers/sources/source-map.js';

function mapOf(text: string): SourceMap {
  const parsed = parseSourceMap(text, 'test.yaml');
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.map;
}

const desk = 'source: desk\nname: Desk\nformat: csv\nevents: |\n  { "eventId": id, "bookingRef": ref, "type": "booked", "occurredAt": $local(at), "booking": { "items": [{ "id": "1", "product": "hotel", "price": { "currency": "EUR", "total": $decimal(price) } }] } }\n';
const row = 'id,ref,at,price\ne1,r1,2026-05-10T10:00:00,82.50\n';

/** The differences of one case of the desk's map. */
async function differences(fields: string, text = row): Promise<readonly string[]> {
  const parsed = parseSourceCases(`map: desk\ncases:\n  - case: one\n    text: ${JSON.stringify(text)}\n${fields.replaceAll(/^/gm, '    ')}\n`);
  if ('problems' in parsed) throw new Error(parsed.problems.join('\n'));
  const [sourceCase] = parsed.cases.cases;
  if (sourceCase === undefined) throw new Error('no case');
  return (await runSourceCase(mapOf(desk), sourceCase, () => { throw new Error('no file is asked for'); })).differences;
}

describe('a case is compared', () => {
  test('by the keys that it gives; amounts by their value, instants by their moment', async () => {
    expect(await differences('events: [{ eventId: e1, occurredAt: "2026-05-10T12:00:00+02:00", booking: { items: [{ price: { total: "82.5000" } }] } }]')).toEqual([]);
    expect(await differences('events: [{ booking: { items: [{ price: { total: 82.5 } }] } }]')).toEqual([]);
  });

  test('and each difference is told with its place and both values', async () => {
    expect(await differences('events: [{ eventId: e2, agent: A, booking: { items: [{ price: { total: "82.51" } }] } }]')).toEqual([
      'events[0].eventId: "e1", expected "e2"', 'events[0].agent: nothing, expected "A"', 'events[0].booking.items[0].price.total: "82.5", expected "82.51"',
    ]);
  });

  test('ids are texts: 007 is not 7', async () => {
    expect(await differences('events: [{ eventId: "7" }]', row.replace('e1', '007'))).toEqual(['events[0].eventId: "007", expected "7"']);
  });

  test('lists are complete', async () => {
    expect(await differences('events: []')).toEqual([expect.stringContaining('events[0]: unexpected {"eventId":"e1"')]);
    expect(await differences('events: [{}, { eventId: e2 }]')).toEqual(['events[1]: missing, expected {"eventId":"e2"}']);
    expect(await differences('events: [{ booking: { items: [] } }]')).toEqual([expect.stringContaining('events[0].booking.items[0]: unexpected')]);
  });

  test('null says that nothing may be there', async () => {
    expect(await differences('events: [{ agent: null, booking: { price: null } }]')).toEqual([]);
    expect(await differences('events: [{ booking: null }]')).toEqual([expect.stringContaining('events[0].booking: {"items"')]);
  });

  test('a problem must be told if it is expected, and none else', async () => {
    const bad = row.replace('82.50', 'much');
    expect(await differences('problem: \'"much" is no number\'', bad)).toEqual([]);
    expect(await differences('problem: is no number')).toEqual(['the problem should be told: is no number']);
    expect(await differences('events: []', bad)).toEqual([expect.stringContaining('unexpected problem: line 2: "much" is no number')]);
    expect(await differences('problem: two columns are called "id"', 'id,id\n1,2\n')).toEqual([]);
  });
});

test('what a case must say is told by name', () => {
  expect(parseSourceCases('map: desk\ncases: [{ case: one, events: [] }]')).toEqual({ problems: ['the case "one" must give one of record, text and file, and gives 0'] });
  expect(parseSourceCases('map: desk\ncases: [{ case: one, text: x, file: y }]')).toEqual({ problems: ['the case "one" must give one of record, text and file, and gives 2', 'the case "one" expects neither events nor a problem'] });
  expect(parseSourceCases('map: desk\ncases: [{ case: one, text: x, event: {} }]')).toEqual({ problems: [expect.stringContaining('cases.0')] });
  expect(parseSourceCases('map: [')).toEqual({ problems: [expect.stringContaining('is no YAML')] });
});

test('the cases in docs/sources.md are as expected, by the map in it, which lint has nothing against', async () => {
  const page = await readFile(new URL('../../docs/sources.md', import.meta.url), 'utf8');
  const [map = '', cases = ''] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block = '']) => block);
  const parsed = parseSourceCases(cases);
  if ('problems' in parsed) throw new Error(parsed.problems.join('\n'));
  for (const one of parsed.cases.cases) expect(await runSourceCase(mapOf(map), one, () => { throw new Error('no file'); })).toMatchObject({ differences: [] });
  expect(parsed.cases.cases).toHaveLength(2);
  expect(lintSourceMap(map, 'our-crs.yaml')).toEqual([]);
});

describe('the cases of the shipped maps', () => {
  const folder = new URL('./cases/', import.meta.url);

  test('every shipped map has some', async () => {
    const files = await readdir(folder);
    expect((await shippedMaps()).filter((name) => !files.includes(`${name}.yaml`))).toEqual([]);
  });

  test('all are as expected', async () => {
    for (const file of await readdir(folder)) {
      const parsed = parseSourceCases(await readFile(new URL(file, folder), 'utf8'));
      if ('problems' in parsed) throw new Error(`${file}: ${parsed.problems.join('\n')}`);
      const map = await loadSourceMap(parsed.cases.map);
      for (const one of parsed.cases.cases) expect(await runSourceCase(map, one, (name) => createReadStream(new URL(name, folder)))).toEqual({ case: one.case, differences: [] });
    }
  }, 120_000);
});

describe('the commands', () => {
  // The built command, as people run it; `npm test` builds first.
  const main = fileURLToPath(new URL('../../dist/workers/cli/main.js', import.meta.url));
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'midline-cases-'));
    await writeFile(join(folder, 'desk.yaml'), desk);
    await writeFile(join(folder, 'row.csv'), row);
    await writeFile(join(folder, 'good.yaml'), 'map: ./desk.yaml\ncases:\n  - { case: a row is booked, file: row.csv, events: [{ eventId: e1 }] }\n');
    await writeFile(join(folder, 'wrong.yaml'), 'map: ./desk.yaml\ncases:\n  - { case: a row is booked, file: row.csv, events: [{ eventId: e2 }] }\n');
    await writeFile(join(folder, 'invalid.yaml'), 'map: ./desk.yaml\ncases: []\n');
  });
  afterAll(() => rm(folder, { recursive: true }));

  function sources(...args: readonly string[]): Promise<{ readonly code: number | null; readonly out: string }> {
    const child = spawn(process.execPath, [main, 'sources', ...args], { env: { PATH: process.env['PATH'] }, cwd: folder });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { out += chunk.toString(); });
    return new Promise((resolve) => child.on('close', (code) => { resolve({ code, out }); }));
  }

  test('sources test: 0 where all is as expected; maps and samples are found beside the file; no server is needed', async () => {
    expect(await sources('test', 'good.yaml')).toEqual({ code: 0, out: '✓ a row is booked\n1 of 1 cases as expected\n' });
  });

  test('sources test: 1 where something differs, or a file cannot be played; --json says the same', async () => {
    expect(await sources('test', 'good.yaml', 'wrong.yaml')).toEqual({ code: 1, out: '✓ a row is booked\n✗ a row is booked (wrong.yaml)\n    events[0].eventId: "e1", expected "e2"\n1 of 2 cases as expected\n' });
    const { code, out } = await sources('test', 'invalid.yaml', 'wrong.yaml', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual([
      { file: 'invalid.yaml', problems: ['cases must not be empty'], cases: [] },
      { file: 'wrong.yaml', problems: [], cases: [{ case: 'a row is booked', differences: ['events[0].eventId: "e1", expected "e2"'] }] },
    ]);
  });

  test('sources lint: 1 for errors, 0 for warnings alone, each with its place and remedy', async () => {
    await writeFile(join(folder, 'typo.yaml'), desk.replace('"eventId": id', '"eventid": id').replace('name: Desk', 'name: Desk\nignore: [memo]'));
    const { code, out } = await sources('lint', './typo.yaml', '--sample', 'row.csv');
    expect(code).toBe(1);
    expect(out).toContain('./typo.yaml:6:5: error: BookingEvent has no field eventid; the nearest is eventId');
    expect(out).toContain('./typo.yaml:3: warning: no sample has a field memo');
    const warned = await sources('lint', './desk.yaml', '--json');
    expect(warned.code).toBe(0);
    expect(JSON.parse(warned.out)).toMatchObject([{ map: './desk.yaml', findings: [{ kind: 'zone-by-default', level: 'warning' }] }]);
  });
});
