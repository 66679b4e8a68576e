import { describe, expect, test } from '@jest/globals';
import { checkFeeTable } from '../../../workers/domain/fees/check-references.js';
import { type FeeTableProblem, parseFeeTable, problemText } from '../../../workers/domain/fees/parse.js';

const exampleTable = `feeTable: corporate-2026
name: Corporate customers 2026
owner: group                          # org unit; its zone gives meaning to days; default: the root
currency: EUR
validFrom: 2026-01-01                 # start of that day in the owner's zone; or an instant with offset
vatIncluded: true                     # default: amounts are gross
zones: { home: [DE], near: [AT, CH, NL] }
pairs: [{ between: [SIN, KUL], as: domestic }]
charges:
  service-fee: { scope: document, vat: DE-standard }
  hotel-fee:   { scope: item, vat: DE-standard }
  file-fee:    { scope: order }
  merchant:    { scope: order }
  after-hours: { scope: transaction, once: day }
rules:
  - { id: air-domestic, charge: service-fee, on: ticketed, when: { product: flight, geography: domestic }, amount: { fixed: 50 } }
  - { id: hotel, charge: hotel-fee, on: booked, when: { product: hotel }, amount: { fixed: 45, times: rooms } }
  - { id: hotel-with-air, charge: hotel-fee, on: booked, when: { product: hotel, orderHas: { product: flight } }, amount: none }
  - { id: void-same-day, charge: service-fee, on: voided, when: { sameDay: true }, amount: none }
  - { id: late, charge: after-hours, on: [booked, ticketed], when: { outsideHours: "Mo-Fr 09:00-18:00" }, amount: { fixed: 120 } }
  - { id: amex, charge: merchant, on: booked, when: { payment: amex }, amount: { percent: 3, of: order-total, min: 5, max: 250 } }
`;

function tableIn(text: string, format: 'yaml' | 'json' | 'csv' = 'yaml') {
  const parsed = parseFeeTable(text, format, 'table');
  if ('problems' in parsed) throw new Error(parsed.problems.map(problemText).join('\n'));
  return parsed.table;
}

function problemsIn(text: string, format: 'yaml' | 'json' | 'csv' = 'yaml'): readonly FeeTableProblem[] {
  const parsed = parseFeeTable(text, format, 'table');
  return 'problems' in parsed ? parsed.problems : [];
}

/** A table of one rule, on line 5. */
const withRule = (rule: string, { head = '', charges = 'c: { scope: order }, d: { scope: item }' } = {}): string =>
  `feeTable: t\ncurrency: EUR\nvalidFrom: 2026-01-01\ncharges: { ${charges} }\nrules: [${rule}]\n${head}`;
const ofAmount = (amount: string): string => withRule(`{ id: r, charge: c, on: booked, amount: ${amount} }`);
const ofWhen = (when: string): string => withRule(`{ id: r, charge: c, on: booked, when: ${when}, amount: none }`);

