import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { CustomerEvent } from '../../schemas/customer-event.js';
import { importOrgUnits } from '../../workers/actions/import-org-units.js';
import { importCustomers } from '../../workers/actions/import-customers.js';
import { reconcile } from '../../workers/actions/reconcile.js';
import { rerateStale } from '../../workers/actions/rerate.js';
import { createSettleCustomers } from '../../workers/actions/settle-customers.js';
import { createFactsCache } from '../../workers/actions/settle/facts.js';
import { createSettle } from '../../workers/actions/settle/settle.js';
import { createWire } from '../../workers/actions/settle/wire.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { shareFacts } from '../../workers/store/facts-lock.js';
import { createCodec, type Codec } from '../../workers/topics/codec.js';
import { giveFeeTable } from '../fee-tables.js';
import { booked } from '../ingest/world.js';
import { migratedDatabase, servers } from '../servers.js';
import { until } from '../until.js';

let db: Database;
let codec: Codec;
let drop: () => Promise<void>;
let folder: string;

const table = `
feeTable: simple
name: simple
currency: EUR
validFrom: 2020-01-01
charges: { file: { scope: order } }
rules:
  - { id: vip, charge: file, on: booked, when: { customer: { status: vip } }, amount: none }
  - { id: file, charge: file, on: booked, amount: { fixed: 15 } }
`;

beforeAll(async () => {
  const database = await migratedDatabase();
  drop = database.drop;
  db = createDatabase(database.url, { max: 8 });
  codec = createCodec({ registryUrl: (await servers()).registryUrl });
  await codec.register();
  folder = await mkdtemp(join(tmpdir(), 'midline-customers-'));
  await giveFeeTable(db, table);
}, 120_000);

afterAll(async () => {
  await db.close();
  await drop();
  await rm(folder, { recursive: true });
});

const monday = Date.UTC(2026, 4, 4);

/** A message: an event, or the key of a customer that is one no more, at a minute. */
type Said = { readonly event: CustomerEvent; readonly key?: string } | { readonly ended: string; readonly minute: number };

const bytesOf = (said: Said) => ('event' in said
  ? { key: Buffer.from(said.key ?? `${said.event.source}:${said.event.externalId}`), value: codec.encodeCustomerEvent(said.event), timestamp: monday + 86_400_000 }
  : { key: Buffer.from(said.ended), value: null, timestamp: monday + said.minute * 60_000 });

/** Settles messages of one partition one batch after the other; who is the victim of a deadlock settles again, as ingest does. */
function createLane(topic: string, partition = 0, group = 'midline.customers') {
  const settle = createSettleCustomers({ database: db, codec, observe: (_, work) => work() });
  let next = 0;
  return async (...said: readonly Said[]) => {
    const firstOffset = next;
    next += said.length;
    const messages = said.map((one, n) => ({ ...bytesOf(one), offset: firstOffset + n, headers: {} }));
    for (;;) {
      try {
        return (await settle({ group, topic, partition, firstOffset, nextOffset: next, messages }, { now: Date.now() })).outcomes;
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === '40P01')) throw error;
      }
    }
  };
}

/** Everything that the master holds of the customers whose ids begin with `prefix`, without what differs by name alone. */
async function masterOf(prefix: string): Promise<unknown> {
  const [row] = await db.query<{ readonly master: string }>(
    `select coalesce(json_agg(json_build_array(k.kind, k.value, c.kind, c.active, c.origin, c.party, c.profile,
       (select json_agg(json_build_array(b.source, b.until, b.reason)) from customer_mailing_block b where b.customer_id = c.id),
       (select json_agg(json_build_array(t.type, t.kind, t.value, t.role) order by t.type, t.value) from customer_tie t where t.customer_id = c.id),
       (select json_agg(json_build_array(o.kind, o.value) order by o.kind, o.value) from customer_key o where o.customer_id = c.id),
       (select json_agg(json_build_array(o.kind, o.value, o.origin, o.source, o.label, o.verified, o.consent_hint) order by o.kind, o.value) from customer_contact o where o.customer_id = c.id),
       (select json_agg(json_build_array(a.name, a.value, a.valid_from) order by a.name, a.valid_from) from customer_attribute a where a.customer_id = c.id),
       (select json_agg(json_build_array(r.type, r.valid_from, t.party ->> 'externalId') order by r.type, r.valid_from)
        from customer_relation r join customer t on t.id = r.related_id where r.customer_id = c.id),
       (select json_agg(json_build_array(n.purpose, n.channel, n.at, n.given) order by n.purpose, n.channel, n.at) from customer_consent n where n.customer_id = c.id)
     ) order by k.kind, k.value)::text, '[]') as master
     from customer_key k join customer c on c.id = k.customer_id where k.kind like 'external%' and k.value like 'crm:' || $1 || '%'`, [prefix],
  );
  return JSON.parse((row?.master ?? '').replaceAll(prefix, ''));
}

