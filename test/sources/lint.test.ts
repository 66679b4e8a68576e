import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { findingLevels, type Finding, type FindingKind } from '../../workers/sources/lint/finding.js';
import { lintSourceMap } from '../../workers/sources/lint/lint.js';
import { readSourceMap, shippedMaps } from '../../workers/sources/source-map.js';

/** A map of which the expression begins on line 10, its first column being the fifth. */
const mapOf = (events: string, head = ''): string => `source: crs
name: CRS
format: csv
timeZone: Europe/Berlin
kinds: [lounge-used]
tables:
  types: { B: booked, C: cancelled }
${head === '' ? '#' : head}
events: |
${events.replaceAll(/^/gm, '    ')}
`;

/** An event with one thing in it that is looked at; `Z` stands for it. */
const event = (fields: string): string => `{ "eventId": ref & "-" & $hash(), "bookingRef": ref, "type": $lookup($types, t), "occurredAt": $local(at), ${fields} }`;
const item = (fields: string): string => event(`"booking": { "items": [rooms.{ "id": no, "product": "hotel", ${fields} }] }`);

const lint = (events: string, head?: string): readonly Finding[] => lintSourceMap(mapOf(events, head), 'crs.yaml');
const kindsOf = (findings: readonly Finding[]): readonly FindingKind[] => findings.map(({ kind }) => kind);

const good = event('"booking": { "items": [] }');

test('a careful map has no finding', () => {
  expect(lint(good)).toEqual([]);
});

