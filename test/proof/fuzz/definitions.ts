import { hostileText } from './hostile-values.js';
import { chooseKind, createRandom, type Kind, type Random } from './random.js';

/** A file that people write: a source map, a fee table, a case of fees, org units, customers. */
export interface HostileDefinition {
  readonly kind: string;
  readonly what: 'map' | 'fees' | 'case' | 'org-units' | 'customers';
  /** Its name: the ending says how it is read. */
  readonly file: string;
  readonly text: string;
}

/** A definition by its number. */
export function hostileDefinition(seed: number, number: number): HostileDefinition {
  const random = createRandom(seed, number);
  const { name, make } = chooseKind(kinds, random);
  const { what, file, text } = make(random);
  return { kind: `${what}: ${name}`, what, file, text };
}

type Make = (random: Random) => Omit<HostileDefinition, 'kind'>;

const goodMap = (events: string, more = ''): string => `source: fuzz\nname: Fuzz\nformat: ndjson\n${more}events: |\n${events.split('\n').map((line) => `  ${line}`).join('\n')}\n`;
const goodEvent = '{ "eventId": ref, "type": "booked", "bookingRef": ref, "occurredAt": "2026-05-01T10:00:00Z", "booking": {} }';
const goodTable = `feeTable: standard
currency: EUR
validFrom: 2010-01-01
charges:
  booking-fee: { scope: transaction }
rules:
  - { id: booking, charge: booking-fee, on: booked, when: { product: [hotel, flight] }, amount: { fixed: 15.00 } }
  - { id: much, charge: booking-fee, on: changed, amount: { percent: 3, of: unit-total } }
`;
const goodCase = `case: a booking\ntables: [standard]\norder:\n  source: x\n  bookingRef: R1\n  events:\n    - { eventId: e1, type: booked, occurredAt: 2026-05-01T10:00:00Z, booking: {} }\n`;
const goodUnits = '- { id: group, name: Group, timeZone: Europe/Lisbon, country: PT }\n- { id: branch, parent: group, name: Branch }\n';
const goodCustomers = 'externalId,givenName,familyName,email,birthDate\nC1,Kim,Muster,kim@example.com,1980-05-10\n';

const maps = (text: string): ReturnType<Make> => ({ what: 'map', file: 'map.yaml', text });
/** An expression that is valid, or nearly. */
const expression = (events: string, more = ''): ReturnType<Make> => maps(goodMap(events, more));

function damaged(random: Random, text: string): string {
  let result = text;
  for (let count = 1 + random.int(4); count > 0; count -= 1) {
    const at = random.int(result.length + 1);
    result = result.slice(0, at) + random.pick(['', ' ', '\n', ':', '- ', '*x', '&x ', '{', '}', '[', ']', '"', "'", '|', '>', '!!js ', '!!binary ', '%', '#', '\t', '\u0000', '1e999', '__proto__: ', '<<: ', '? ', '---\n', hostileText(random)]) + result.slice(at + random.int(6));
  }
  return result;
}

/** Ten of ten of ten …: a billion values from half a kilobyte. */
const aliases = (top: string): string => `${Array.from({ length: 9 }, (_, level) => `a${level}: &a${level} [${(level === 0 ? 'x' : `*a${level - 1}`).concat(',').repeat(10)}]\n`).join('')}${top}: *a8\n`;

const formats = ['org-units', 'customers', 'fees', 'case', 'map'] as const;
const written = (random: Random, text: string): ReturnType<Make> => {
  const what = random.pick(formats.filter((one) => one !== 'customers'));
  return { what, file: `${what}.yaml`, text };
};