const forgetCustomers = () => db.query(
  'truncate customer, customer_key, customer_contact, customer_tie, customer_mailing_block, customer_attribute, customer_relation, identity_claim, customer_event, customer_message_key, customer_deactivation, customer_consent');

async function expectReconciled(): Promise<void> {
  expect((await reconcile(db, createWire(codec, null))).checks.filter((check) => !check.ok)).toEqual([]);
}

const people = ['p1', 'p2'] as const;
const companies = ['c1', 'c2'] as const;

/** Of two persons and two companies: events of few moments and days (so that they meet), and deactivations between them. */
const statement = fc.record({
  who: fc.constantFrom(...people, ...companies), minute: fc.integer({ min: 0, max: 5 }), name: fc.constantFrom('Weber', 'Maier'), validFrom: fc.constantFrom(null, '2026-01-01', '2026-03-01'),
  status: fc.constantFrom(undefined, '', 'gold', 'vip'), region: fc.constantFrom(undefined, 'south'), company: fc.constantFrom(undefined, ...companies), email: fc.constantFrom(undefined, 'a', 'b'),
  country: fc.constantFrom('DE', 'CH'), consent: fc.constantFrom(undefined, true, false), bareKey: fc.boolean(),
  interest: fc.constantFrom(undefined, 'golf', 'wine'), label: fc.constantFrom(undefined, 'work', 'home'), tie: fc.constantFrom(undefined, 'spouse', 'partner'), block: fc.constantFrom(undefined, null, '2027-01-31'),
});
const ending = fc.record({ ends: fc.constantFrom(...people, ...companies), minute: fc.integer({ min: 0, max: 5 }), bareKey: fc.boolean() });

type Spoken = (typeof statement extends fc.Arbitrary<infer One> ? One : never) | (typeof ending extends fc.Arbitrary<infer One> ? One : never);

function saidAs(prefix: string, one: Spoken): Said {
  if ('ends' in one) return { ended: `${one.bareKey ? '' : 'crm:'}${prefix}${one.ends}`, minute: one.minute };
  const { who, minute, name, validFrom, status, region, company, email, country, consent, bareKey, interest, label, tie, block } = one;
  const isPerson = who === 'p1' || who === 'p2';
  const ties = tie !== undefined && who === 'p1' ? [{ type: 'family', externalId: `${prefix}p2`, role: tie }] : [];
  const relation = isPerson ? (company === undefined ? [] : [{ type: 'company', externalId: `${prefix}${company}` }]) : who === 'c1' && company === 'c2' ? [{ type: 'parent', externalId: `${prefix}c2` }] : [];
  return {
    ...(bareKey && { key: `${prefix}${who}` }),
    event: {
      externalId: `${prefix}${who}`, source: 'crm', updatedAt: monday + minute * 60_000, validFrom, relations: [...relation, ...ties],
      party: { kind: isPerson ? 'person' : 'company', ...(isPerson ? { familyName: name } : { companyName: name }), ...(email !== undefined && { emails: [`${prefix}${email}@example.com`] }), addresses: [{ country }] },
      attributes: { ...(status !== undefined && { status }), ...(region !== undefined && { region }) },
      profile: { ...(block !== undefined && { mailingBlock: { until: block } }), ...(interest !== undefined && { interests: [interest] }), ...(label !== undefined && { contacts: [{ kind: 'email', value: `${prefix}a@example.com`, label, verified: label === 'work' }] }) },
      ...(consent !== undefined && { consents: [{ purpose: 'newsletter', channel: 'email', given: consent }] }),
    },
  };
}

const arrival = fc.array(fc.oneof({ arbitrary: statement, weight: 5 }, { arbitrary: ending, weight: 1 }), { minLength: 1, maxLength: 12 })
  .chain((spoken) => fc.record({
    spoken: fc.constant<readonly Spoken[]>(spoken),
    wild: fc.shuffledSubarray([...spoken.keys(), ...spoken.keys()], { minLength: spoken.length * 2, maxLength: spoken.length * 2 }),
    lanes: fc.array(fc.nat(1), { minLength: spoken.length * 2, maxLength: spoken.length * 2 }),
    cuts: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: spoken.length * 2, maxLength: spoken.length * 2 }),
  }));

const timeOf = (one: Spoken): number => one.minute;
let runs = 0;

