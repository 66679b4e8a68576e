import { describe, expect, test } from '@jest/globals';
import { createMapping } from '../../workers/sources/mapping.js';
import { createUnreadFields, type UnreadField } from '../../workers/sources/unread-fields.js';

async function unread(events: string, records: readonly unknown[], ignore: readonly string[] = []): Promise<readonly UnreadField[]> {
  const fields = createUnreadFields(createMapping({ events, tables: {}, timeZone: 'UTC' }), ignore);
  for (const [index, record] of records.entries()) await fields.observe(record, index + 1, { number: index + 1, received: '2026-01-01T00:00:00Z' });
  return fields.report();
}

const namesOf = (fields: readonly UnreadField[]): readonly string[] => fields.map(({ field }) => field);

describe('the losses that careful maps had are found', () => {
  test('a class that is read of the wrong context inside a lambda', async () => {
    const order = { ref: 'R', segments: [{ number: '12', class: 'Y' }, { number: '13', class: 'M' }] };
    const wrong = '{ "ref": ref, "segments": $map(segments, function($s) { { "number": $s.number, "class": class } }) }';
    const right = '{ "ref": ref, "segments": $map(segments, function($s) { { "number": $s.number, "class": $s.class } }) }';
    expect(await unread(wrong, [order])).toEqual([{ field: 'segments.class', beside: null, values: 2, line: 1, ignored: false }]);
    expect(await unread(right, [order])).toEqual([]);
  });

  test('adults: guests without an age, dropped by $not(missing)', async () => {
    const booking = { guests: { count: [{ Count: '2' }, { Count: '1', Age: '9' }, { Count: '1', Age: '3' }] } };
    const wrong = '{ "adults": $number(guests.count[$not(Age)].Count), "children": guests.count[$exists(Age)].{ "n": Count, "age": Age } }';
    const right = '{ "adults": $number(guests.count[$not($exists(Age))].Count), "children": guests.count[$exists(Age)].{ "n": Count, "age": Age } }';
    expect(await unread(wrong, [booking])).toEqual([{ field: 'guests.count.Count', beside: [], values: 1, line: 1, ignored: false }]);
    expect(await unread(right, [booking])).toEqual([]);
  });

  test('phones without a type, dropped by missing != "FAX"', async () => {
    const guest = { phones: [{ number: '1', type: 'MOBILE' }, { number: '2' }, { number: '3', type: 'FAX' }] };
    const wrong = '{ "phones": [phones[type != "FAX"].number] }';
    const right = '{ "phones": [phones[$not(type = "FAX")].number] }';
    expect(await unread(wrong, [guest])).toEqual([{ field: 'phones.number', beside: [], values: 1, line: 1, ignored: false }]);
    expect(await unread(right, [guest])).toEqual([]);
  });
});

describe('a field reaches an event', () => {
  test('not by being read: a wildcard reads everything, a sum of nothing uses nothing', async () => {
    expect(namesOf(await unread('{ "ref": ref, "n": $count(*) > 0 }', [{ ref: 'R', unused: 'x' }]))).toEqual(['unused']);
  });

  test('by deciding something, though its value stands nowhere', async () => {
    expect(await unread('{ "type": status = "X" ? "cancelled" : "booked" }', [{ status: 'X' }, { status: 'B' }])).toEqual([]);
  });

  test('not by the hash of the record alone', async () => {
    expect(namesOf(await unread('{ "id": $hash(), "a": a }', [{ a: '1', b: '2' }]))).toEqual(['b']);
  });

  test('if any of the values that were tried does: nothing times a price is no loss', async () => {
    expect(await unread('{ "total": $times(price, nights) }', [{ price: '75', nights: '0' }, { price: '80', nights: '2' }])).toEqual([]);
  });
});

// Seen to end the command: a function of JSONata holds itself, and was written out as JSON.
test('an expression that makes a function instead of data is answered', async () => {
  expect(namesOf(await unread('{ "a": function($x) { $x } }', [{ ref: 'R' }]))).toEqual(['ref']);
});

// Seen to try a record for minutes whose expression ran into its time limit each time.
test('a record that cannot be mapped is not tried', async () => {
  expect(await unread('$error("no")', [{ ref: 'R' }])).toEqual([]);
});

test('fields that the map knows to be of no use are marked, with all that is below them', async () => {
  expect(await unread('{ "ref": ref }', [{ ref: 'R', papers: [{ number: '1' }], papersTotal: '1' }], ['papers'])).toEqual([
    { field: 'papers.number', beside: null, values: 1, line: 1, ignored: true },
    { field: 'papersTotal', beside: null, values: 1, line: 1, ignored: false },
  ]);
});

test('a long file costs no more than a short one: each field is tried a few times', async () => {
  let evaluations = 0;
  const mapping = createMapping({ events: '{ "a": a }', tables: {}, timeZone: 'UTC' });
  const counting = { ...mapping, probe: (...args: Parameters<typeof mapping.probe>) => { evaluations++; return mapping.probe(...args); } };
  const fields = createUnreadFields(counting, []);
  for (let number = 1; number <= 1000; number++) await fields.observe({ a: String(number), b: String(number) }, number, { number, received: '' });
  expect(evaluations).toBeLessThan(100);
  expect(namesOf(fields.report())).toEqual(['b']);
});
