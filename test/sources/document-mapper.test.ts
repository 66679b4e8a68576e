import { expect, test } from '@jest/globals';
import { createDocumentMapper } from '../../workers/sources/document-mapper.js';
import { parseSourceMap } from '../../workers/sources/source-map.js';

// The built module, since a thread of Node loads no TypeScript; `npm test` builds first.
const module = new URL('../../dist/workers/sources/mapping-thread.js', import.meta.url);

const parsed = parseSourceMap('source: crs\nname: A system\nformat: json\nevents: |\n  (id = "LOOP" ? ($f := function($n) { $f($n + 1) }; $f(1)); null)\n', 'crs.yaml');
const received = '2026-05-01T10:00:00.000Z';
const recordOf = (id: string) => ({ records: [{ number: 1, line: 1, value: { id } }], received });

function mapperOf(limit: number) {
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return createDocumentMapper(parsed.map, { threads: 1, limit, module });
}

// Seen to fail (the answer comes after the ten seconds of the expression itself) when the thread is not ended at the limit.
test('a document beyond its time is given up with its thread, and the next one gets another', async () => {
  const mapper = mapperOf(2_000);
  const answers = await Promise.all([mapper.map(recordOf('A')), mapper.map(recordOf('LOOP')), mapper.map(recordOf('B'))]);
  await mapper.close();
  const good = { records: [{ number: 1, line: 1, events: [], problems: [] }] };
  expect(answers).toEqual([good, { problem: 'takes longer than 2 s' }, good]);
}, 120_000);

test('closed while a document is in hand, it says so at once: the document is to be mapped again', async () => {
  const mapper = mapperOf(60_000);
  await mapper.map(recordOf('A'));
  const asked = mapper.map(recordOf('LOOP'));
  asked.catch(() => undefined);
  await mapper.close();
  await expect(asked).rejects.toMatchObject({ name: 'MapperClosed', retryable: true });
  await expect(mapper.read(Buffer.from('{}'))).rejects.toMatchObject({ name: 'MapperClosed' });
}, 120_000);

test('a document is read in the map\'s format, or said to be unreadable', async () => {
  const mapper = mapperOf(60_000);
  expect(await mapper.read(Buffer.from('[{"id":"A"},{"id":"B"}]'))).toMatchObject({ records: [{ number: 1, value: { id: 'A' } }, { number: 2, value: { id: 'B' } }] });
  expect(await mapper.read(Buffer.from(''))).toEqual({ problem: 'holds no record' });
  await mapper.close();
}, 120_000);
