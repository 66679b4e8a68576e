import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runMidline, type Outcome } from './run-midline.js';

let folder: string;
let map: string;
let file: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midline-publish-'));
  map = join(folder, 'desk.yaml');
  file = join(folder, 'desk.csv');
  await writeFile(map, 'source: desk\nname: Desk\nformat: csv\nignore: [memo]\nevents: |\n  { "eventId": id, "bookingRef": id, "type": "cancelled", "occurredAt": $local(at) }\n');
  await writeFile(file, 'id,at,memo,note\ne1,2026-05-10T10:00:00,x,y\ne2,soon,x,y\n');
});

afterAll(() => rm(folder, { recursive: true }));

const midline = (args: readonly string[], input = '', environment: Readonly<Record<string, string>> = {}): Promise<Outcome> => runMidline(args, { input, environment });

describe('midline publish --dry-run', () => {
  test('prints events on standard output, and bad rows and fields that reach no event on standard error; exit code 1 says that some were bad', async () => {
    const { code, out, err } = await midline(['publish', '--map', map, '--dry-run', file]);
    expect(out).toBe('{"eventId":"e1","source":"desk","type":"cancelled","bookingRef":"e1","occurredAt":"2026-05-10T10:00:00.000Z"}\n');
    expect(err).toContain(`${file}:3: $local: "soon" is no time`);
    expect(err).toMatch(/^ {2}note \(\d values? tried/m);
    expect(err).toMatch(/^ {2}memo .*, ignored by the map$/m);
    expect(err).toContain('2 records, 1 events, 1 shown, 1 bad');
    expect(code).toBe(1);
  });

  test('reads standard input, needs no server, and ends with 0 when all is well', async () => {
    const line = '{"eventId":"e","source":"s","type":"cancelled","bookingRef":"r","occurredAt":"2026-05-10T10:00:00.000Z"}\n';
    expect(await midline(['publish', '--dry-run', '-'], line)).toEqual({ code: 0, out: line, err: '1 records, 1 events, 1 shown, 0 bad\n' });
  });

  test('--json says the same for programs', async () => {
    const { err } = await midline(['publish', '--map', map, '--dry-run', '--json', file]);
    expect(JSON.parse(err)).toMatchObject({
      records: 2, events: 1, published: 1, bad: 1,
      unreadFields: [{ field: 'memo', ignored: true }, { field: 'note', ignored: false }],
      problems: [{ file, line: 3, field: null, problem: expect.stringContaining('"soon"') }],
    });
  });

  test('names what is wrong with a map, by line', async () => {
    await writeFile(join(folder, 'wrong.yaml'), 'source: desk\nname: Desk\nformat: csv\nfeePolicy: nobody\nevents: x\n');
    const { code, err } = await midline(['publish', '--map', join(folder, 'wrong.yaml'), '--dry-run', file]);
    expect(err).toContain('wrong.yaml:4: feePolicy must be ours, theirs or both');
    expect(code).not.toBe(0);
  });
});

test('midline publish says which variable is wrong before it reads anything', async () => {
  const { code, err } = await midline(['publish', file], '', { KAFKA_BROKERS: 'nonsense' });
  expect(err).toContain('KAFKA_BROKERS: is no list of host:port');
  expect(code).toBe(2);
});