describe('any order of arrival', () => {
  test('doubled, cut into any batches, through two partitions and read again from the beginning: ends in the same master', async () => {
    await fc.assert(fc.asyncProperty(arrival, async ({ spoken, wild, lanes, cuts }) => {
      runs += 1;
      const prefix = 'x-';
      await forgetCustomers();
      const calm = createLane(`customer-events-calm-${runs}`);
      for (const one of [...spoken].sort((a, b) => timeOf(a) - timeOf(b))) await calm(saidAs(prefix, one));
      const expected = await masterOf(prefix);

      await forgetCustomers();
      const both = [0, 1].map((partition) => createLane(`customer-events-wild-${runs}`, partition));
      const counts = { read: 0, applied: 0, duplicate: 0, late: 0, deadLettered: 0 };
      for (let at = 0, cut = 0; at < wild.length; cut += 1) {
        const size = cuts[cut] ?? 1;
        const outcomes = await both[lanes[at] ?? 0]?.(...wild.slice(at, at + size).map((n) => saidAs(prefix, spoken[n] ?? (spoken[0] as Spoken))));
        for (const name of ['read', 'applied', 'duplicate', 'late', 'deadLettered'] as const) counts[name] += outcomes?.[name] ?? 0;
        at += size;
      }
      const settled = await masterOf(prefix);
      expect(settled).toEqual(expected);
      expect(counts.read).toBe(wild.length);
      expect(counts.applied + counts.duplicate + counts.late).toBe(wild.length);

      const again = await createLane(`customer-events-wild-${runs}`, 0, 'again.customers')(...wild.map((n) => saidAs(prefix, spoken[n] ?? (spoken[0] as Spoken))));
      expect(again).toMatchObject({ read: wild.length, applied: 0, deadLettered: 0 });
      expect(await masterOf(prefix)).toEqual(settled);
    }), { numRuns: 25, endOnFailure: true });
    await expectReconciled();
  }, 300_000);

  // Seen to fail (a customer stays inactive) while the key under which the last event of a day came took the place of those before it.
  test('of two partitions at the same moment ends in the same master', async () => {
    const spoken = fc.sample(fc.oneof({ arbitrary: statement, weight: 5 }, { arbitrary: ending, weight: 1 }), { numRuns: 300, seed: 3 });
    const prefixOf = (n: number): string => `x${n % 20}x-`;
    const masters = () => Promise.all(Array.from({ length: 20 }, (_, n) => masterOf(prefixOf(n))));
    await forgetCustomers();
    const order = [...spoken.entries()].sort(([, a], [, b]) => timeOf(a) - timeOf(b));
    await createLane('customer-events-calm')(...order.map(([n, one]) => saidAs(prefixOf(n), one)));
    const expected = await masters();
    await forgetCustomers();
    await Promise.all([0, 1, 2].map(async (partition) => {
      const lane = createLane('customer-events-wild', partition);
      const mine = [...spoken.entries()].filter(([n]) => Math.floor(n / 20) % 3 === partition);
      for (let at = 0; at < mine.length; at += 10) await lane(...mine.slice(at, at + 10).map(([n, one]) => saidAs(prefixOf(n), one)));
    }));
    expect(await masters()).toEqual(expected);
    await expectReconciled();
  }, 300_000);
});

