import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createMapper } from '../../workers/sources/mapper.js';
import { loadSourceMap, parseSourceMap, shippedMaps } from '../../workers/sources/source-map.js';

const good = 'source: crs\nname: CRS\nformat: ndjson\nevents: |\n  { "eventId": id }\n';

const problemsOf = (text: string) => {
  const parsed = parseSourceMap(text, 'crs.yaml');
  return 'problems' in parsed ? parsed.problems : [];
};

describe('a map', () => {
  test('has defaults for what its head leaves out', () => {
    expect(parseSourceMap(good, 'crs.yaml')).toMatchObject({ map: { source: 'crs', timeZone: 'UTC', feePolicy: 'ours', kinds: [], ignore: [], encoding: 'utf-8', origin: 'crs.yaml' } });
  });

  test('is told all that is wrong with its head at once, with lines', () => {
    expect(problemsOf(`${good}timeZone: Mars/Olympus\nfeePolicy: nobody\nkind: [x]\n`)).toEqual([
      { field: 'timeZone', problem: 'is no time zone; write for example Europe/Berlin or UTC', line: 6 },
      { field: 'feePolicy', problem: 'must be ours, theirs or both', line: 7 },
      expect.objectContaining({ problem: expect.stringContaining('kind') }),
    ]);
  });

  test('is told what is wrong with its expression, on which line of the file', () => {
    expect(problemsOf('source: crs\nname: CRS\nformat: ndjson\nevents: |\n  {\n    "eventId": id,,\n  }\n')).toEqual([{ field: 'events', problem: expect.stringContaining('line 2 of the expression'), line: 6 }]);
  });

  test('is told what to write where a field is missing, of another type or unknown', () => {
    expect(problemsOf('format: ndjson\n')).toEqual([
      { field: 'source', problem: 'is missing: write the id of the system, such as our-crs', line: null },
      { field: 'name', problem: 'is missing: write what people call the system, such as Our central reservation system', line: null },
      { field: 'events', problem: 'is missing: write the expression that makes the events', line: null },
    ]);
    expect(problemsOf(good.replace('CRS', '7').replace('{ "eventId": id }', ''))).toEqual([
      { field: 'name', problem: 'must be a text', line: 2 },
      { field: 'events', problem: 'is empty: write the expression that makes the events', line: 4 },
    ]);
    expect(problemsOf(`${good}kind: [x]\nignore: memo\n`)).toEqual([
      { field: 'ignore', problem: 'must be a list', line: 7 },
      { field: 'the file', problem: 'has the unknown field kind; docs/sources.md lists them', line: null },
    ]);
  });

  test('must say which element of an XML document is a record', () => {
    expect(problemsOf('source: crs\nname: CRS\nformat: xml\nevents: x\n')).toEqual([expect.objectContaining({ field: 'xml' })]);
  });

  // Seen to fail (an error nobody announced ended the command) without the look at aliases.
  test.each([
    ['stand for nothing', 'tables: *nobody\n', '*nobody stands for nothing'], ['stand for what they are part of', 'tables: &t { a: *t }\n', '*t stands for nothing that ends before it'],
    ['stand for a billion values', `a: &a0 [1,1,1,1,1,1,1,1,1,1]\n${Array.from({ length: 8 }, (_, level) => `b${level}: &a${level + 1} [${Array(10).fill(`*a${level}`).join()}]\n`).join('')}`, 'more than 1000000 values'],
  ])('is told of aliases that %s', (_, text, problem) => {
    expect(problemsOf(`${good}${text}`)).toEqual([{ field: 'the file', problem: expect.stringContaining(problem), line: expect.any(Number) }]);
  });

  test('is no map if it is no YAML, or writes a key twice', () => {
    expect(problemsOf('source: [\n')[0]?.problem).toContain('is no YAML');
    expect(problemsOf(`${good}source: other\n`)[0]?.problem).toContain('is no YAML');
  });
});

test('every shipped map can be loaded by its name', async () => {
  const names = await shippedMaps();
  expect(names).toContain('hotel-pms');
  for (const name of names) expect(await loadSourceMap(name)).toMatchObject({ origin: name });
});

test('a map is found by its path; one that is not there or wrong is refused with the reason', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'midline-map-'));
  const path = join(folder, 'crs.yaml');
  await writeFile(path, good);
  expect(await loadSourceMap(path)).toMatchObject({ source: 'crs' });
  await writeFile(path, `${good}feePolicy: nobody\n`);
  await expect(loadSourceMap(path)).rejects.toThrow(`${path}:6: feePolicy must be ours, theirs or both`);
  await expect(loadSourceMap('no-such-map')).rejects.toThrow(/No map is called no-such-map. Shipped are: .*hotel-pms/);
  await rm(folder, { recursive: true });
});

test('the map in docs/sources.md works as written', async () => {
  const page = await readFile(new URL('../../docs/sources.md', import.meta.url), 'utf8');
  const parsed = parseSourceMap(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '', 'docs');
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  const value = { booking_no: 'B1', action: 'CXL', changed_at: '2026-05-01 10:00', name: 'MUELLER/ANNA', email: '', hotel_code: 'H', arrival: '2026-07-01', departure: '2026-07-03', currency: 'EUR', amount: '10.50' };
  const [record] = await createMapper(parsed.map).map({ received: '', records: [{ number: 1, line: 2, value }] });
  expect(record?.problems).toEqual([]);
  expect(record?.events).toMatchObject([{ type: 'cancelled', occurredAt: Date.UTC(2026, 4, 1, 8), booking: { booker: { emails: [] }, items: [{ price: { total: '10.5' } }] } }]);
});