describe('the file', () => {
  test('the example of the design is a table', () => {
    const table = tableIn(exampleTable);
    expect(table.rules).toHaveLength(6);
    expect(table.rules?.[0]).toEqual({ id: 'air-domestic', charge: 'service-fee', on: 'ticketed', when: { product: 'flight', geography: 'domestic' }, amount: { fixed: '50' } });
  });

  test('numbers are exact decimals from their text, never through a float', () => {
    expect(tableIn(ofAmount('{ percent: 0.10000000, of: unit-total, max: 99999999999999.99 }')).rules?.[0]?.amount).toEqual({ percent: '0.10000000', of: 'unit-total', max: '99999999999999.99' });
  });

  test('NO is Norway, 09:00 is text, on is a key, a number and a boolean stand for their text', () => {
    expect(tableIn(ofWhen('{ carrier: NO, tariff: 9, office: 1.50, item: { vip: true, seat: 09:00 } }')).rules?.[0]?.when).toEqual({ carrier: 'NO', tariff: '9', office: '1.50', item: { vip: 'true', seat: '09:00' } });
  });

  // Seen to hang, following each alias into itself or a billion values, without the look at aliases.
  test.each([['rules: &r [*r, *r]\n'], [`${Array.from({ length: 9 }, (_, level) => `a${level}: &a${level} [${Array(10).fill(level === 0 ? 'x' : `*a${level - 1}`).join()}]\n`).join('')}rules: *a8\n`]])('aliases without end are a problem: %#', (text) => {
    expect(problemsIn(text).map(problemText).join('\n')).toMatch(/stands for nothing that ends before it|more than 1000000 values/);
  });

  test('JSON is read too, with tabs, exactly and with lines', () => {
    const json = '{\n\t"feeTable": "t", "currency": "EUR", "validFrom": "2026-01-01",\n\t"charges": { "c": { "scope": "order" } },\n\t"rules": [{ "id": "r", "charge": "c", "on": "booked",\n\t\t"amount": { "fixed": 50.10 } }]\n}';
    expect(tableIn(json, 'json').rules?.[0]?.amount).toEqual({ fixed: '50.10' });
    expect(problemsIn(json.replace('50.10', '50.105'), 'json')).toEqual([{ rule: 'r', field: 'amount.fixed', value: '50.105', allowed: 'at most 2 decimals in EUR', line: 5 }]);
  });

  const csv = `# feeTable: t
# currency: EUR
# validFrom: 2026-01-01
# charges: { c: { scope: item } }
id,charge,on,when.product,when.price.from,when.hours,amount.fixed,amount.times,amount.bands.1.upTo,amount.bands.1.fixed,amount.bands.2.fixed,amount
plain,c,booked|changed,flight|hotel,100,"Mo-Fr 09:00-18:00,19:00-20:00",50,rooms|nights,,,,
banded,c,booked,,,,,,100,6,9,
free,c,booked,rail,,,,,,,,none
`;
  test('CSV: one column a field, dots for depth, lists by |, an empty cell is absent', () => {
    expect(tableIn(csv, 'csv').rules).toEqual([
      { id: 'plain', charge: 'c', on: ['booked', 'changed'], when: { product: ['flight', 'hotel'], price: { from: '100' }, hours: 'Mo-Fr 09:00-18:00,19:00-20:00' }, amount: { fixed: '50', times: ['rooms', 'nights'] } },
      { id: 'banded', charge: 'c', on: 'booked', amount: { bands: [{ upTo: '100', fixed: '6' }, { fixed: '9' }] } },
      { id: 'free', charge: 'c', on: 'booked', when: { product: 'rail' }, amount: 'none' },
    ]);
  });
  test('CSV as a spreadsheet writes it: semicolons, padded and quoted head', () => {
    const written = '\uFEFF"# feeTable: t";;\r\n# currency: EUR;;\r\n# validFrom: 2026-01-01;;\r\n"# charges: { c: { scope: item } }";;\r\nid;charge;on;amount.fixed\r\nr;c;booked;50\r\n';
    expect(tableIn(written, 'csv').rules).toEqual([{ id: 'r', charge: 'c', on: 'booked', amount: { fixed: '50' } }]);
  });
  test('CSV problems name the line of the row', () => {
    expect(problemsIn(csv.replace('rail,,', 'rail,abc,'), 'csv')).toEqual([expect.objectContaining({ rule: 'free', field: 'when.price.from', value: 'abc', line: 8 })]);
  });
});