describe('the same facts by file', () => {
  const file = (prefix: string): string => [
    'externalId,kind,givenName,familyName,companyName,emails,country,vatId,company,attribute.status,validFrom',
    `${prefix}anna,person,Anna,Weber,,${prefix}anna@example.com,DE,,${prefix}acme,gold,`,
    `${prefix}anna,person,,,,,,,,vip,2026-04-01`,
    `${prefix}bert,person,Bert,Maier,,${prefix}bert@example.com,,,${prefix}acme,vip,`,
    `${prefix}acme,company,,,Acme GmbH,,DE,DE123456789,,,`,
  ].join('\n');
  const person = (prefix: string, name: string, given: string, family: string, minute: number, fields: Partial<CustomerEvent>, country?: string): Said => ({
    event: {
      externalId: `${prefix}${name}`, source: 'crm', updatedAt: monday + minute, relations: [{ type: 'company', externalId: `${prefix}acme` }],
      party: { kind: 'person', givenName: given, familyName: family, emails: [`${prefix}${name}@example.com`], ...(country !== undefined && { addresses: [{ country }] }) }, ...fields,
    },
  });
  const events = (prefix: string): readonly Said[] => [
    person(prefix, 'anna', 'Anna', 'Weber', 3, { relations: [], attributes: { status: 'vip' }, validFrom: '2026-04-01' }, 'DE'),
    person(prefix, 'bert', 'Bert', 'Maier', 1, { attributes: { status: 'gold' } }),
    person(prefix, 'anna', 'Anna', 'Webber', 1, { attributes: { status: 'silver', region: 'south' } }, 'DE'),
    person(prefix, 'anna', 'Anna', 'Weber', 2, { attributes: { status: 'gold' } }, 'DE'),
    person(prefix, 'bert', 'Bert', 'Maier', 2, { attributes: { status: 'vip' } }),
    { event: { externalId: `${prefix}acme`, source: 'crm', updatedAt: monday, party: { kind: 'company', companyName: 'Acme GmbH', vatId: 'DE123456789', addresses: [{ country: 'DE' }] } } },
  ];

  const bookingsOf = async (prefix: string): Promise<void> => {
    const settle = createSettle({ database: db, codec, seal: null, observe: (_, work) => work() });
    const bookings = ['anna', 'bert'].flatMap((name) => ['02', '05'].map((month) => booked(`${prefix}${name}-${month}`, { source: 'crm', occurredAt: Date.parse(`2026-${month}-10T10:00:00Z`) }, { payer: { kind: 'person', externalId: `${prefix}${name}` } })));
    const messages = bookings.map((event, offset) => ({ offset, key: null, value: codec.encodeBookingEvent(event), headers: {}, timestamp: Date.now() }));
    await settle({ group: 'midline', topic: `bookings-${prefix}`, partition: 0, firstOffset: 0, nextOffset: messages.length, messages }, { now: Date.now() });
  };
  const ledgerOf = async (prefix: string) => (await db.query<{ readonly ref: string; readonly gross: string }>(
    `select o.booking_ref as ref, coalesce(sum(f.gross), 0)::text as gross from orders o left join fee_entry f on f.order_id = o.id where o.booking_ref like $1 || '%' group by 1 order by 1`, [prefix],
  )).map(({ ref, gross }) => [ref.replace(prefix, ''), Number(gross)]);

  // Seen to fail without the marks of stale orders, and without the deletion of what the newer event of the day has dropped.
  test('make the same master and the same ledger, whenever the bookings come', async () => {
    const load = async (prefix: string, content: string): Promise<void> => {
      await writeFile(join(folder, `${prefix}.csv`), content);
      const result = await importCustomers(db, { file: join(folder, `${prefix}.csv`), source: 'crm', country: null, actor: 'tester', now: new Date(), onProblem: (problem) => { throw new Error(JSON.stringify(problem)); }, onProgress: () => undefined });
      expect(result.refused).toBe(0);
    };
    await load('f-', file('f-'));
    await bookingsOf('f-');
    const lane = createLane('customer-events-E');
    const all = events('e-');
    await lane(...all.slice(0, 3));
    await bookingsOf('e-');
    await lane(...all.slice(3));
    await rerateStale({ database: db, codec, wire: createWire(codec, null), factsAt: createFactsCache() }, Date.now);
    expect(await masterOf('e-')).toEqual(await masterOf('f-'));
    expect(await ledgerOf('e-')).toEqual(await ledgerOf('f-'));
    expect(await ledgerOf('f-')).toEqual([['anna-02', 15], ['anna-05', 0], ['bert-02', 0], ['bert-05', 0]]);
    await expectReconciled();
  }, 120_000);
});

// Seen to fail when linkOrders, and when the import, keeps the numbers from the keys.
test('a company is known by its debitor and register number in the references of a booking', async () => {
  await writeFile(join(folder, 'numbers.csv'), 'externalId,kind,companyName,debitorNumber,registerNumber\nn-acme,company,Acme GmbH,70 011,"Amtsgericht Köln, HRB 1234"\n');
  await importCustomers(db, { file: join(folder, 'numbers.csv'), source: 'crm', country: null, actor: 'tester', now: new Date(), onProblem: (problem) => { throw new Error(JSON.stringify(problem)); }, onProgress: () => undefined });
  const settle = createSettle({ database: db, codec, seal: null, observe: (_, work) => work() });
  const messages = [['debitor', '70011'], ['register', 'HRB 1234 Koeln'], ['register', 'HRB 1234 Bonn']].map(([type = '', value = ''], offset) => {
    const event = booked(`n-${offset}`, {}, { payer: { familyName: 'Weber' }, corporateAccount: { name: 'Acme Reisen' }, references: [{ type, value }] });
    return { offset, key: null, value: codec.encodeBookingEvent(event), headers: {}, timestamp: Date.now() };
  });
  await settle({ group: 'midline', topic: 'bookings-numbers', partition: 0, firstOffset: 0, nextOffset: 3, messages }, { now: Date.now() });
  const links = await db.query<{ readonly ref: string; readonly known: boolean }>(
    `select o.booking_ref as ref, coalesce(c.party ->> 'externalId' = 'n-acme', false) as known from orders o join customer_link l on l.order_id = o.id and l.role = 'corporate' left join customer c on c.id = l.customer_id
     where o.booking_ref like 'n-%' order by 1`);
  expect(links).toEqual([{ ref: 'n-0', known: true }, { ref: 'n-1', known: true }, { ref: 'n-2', known: false }]);
});