const kinds: readonly Kind<Make>[] = [
  { name: 'damaged', weight: 30, make: (random) => random.pick<() => ReturnType<Make>>([
    () => maps(damaged(random, goodMap(goodEvent, 'tables: { codes: { A: hotel } }\n'))), () => ({ what: 'fees', file: 'fees.yaml', text: damaged(random, goodTable) }), () => ({ what: 'fees', file: 'fees.json', text: damaged(random, '{"feeTable":"x","currency":"EUR","validFrom":"2020-01-01","charges":{},"rules":[]}') }),
    () => ({ what: 'fees', file: 'fees.csv', text: damaged(random, '# feeTable: standard\n# currency: EUR\nid,charge,on,when.product,amount.fixed\nbooking,booking-fee,booked,hotel|flight,15\n') }),
    () => ({ what: 'case', file: 'case.yaml', text: damaged(random, goodCase) }), () => ({ what: 'org-units', file: 'units.yaml', text: damaged(random, goodUnits) }), () => ({ what: 'org-units', file: 'units.csv', text: damaged(random, 'id,parent,name,timeZone,country\ngroup,,Group,UTC,PT\n') }),
    () => ({ what: 'customers', file: 'customers.csv', text: damaged(random, goodCustomers) }), () => ({ what: 'customers', file: 'customers.ndjson', text: damaged(random, '{"externalId":"C1","familyName":"Muster","birthDate":"1980-05-10"}\n') }),
  ])() },
  { name: 'hostile values', weight: 12, make: (random) => {
    const text = (): string => JSON.stringify(hostileText(random));
    return random.pick<() => ReturnType<Make>>([
      () => ({ what: 'customers', file: 'customers.ndjson', text: `${JSON.stringify({ externalId: hostileText(random), familyName: hostileText(random), email: hostileText(random), phone: hostileText(random), birthDate: hostileText(random) })}\n{"externalId":{"a":[]},"familyName":{"__proto__":1}}\n` }),
      () => ({ what: 'org-units', file: 'units.yaml', text: `- { id: ${text()}, parent: ${text()}, name: ${text()}, timeZone: ${text()}, country: ${text()} }\n` }),
      () => ({ what: 'fees', file: 'fees.yaml', text: goodTable.replace(random.pick(['standard', 'EUR', 'transaction', 'booked', 'hotel', '15.00', '3,']), text()) }),
      () => ({ what: 'case', file: 'case.yaml', text: goodCase.replace(random.pick(['a booking', 'R1', 'e1', 'booked', '2026-05-01T10:00:00Z']), text()) }),
      () => expression(`{ "eventId": ${text()}, "type": ${text()}, "bookingRef": ${text()}, ${text()}: ${text()}, "booking": { "attributes": { ${text()}: ${text()} } } }`),
    ])();
  } },
  { name: 'aliases', weight: 8, make: (random) => written(random, random.pick([aliases(random.pick(['tables', 'rules', 'charges', 'order', 'orgUnits'])), '&a [*a, *a]\n', 'rules: &a [*a, *a]\n', 'tables: &t { x: *t }\n', '- &a { id: x, name: *a }\n', '- &a { id: x, <<: *a }\n', 'order: *nobody\n', 'charges: &c { a: { scope: *c } }\n', 'events: &e { a: [*e] }\n', '? &k [a]\n: *k\n']) ) },
  { name: 'nested', weight: 4, make: (random) => { const depth = random.pick([50, 300, 3_000, 20_000]); return written(random, random.pick([`rules: ${'['.repeat(depth)}`, `tables: ${'['.repeat(depth)}${']'.repeat(depth)}`, `order: ${'{a: '.repeat(depth)}1${'}'.repeat(depth)}`, Array.from({ length: Math.min(depth, 1_000) }, (_, level) => `${' '.repeat(level)}a:\n`).join(''), `- ${'- '.repeat(depth)}x\n`])); } },
  { name: 'large tables', weight: 1, make: (random) => { const count = random.once(20) ? 5_000 : 500; return random.once(2) ? expression(goodEvent, `tables:\n  codes:\n${Array.from({ length: count }, (_, index) => `    k${index}: v${index}\n`).join('')}`) : { what: 'fees', file: 'fees.yaml', text: `${goodTable}${Array.from({ length: count / 5 }, (_, index) => `  - { id: r${index}, charge: booking-fee, on: booked, when: { product: [p${index}] }, amount: { fixed: ${index} } }\n`).join('')}` }; } },
  { name: 'expressions', weight: 12, make: (random) => expression(random.pick([
    'function($x) { $x }', '{ "eventId": function($x) { $x }, "booking": { "attributes": { "a": function() { 1 } } } }', '[function($x) { $x }]', '$', '$$', '**', '[$, $]', '%.%', '$eval("1")', '$now()', '$random()', '$match(ref, /x*/)',
    '$string($)', '{ "a": $ }', '$each($, function($v, $k) { $v })', '$merge([$, $])', '$pad("x", 1000000000)', '$pad("x", 30000000)', '[1..100000000]', `[1..200000].(${goodEvent})`, '$map([1..100000], function($i) { { "eventId": $string($i) } })', '$error("no")', '$assert(false, "no")', 'null', '"x"', '1/0', '$power(10, 400)',
    '$formatNumber(1, "#".{})', '$toMillis(ref, "[Y]")', '$fromMillis(8.64e15 + 1)', '$base64decode(ref)', '$encodeUrl("\uD800")', '$lookup($, "__proto__")', '$.__proto__', 'constructor.constructor("return process")()', '$.constructor', '$spread($)', '$sift($, function($v) { true })', '$join(["a"], ref)', '$split(ref, "")', '$replace(ref, "", "x")', '$sum([ref])', '$decimal("1e99")', '$times("1e99", "1e99", "1e99")', '$round("1", 1e9)', '$plusDays("2026-01-01", 1e308)', '$local("2026-03-29T02:30:00", "Europe/Berlin")', '$hash($)', '$keys($) ~> $map(function($k) { $lookup($$, $k) })',
    '( $f := function($s, $n) { $n = 0 ? $s : $f($s & $s, $n - 1) }; { "eventId": $f("x", 29) } )', '( $f := function($s) { 1 + $f($s) }; $f(1) )', '( $f := function($s, $n) { $n = 0 ? $s : $f({ "a": $s }, $n - 1) }; $f(1, 1500) )',
    '('.repeat(random.pick([100, 3_000, 50_000])), `${'('.repeat(900)}1${')'.repeat(900)}`, '1'.concat('+1'.repeat(random.pick([500, 20_000]))), '['.repeat(1_000), '"'.repeat(999), '/'.repeat(99), '`'.repeat(99), damaged(random, goodEvent), hostileText(random),
  ])) },
  { name: 'regular expressions', weight: 4, make: (random) => expression(`$contains(${random.pick(['long', 'ref'])}, ${random.pick(['/^(a+)+$/', '/(a|aa)+$/', '/(a|a?)+$/', '/^(([a-z])+.)+[A-Z]([a-z])+$/', '/(.*)(.*)(.*)(.*)x$/', '/(x+x+)+y/', '/[/', '/a{99999999}/', '/(?<a>.)\\k<a>/', '/\\p{L}+/u', '/(?:)/'])})`) },
  { name: 'endless recursion', weight: 1, make: (random) => (random.once(25) ? expression('( $f := function($s) { $f($s) }; $f(1) )') : expression('( $f := function($s) { $s.$f($) }; $f(1) )')) },
];

/** What expressions are tried on. */
export const probeRecord = { ref: 'R1', long: `${'a'.repeat(60)}!`, list: [1, 2, { a: 'x' }], nested: { a: { b: 'c' } } };