/** Each: what is wrong, and the same put right. */
const cases: readonly (readonly [FindingKind, string, string])[] = [
  ['unknown-function', event('"booking": { "remarks": [{ "text": $upper(x) }] }'), event('"booking": { "remarks": [{ "text": $uppercase(x) }] }')],
  ['unknown-variable', event('"agent": $agnet, "booking": {}'), `($agnet := agent; ${event('"agent": $agnet, "booking": {}')})`],
  ['forbidden-function', event('"booking": { "bookedAt": $now() }'), event('"booking": { "bookedAt": $received() }')],
  ['unknown-field', event('"booking": { "bookingref": ref }'), event('"booking": { "attributes": { "bookingref": ref } }')],
  ['missing-field', item('"price": { "total": $decimal(p) }'), item('"price": { "total": $decimal(p), "currency": "EUR" }')],
  ['unknown-type', good.replace('$lookup($types, t)', '$exists(t) ? $lookup($types, t) : "paid"'), good.replace('$lookup($types, t)', '$exists(t) ? $lookup($types, t) : "lounge-used"')],
  ['missing-touches', good.replace('$lookup($types, t)', 't = "R" ? "refunded" : $lookup($types, t)'), good.replace('$lookup($types, t)', 't = "R" ? "refunded" : $lookup($types, t)').replace('"booking"', '"touches": { "items": ["1"] }, "booking"')],
  ['missing-booking', event('"agent": a'), event('"agent": a, "booking": {}')],
  ['unstable-event-id', `($at := $received(); ${good.replace('$hash()', '$at')})`, good],
  ['constant-event-id', good.replace('ref & "-" & $hash()', '"one"'), good],
  ['event-id-is-booking', good.replace('ref & "-" & $hash()', 'ref'), good.replace('ref & "-" & $hash()', 'ref & "-" & version')],
  ['row-in-id', `($ref := "R" & $string($row); ${good.replace('ref & "-" & $hash()', '$ref & "-1"')})`, good],
  ['recycled-locator', good.replace('"bookingRef": ref', '"bookingRef": order.recordLocator'), good.replace('"bookingRef": ref', '"bookingRef": order.recordLocator & "-" & created')],
  ['id-from-position', event('"booking": { "items": [$map(rooms, function($r, $i) {{ "id": "room" & ($i + 1), "product": "hotel" }})] }'), event('"booking": { "items": [$map(rooms, function($r) {{ "id": "room" & $r.no, "product": "hotel" }})] }')],
  ['id-from-position', event('"booking": { "items": [rooms#$i.{ "id": $string($i), "product": "hotel" }] }'), event('"booking": { "items": [rooms.{ "id": no, "product": "hotel" }] }')],
  ['card-or-identity', event('"booking": { "payments": [{ "type": "card", "brand": payment.card_number }] }'), event('"booking": { "payments": [{ "type": payment.card_number ? "card" : "cash" }] }')],
  ['card-or-identity', event('"booking": { "remarks": [guest.passport.number.{ "text": $ }] }'), event('"booking": { "remarks": [guest.loyalty.number.{ "text": $ }] }')],
  ['inexact-amount', item('"price": { "currency": "EUR", "total": $number(p) * 2 }'), item('"price": { "currency": "EUR", "total": $times(p, 2) }')],
  ['inexact-amount', `($price := function($x) { $number($x) }; ${item('"price": { "currency": "EUR", "total": $price(p) }')})`, `($price := function($x) { $decimal($x) }; ${item('"price": { "currency": "EUR", "total": $price(p) }')})`],
  ['amount-without-decimal', item('"price": { "currency": "EUR", "total": p }'), item('"price": { "currency": "EUR", "total": $decimal(p) }')],
  ['instant-for-day', item('"start": $local(arrival)'), item('"start": arrival')],
  ['text-as-number', item('"nights": nights'), item('"nights": $number(nights)')],
  ['text-as-number', event('"booking": { "isOption": option }'), event('"booking": { "isOption": option = "yes" }')],
  ['number-as-text', item('"supplier": $number(hotel)'), item('"supplier": $string($number(hotel))')],
  ['time-without-local', good.replace('$local(at)', 'at'), good],
  ['time-without-local', good.replace('$local(at)', '$fromMillis($toMillis(at))'), good.replace('$local(at)', '$fromMillis($toMillis($local(at)))')],
  ['list-without-brackets', event('"booking": { "booker": { "emails": email } }'), event('"booking": { "booker": { "emails": [email] } }')],
  ['context-in-lambda', event('"booking": { "items": [$map(rooms, function($r) {{ "id": no, "product": "hotel" }})] }'), event('"booking": { "items": [$map(rooms, function($r) {{ "id": $r.no, "product": "hotel" }})] }')],
  ['context-in-lambda', `($room := function($r) {{ "id": $r.no, "product": "hotel", "supplier": hotel }}; ${event('"booking": { "items": [$map(rooms, $room)] }')})`, `($room := function($r) {{ "id": $r.no, "product": "hotel", "supplier": hotel }}; ${event('"booking": { "items": [$room(rooms[0])] }')})`],
  ['not-of-missing', event('"booking": { "travellerCounts": { "ADT": $count(guests[$not(age)]) } }'), event('"booking": { "travellerCounts": { "ADT": $count(guests[$not($exists(age))]) } }')],
  ['unequal-to-missing', event('"booking": { "booker": { "phones": [phones[type != "FAX"].number] } }'), event('"booking": { "booker": { "phones": [phones[$not(type = "FAX")].number] } }')],
  ['wildcard', event('"booking": { "remarks": [notes.*.{ "text": $ }] }'), event('"booking": { "remarks": [notes.note.{ "text": $ }] }')],
  ['sensitive-in-clear', event('"booking": { "remarks": [{ "text": guest.diet }] }'), event('"booking": { "sensitive": [{ "kind": "diet", "text": guest.diet }] }')],
  ['unused-variable', `($old := x; ${good})`, good],
];

describe('lint finds, and does not find once it is put right:', () => {
  test.each(cases)('%s', (kind, wrong, right) => {
    expect(kindsOf(lint(wrong))).toEqual([kind]);
    expect(kindsOf(lint(right))).toEqual([]);
  });
});