describe('bad tables: a precise message with place and remedy', () => {
  test.each([
    ['an unknown field', exampleTable.replace('vatIncluded', 'vatIncluted'), { rule: null, field: 'vatIncluted', value: 'true', line: 6 }, 'feeTable, name, owner'],
    ['an unknown field of a rule', ofAmount('{ fixd: 5 }'), { rule: 'r', field: 'amount.fixd', value: '5', line: 5 }, 'fixed, percent, of'],
    ['an unknown condition', ofWhen('{ produkt: flight }'), { rule: 'r', field: 'when.produkt', value: 'flight' }, 'product, supplier'],
    ['a condition that no item has inside orderHas', ofWhen('{ orderHas: { channel: online } }'), { field: 'when.orderHas.channel' }, 'product, supplier'],
    ['no currency', exampleTable.replace('currency: EUR\n', ''), { field: 'currency', value: null }, 'a currency such as EUR'],
    ['an unknown currency', exampleTable.replace('EUR', 'XQQ'), { field: 'currency', value: 'XQQ' }, 'ISO 4217'],
    ['a currency in small letters', exampleTable.replace('EUR', 'eur'), { field: 'currency' }, 'a currency such as EUR'],
    ['no validFrom', exampleTable.replace(/validFrom.*\n/, ''), { field: 'validFrom', value: null }, 'a day such as'],
    ['a validFrom that no calendar has', exampleTable.replace('2026-01-01', '2026-02-30'), { field: 'validFrom', value: '2026-02-30' }, 'a day of the calendar'],
    ['a validFrom without offset', exampleTable.replace('2026-01-01', '2026-01-01T10:00:00'), { field: 'validFrom' }, 'an instant with offset'],
    ['a key written twice', exampleTable.replace('currency: EUR', 'currency: EUR\ncurrency: CHF'), { line: 5 }, 'each key once'],
    ['text that is no YAML', exampleTable.replace('zones: {', 'zones: ['), {}, 'readable text'],
    ['an empty file', '', { field: 'table' }, 'a fee table'],
    ['a rule without id', withRule('{ charge: c, on: booked, amount: none }'), { rule: '#1', field: 'id', value: null }, 'unique in the table'],
    ['two rules with one id', withRule('{ id: r, charge: c, on: booked, amount: none }, { id: r, charge: c, on: changed, amount: none }'), { rule: 'r', field: 'id' }, 'an id that no other rule has'],
    ['a charge that is declared nowhere', withRule('{ id: r, charge: x, on: booked, amount: none }'), { rule: 'r', field: 'charge', value: 'x' }, 'one of the charges c, d'],
    ['an unknown scope', exampleTable.replace('scope: document', 'scope: ticket'), { field: 'charges.service-fee.scope', value: 'ticket', line: 10 }, 'order, transaction, item'],
    ['a charge without scope', withRule('', { charges: 'c: { vat: X }' }), { field: 'charges.c.scope' }, 'order, transaction, item'],
    ['a rule without on', withRule('{ id: r, charge: c, amount: none }'), { field: 'on' }, 'a transaction type'],
    ['a rule without amount', withRule('{ id: r, charge: c, on: booked }'), { field: 'amount' }, 'none, or'],
    ['more decimals than the currency has', ofAmount('{ fixed: 50.005 }'), { field: 'amount.fixed', value: '50.005' }, 'at most 2 decimals in EUR'],
    ['more decimals in the other currency', ofAmount('{ fixed: { EUR: 5, JPY: 5.5 } }'), { field: 'amount.fixed.JPY', value: '5.5' }, 'at most 0 decimals in JPY'],
    ["fixed per currency without the table's", ofAmount('{ fixed: { CHF: 5 } }'), { field: 'amount.fixed' }, 'an amount in EUR'],
    ['an amount beyond scale', ofAmount('{ fixed: 123456789012345 }'), { field: 'amount.fixed' }, 'an amount such as'],
    ['an amount that is no number', ofAmount('{ fixed: abc }'), { field: 'amount.fixed', value: 'abc' }, 'an amount such as'],
    ['an amount in exponents', ofAmount('{ fixed: 1e3 }'), { field: 'amount.fixed', value: '1e3' }, 'an amount such as'],
    ['fixed and percent', ofAmount('{ fixed: 5, percent: 3, of: unit-total }'), { field: 'amount' }, 'exactly one of fixed, percent, bands'],
    ['no amount at all', ofAmount('{ min: 5 }'), { field: 'amount' }, 'exactly one of'],
    ['percent of nothing', ofAmount('{ percent: 5 }'), { field: 'amount.of' }, 'what the percentage is taken of'],
    ['percent of the unknown', ofAmount('{ percent: 5, of: profit }'), { field: 'amount.of', value: 'profit' }, 'unit-total, unit-base'],
    ['percent of an undeclared charge', ofAmount('{ percent: 5, of: { charge: x } }'), { field: 'amount' }, 'a declared charge'],
    ['percent of a charge of another scope', ofAmount('{ percent: 5, of: { charge: d } }'), { field: 'amount' }, 'the same scope'],
    ['charges in a circle', withRule('{ id: r, charge: c, on: booked, amount: { percent: 1, of: { charge: d } } }, { id: s, charge: d, on: booked, amount: { percent: 1, of: { charge: c } } }', { charges: 'c: { scope: order }, d: { scope: order }' }), { field: 'amount' }, 'no circle'],
    ['min above max', ofAmount('{ percent: 5, of: unit-total, min: 10, max: 5 }'), { field: 'amount.max', value: '5' }, 'at least min'],
    ['timesMax without times', ofAmount('{ fixed: 5, timesMax: 3 }'), { field: 'amount.timesMax' }, 'only together with times'],
    ['an unknown multiplier', ofAmount('{ fixed: 5, times: beds }'), { field: 'amount.times', value: 'beds' }, 'travellers, segments, nights'],
    ['then without fixed', ofAmount('{ percent: 5, of: unit-total, then: { each: 10, per: started-hour } }'), { field: 'amount.then' }, 'only together with fixed'],
    ['then with another per', ofAmount('{ fixed: 5, then: { each: 10, per: started-minute } }'), { field: 'amount.then.per', value: 'started-minute' }, 'started-hour'],
    ['bands that do not rise', ofAmount('{ bands: [{ upTo: 100, fixed: 1 }, { upTo: 100, fixed: 2 }, { fixed: 3 }] }'), { field: 'amount.bands.1.upTo' }, 'bands rise'],
    ['a last band that is closed', ofAmount('{ bands: [{ upTo: 100, fixed: 1 }, { upTo: 200, fixed: 2 }] }'), { field: 'amount.bands.1.upTo' }, 'the last band is open'],
    ['an open band before the last', ofAmount('{ bands: [{ fixed: 1 }, { fixed: 2 }] }'), { field: 'amount.bands.0.upTo' }, 'only the last band is open'],
    ['over without bands', ofAmount('{ fixed: 5, over: nights }'), { field: 'amount.over' }, 'only together with bands'],
    ['bands over the unknown', ofAmount('{ bands: [{ fixed: 1 }], over: miles }'), { field: 'amount.over', value: 'miles' }, 'nights, leadDays or per-night'],
    ['an unknown rounding mode', ofAmount('{ fixed: 5, rounding: { to: 1, mode: nearest } }'), { field: 'amount.rounding.mode' }, 'half-away'],
    ['a rounding step of zero', ofAmount('{ fixed: 5, rounding: { to: 0 } }'), { field: 'amount.rounding.to' }, 'above 0'],
    ['a rounding step below the minor unit', ofAmount('{ fixed: 5, rounding: { to: 0.005 } }'), { field: 'amount.rounding.to' }, 'at most 2 decimals'],
    ['a cap of zero', withRule('', { charges: 'c: { scope: order, capPerOrder: 0 }' }), { field: 'charges.c.capPerOrder' }, 'above 0'],
    ['an unknown once', withRule('', { charges: 'c: { scope: order, once: week }' }), { field: 'charges.c.once' }, 'order, day or'],
    ['a duration without unit', withRule('', { charges: 'c: { scope: order, once: { within: 10 } }' }), { field: 'charges.c.once.within' }, 'a duration such as'],
    ['a range the wrong way round', ofWhen('{ price: { from: 5, to: 3 } }'), { field: 'when.price.to', value: '3' }, 'at least 5'],
    ['a range without ends', ofWhen('{ price: {} }'), { field: 'when.price' }, 'from, to or both'],
    ['a range with a wrong end', ofWhen('{ leadDays: { form: 1 } }'), { field: 'when.leadDays.form' }, 'from, to'],
    ['contradictory dates', ofWhen('{ travelFrom: 2026-06-01, travelUntil: 2026-05-01 }'), { field: 'when.travelUntil' }, 'a day from 2026-06-01 on'],
    ['contradictory days of a rule', withRule('{ id: r, charge: c, on: booked, from: 2026-06-01, until: 2026-05-01, amount: none }'), { field: 'until' }, 'a day from 2026-06-01 on'],
    ['a day that no calendar has', ofWhen('{ travelFrom: 2026-02-30 }'), { field: 'when.travelFrom' }, 'a day of the calendar'],
    ['absent in a list', ofWhen('{ carrier: [LH, absent] }'), { field: 'when.carrier' }, 'which stands alone'],
    ['an empty list', ofWhen('{ carrier: [] }'), { field: 'when.carrier' }, ''],
    ['an empty condition', ofWhen('{ carrier: }'), { field: 'when.carrier' }, 'a code, a list of codes'],
    ['an empty not', ofWhen('{ not: {} }'), { field: 'when.not' }, 'at least one condition'],
    ['hours that are none', ofWhen('{ hours: "Mon-Fri 9-18" }'), { field: 'when.hours' }, 'Mo-Fr 09:00-18:00'],
    ['hours of a 25th hour', ofWhen('{ hours: "Mo-Fr 09:00-25:00" }'), { field: 'when.hours' }, 'Mo-Fr 09:00-18:00'],
    ['an unknown weekday', ofWhen('{ days: [Mon] }'), { field: 'when.days.0' }, 'Mo, Tu, We'],
    ['an unknown geography', ofWhen('{ geography: intercontinental }'), { field: 'when.geography' }, 'domestic, regional, international'],
    ['an unknown kind of change', ofWhen('{ changed: seats }'), { field: 'when.changed' }, 'dates, route, class'],
    ['a flag that is none', ofWhen('{ sameDay: maybe }'), { field: 'when.sameDay' }, 'true, false'],
    ['leading zeros without quotes', ofWhen('{ tariff: 007 }'), { field: 'when.tariff', value: '007' }, 'in quotes'],
    ['a priority that is no whole number', withRule('{ id: r, charge: c, on: booked, priority: 1.5, amount: none }'), { field: 'priority' }, 'a whole number'],
    ['remove without extends', withRule('', { head: 'remove: [x]' }), { field: 'remove' }, 'only together with extends'],
    ['a table that extends itself', withRule('', { head: 'extends: t' }), { field: 'extends' }, 'another table'],
    ['a pair of one place', withRule('', { head: 'pairs: [{ between: [SIN], as: domestic }]' }), { field: 'pairs.0.between' }, ''],
    ['rules that are no list', exampleTable.replace(/rules:[\s\S]*/, 'rules: none'), { field: 'rules' }, 'a list of rules'],
  ])('%s', (_name, text, expected, allowed) => {
    const problems = problemsIn(text);
    expect(problems).toContainEqual(expect.objectContaining(expected));
    expect(problems.some((problem) => problem.allowed.includes(allowed) && Object.entries(expected).every(([key, value]) => Object.entries(problem).some(([name, actual]) => name === key && actual === value)))).toBe(true);
  });

  test('all at once', () => {
    const text = exampleTable.replace('fixed: 50 ', 'fixed: 50.005, fixd: 3 ').replace('scope: order', 'scope: orders').replace('max: 250', 'max: 1').replace('sameDay: true', 'sameDy: true');
    expect(problemsIn(text).map(({ line, rule, field }) => [line, rule, field])).toEqual([
      [12, null, 'charges.file-fee.scope'], [16, 'air-domestic', 'amount.fixd'], [16, 'air-domestic', 'amount.fixed'], [19, 'void-same-day', 'when.sameDy'], [21, 'amex', 'amount.max'],
    ]);
  });

  test('a condition without its form does not hide what is wrong with another', () => {
    expect(problemsIn(ofWhen('{ carrier: [], price: { from: 5, to: 3 } }')).map(({ field }) => field)).toEqual(['when.carrier', 'when.price.to']);
  });

  test('a problem in words', () => {
    expect(problemsIn(ofAmount('{ fixed: 50.005 }')).map(problemText)).toEqual(['line 5, rule r: amount.fixed is 50.005, allowed is at most 2 decimals in EUR']);
  });
});