describe('locks', () => {
  // Seen to fail when FactsLockNeeded is never thrown for a fact: the change is then committed while the batch holds the old ones.
  test('a changed fact of a known customer waits for running batches; new customers and new contacts do not', async () => {
    const lane = createLane('customer-events-L');
    const known = (fields: Partial<CustomerEvent>, emails: readonly string[] = []): Said => ({ event: { externalId: 'l-1', source: 'crm', updatedAt: monday, party: { familyName: 'Weber', emails }, ...fields } });
    await lane(known({ attributes: { status: 'gold' } }));
    let changed: Promise<unknown> | undefined;
    let finished = false;
    await db.transaction(async (tx) => {
      await shareFacts(tx);
      expect(await lane({ event: { externalId: 'l-2', source: 'crm', updatedAt: monday, party: { familyName: 'Maier' }, attributes: { status: 'vip' } } })).toMatchObject({ applied: 1 });
      expect(await lane(known({ updatedAt: monday + 1, attributes: { status: 'gold' } }, ['new@example.com']))).toMatchObject({ applied: 1 });
      changed = lane(known({ updatedAt: monday + 2, attributes: { status: 'vip' } })).finally(() => { finished = true; });
      await until(async () => finished || (await db.query(`select 1 from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`)).length > 0);
      expect(finished).toBe(false);
    });
    expect(await changed).toMatchObject({ applied: 1 });
  });
});

// Seen to fail when only the unit itself is asked for its country, when the last of its dated rows counts, and when the address says nothing.
test('a national phone number is read with the country of the address, else of the org unit or the nearest above it on the day of the booking', async () => {
  await writeFile(join(folder, 'units.yaml'), `
- { id: group, name: Group, country: DE }
- { id: branch, parent: group }
- { id: moving, parent: group, validFrom: 2020-01-01 }
- { id: moving, parent: group, country: AT, validFrom: 2026-06-01 }
`);
  await importOrgUnits(db, { file: join(folder, 'units.yaml'), actor: 'tester', now: new Date() });
  const settle = createSettle({ database: db, codec, seal: null, observe: (_, work) => work() });
  const at = (ref: string, orgUnit: string, day: string, phone: string, country?: string) => booked(`units-${ref}`, { source: 'unheard', occurredAt: Date.parse(day) }, {
    orgUnit, payer: { givenName: 'Una', familyName: `Of ${ref}`, phones: [phone], ...(country !== undefined && { addresses: [{ country }] }) },
  });
  const events = [
    at('1', 'branch', '2026-05-10', '030 12345671'), at('2', 'moving', '2026-05-10', '030 12345672'), at('3', 'moving', '2026-06-10', '0664 1234567'), at('4', 'branch', '2026-05-10', '0664 1234568', 'AUT'),
    at('5', 'branch', '2026-05-10', '0171 1234567', 'ES'), at('6', 'nowhere', '2026-05-10', '030 12345673'),
  ];
  const messages = events.map((event, offset) => ({ offset, key: null, value: codec.encodeBookingEvent(event), headers: {}, timestamp: Date.now() }));
  await settle({ group: 'midline', topic: 'bookings-units', partition: 0, firstOffset: 0, nextOffset: messages.length, messages }, { now: Date.now() });
  const phones = await db.query<{ readonly ref: string; readonly phone: string }>(
    `select o.booking_ref as ref, k.value as phone from orders o join customer_key k on k.customer_id = o.customer_id and k.kind = 'phone' where o.booking_ref like 'units-%' order by 1`);
  expect(phones.map(({ ref, phone }) => `${ref} ${phone}`)).toEqual(['units-1 +493012345671', 'units-2 +493012345672', 'units-3 +436641234567', 'units-4 +436641234568', 'units-5 +491711234567']);
  expect(await db.query(`select c.value from orders o join customer_contact c on c.customer_id = o.customer_id where o.booking_ref = 'units-4' and c.kind = 'phone'`)).toEqual([{ value: '+436641234568' }]);
});