describe('in the head', () => {
  test.each([
    ['unused-table', 'ignore: []\n#', (text: string) => text.replace('$lookup($types, t)', '"booked"')],
    ['table-hides-function', '', (text: string) => text.replace('types: {', 'length: {').replace('$types', '$length')],
    ['unused-ignore', 'ignore: [papers, papers.number]', (text: string) => text],
    ['zone-by-default', '', (text: string) => text.replace('timeZone: Europe/Berlin\n', '')],
  ] as const)('%s', (kind, head, change) => {
    expect(kindsOf(lintSourceMap(change(mapOf(good, head)), 'crs.yaml'))).toEqual([kind]);
  });

  test('an entry of ignore that no sample has', () => {
    const text = mapOf(good, 'ignore: [papers, paper]');
    expect(kindsOf(lintSourceMap(text, 'crs.yaml', new Set(['papers.number', 'ref'])))).toEqual(['unused-ignore']);
    expect(lintSourceMap(text, 'crs.yaml', null)).toEqual([]);
  });

  test('everything that keeps a map from being loaded', () => {
    expect(lintSourceMap(mapOf(good).replace('format: csv', 'format: cvs'), 'crs.yaml')).toMatchObject([{ kind: 'wrong-map', level: 'error', line: 3, problem: 'format must be csv, ndjson, json or xml' }]);
    expect(lintSourceMap('source: [', 'crs.yaml')).toMatchObject([{ kind: 'wrong-map' }]);
  });
});

test('every kind is tried', () => {
  const tried = new Set<string>([...cases.map(([kind]) => kind), 'syntax', 'wrong-map', 'unused-table', 'table-hides-function', 'unused-ignore', 'zone-by-default']);
  expect(Object.keys(findingLevels).filter((kind) => !tried.has(kind))).toEqual([]);
});

describe('a finding says where', () => {
  test('line and column in the file, in a text over several lines', () => {
    expect(lint('{\n  "eventId": id,,\n}')).toMatchObject([{ kind: 'syntax', line: 11, column: 21 }]);
    expect(lint(good.replace('"occurredAt"', '\n "occuredAt"'))).toMatchObject([
      { kind: 'missing-field', line: 10, column: 5 },
      { kind: 'unknown-field', line: 11, column: 6, problem: 'BookingEvent has no field occuredAt', remedy: expect.stringContaining('the nearest is occurredAt') },
    ]);
  });

  test('and in one of a single line', () => {
    const text = `source: crs\nname: CRS\nformat: csv\ntimeZone: UTC\nevents: '($a := 1; ${good.replace('$lookup($types, t)', '"cancelled"')})'\n`;
    expect(lintSourceMap(text, 'crs.yaml')).toMatchObject([{ kind: 'unused-variable', line: 5, column: 11 }]);
  });
});

test('what docs/sources.md says of lint is what it knows', async () => {
  const page = await readFile(new URL('../../docs/sources.md', import.meta.url), 'utf8');
  const rows = (/## Lint\n([\s\S]*?)\n## /.exec(page)?.[1] ?? '').split('\n').filter((line) => line.startsWith('| ')).map((line) => line.split('|'));
  const named = (column: number): readonly string[] => rows.flatMap((cells) => [...(cells[column] ?? '').matchAll(/`([a-z-]+-[a-z-]+|syntax|wildcard)`/g)].map(([, kind = '']) => kind)).sort();
  const known = (level: string): readonly string[] => Object.entries(findingLevels).flatMap(([kind, its]) => (its === level ? [kind] : [])).sort();
  expect([named(1), named(2)]).toEqual([known('error'), known('warning')]);
});

test.each([['a function that calls itself', `($f := function($n) { $n = 0 ? "x" : $f($n - 1) }; ${event('"agent": $f(3), "booking": {}')})`], ['an object of keys that are computed', event('"booking": { $k: 1 }').replace('$k', 'k')], ['nothing of an event', '$sum([1, 2])']])('%s is no trouble', (_, events) => {
  expect(kindsOf(lint(events)).filter((kind) => kind !== 'unused-table' && kind !== 'unknown-field')).toEqual([]);
});

test('no shipped map has an error', async () => {
  for (const name of await shippedMaps()) {
    expect({ name, errors: lintSourceMap(await readSourceMap(name), name).filter(({ level }) => level === 'error') }).toEqual({ name, errors: [] });
  }
});