describe('what a table refers to', () => {
  const table = tableIn(withRule('{ id: r, charge: c, on: [booked, card-used], amount: none }', { charges: 'c: { scope: order, vat: DE-standard }', head: 'owner: group' }));
  const fine = { kinds: new Set(['card-used']), hasRate: () => true, hasOrgUnit: () => true, scopeElsewhere: () => null, base: () => null };
  test.each([
    ['nothing wrong', {}, []],
    ['a type that no source declares', { kinds: new Set<string>() }, ['rules.on']],
    ['a tax code without rate on validFrom', { hasRate: () => false }, ['charges.c.vat']],
    ['an org unit that does not exist', { hasOrgUnit: () => false }, ['owner']],
    ['another scope elsewhere', { scopeElsewhere: () => ({ table: 'other', scope: 'item' }) }, ['charges.c.scope']],
  ])('%s', (_name, references, fields) => {
    expect(checkFeeTable(table, { ...fine, ...references }).map(({ rule, field }) => (rule === null ? field : `rules.${field}`))).toEqual(fields);
  });

  test('tables in a circle, in another currency, or unknown', () => {
    const extending = (name: string, base: string, currency = 'EUR') => tableIn(`feeTable: ${name}\ncurrency: ${currency}\nvalidFrom: 2026-01-01\nextends: ${base}`);
    const tables = new Map([['b', extending('b', 'a')], ['chf', tableIn('feeTable: chf\ncurrency: CHF\nvalidFrom: 2026-01-01')]]);
    const problems = (base: string): string => checkFeeTable(extending('a', base), { base: (name) => tables.get(name) ?? null }).map(({ allowed }) => allowed).join('');
    expect(problems('b')).toContain('does not lead back');
    expect(problems('chf')).toContain('a table in EUR');
    expect(problems('nowhere')).toContain('an approved version');
  });
});
