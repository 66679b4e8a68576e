import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BookingEvent } from '../../schemas/booking-event.js';
import { toJson } from '../../schemas/json.js';
import { createShownSink, createTopicSink, publish, type PublishProblem } from '../../workers/actions/publish.js';
import { createMapper } from '../../workers/sources/mapper.js';
import { loadSourceMap } from '../../workers/sources/source-map.js';
import { createEventProducer } from '../../workers/topics/producer.js';
import { createIngestWorld, type IngestWorld } from '../ingest/world.js';

// Real messages of two systems, as their makers publish them. They are not part of the project: where they do not lie beside it, these tests pass over them.
const samples = new URL('../../../shared/samples/', import.meta.url);
const isHere = existsSync(samples);
const told = (name: string): string => (isHere ? name : `${name}: not checked, the samples are not here`);

const received = '2026-05-10T12:00:00.000Z';
const messages = [
  ['amadeus-flights', 'amadeus/flight-order.json'],
  ['amadeus-hotels', 'amadeus/hotel-order.json'],
  ['alpinebits', 'alpinebits/reservation.xml'],
  ['alpinebits', 'alpinebits/cancellation.xml'],
  ['alpinebits', 'alpinebits/request-with-roomtype.xml'],
] as const;

interface Played {
  readonly events: readonly BookingEvent[];
  readonly problems: readonly PublishProblem[];
  readonly lost: readonly string[];
}

const played = new Map<string, Played>();

beforeAll(async () => {
  if (!isHere) return;
  for (const [mapName, file] of messages) {
    const map = await loadSourceMap(mapName);
    const events: BookingEvent[] = [];
    const problems: PublishProblem[] = [];
    const files = [{ name: file, received, open: () => createReadStream(new URL(file, samples)) }];
    const sink = createShownSink((event) => { events.push(event); });
    const { unreadFields } = await publish({ files, map, mapper: createMapper(map), sink, onProblem: (problem) => problems.push(problem) });
    played.set(file, { events, problems, lost: unreadFields.filter(({ ignored }) => !ignored).map(({ field }) => field) });
  }
}, 600_000);

const eventsOf = (file: string): readonly unknown[] => (played.get(file)?.events ?? []).map((event) => toJson('BookingEvent', event));

/** The booking reference and a hash of what was sent. */
const idOf = (ref: string): unknown => expect.stringMatching(new RegExp(`^${ref}-[0-9a-f]{32}$`));

describe('a sample becomes the event that a person reads in it', () => {
  test(told('the flight order of a family'), () => {
    if (!isHere) return;
    const euros = (total: string, base: string, taxes: string) => ({ currency: 'EUR', total, base, taxes });
    const segment = (origin: string, destination: string, number: string, departure: string, arrival: string) => ({ origin, destination, carrier: 'IB', number, departure, arrival, bookingClass: 'A' });
    const extra = (type: string, total: string) => ({ type, price: { currency: 'EUR', total } });
    const ofChild = (type: string, text: string) => ({ type, text, traveller: '2' });
    expect(eventsOf('amadeus/flight-order.json')).toEqual([{
      eventId: idOf('2ZYVAL-2018-07-13'),
      source: 'amadeus-flights',
      type: 'booked',
      bookingRef: '2ZYVAL-2018-07-13',
      // Two states of the order would have the same time of creation.
      occurredAt: received,
      office: 'NCE1A0950',
      booking: {
        references: [
          { type: 'locator', value: '2ZYVAL', system: '1A' },
          { type: 'order', value: 'MlpZVkFMfFdBVFNPTnwyMDE1LTExLTAy', system: 'amadeus' },
        ],
        bookedAt: '2018-07-13T20:17:00.000Z',
        ticketingDeadline: '2018-08-21T10:15:00.000Z',
        // The fax has no place among phones.
        booker: {
          kind: 'company', companyName: 'AMADEUS', emails: ['support@mail.com'], phones: ['+33480080070'],
          addresses: [{ street: '485 route du Pin Montard', postalCode: '06902', city: 'Sophia Antipolis Cedex', country: 'FR' }],
        },
        // Of the passport only the nationality.
        travellers: [
          { id: '1', type: 'ADT', kind: 'person', givenName: 'STEPHANE', familyName: 'MARTIN', birthDate: '1982-01-16', nationality: 'GB', emails: [], phones: ['+33487692704'], addresses: [], loyalty: [] },
          { id: '3', type: 'INF', kind: 'person', givenName: 'JULES', familyName: 'MARTIN', birthDate: '2018-03-24', loyalty: [] },
          { id: '2', type: 'CHD', kind: 'person', givenName: 'EMILIE', familyName: 'MARTIN', birthDate: '2007-10-11', loyalty: [] },
        ],
        items: [{
          id: '1', product: 'flight', status: 'open', carrier: 'IB', bookingClass: 'A', fareType: 'PUBLISHED', tariff: 'ANNNNF4K', tripType: 'return',
          // Paris, Madrid, Lisbon and back by way of Madrid: the last journey begins in Lisbon. The dictionary of the sample does not say in which country that is.
          origin: 'ORY', destination: 'LIS', start: '2018-09-22', end: '2018-10-04',
          segments: [
            segment('ORY', 'MAD', '3403', '2018-09-22T10:15:00', '2018-09-22T12:15:00'),
            segment('MAD', 'LIS', '3118', '2018-09-26T23:05:00', '2018-09-26T23:25:00'),
            segment('LIS', 'MAD', '3109', '2018-10-04T12:35:00', '2018-10-04T14:55:00'),
            segment('MAD', 'ORY', '3444', '2018-10-04T16:05:00', '2018-10-04T18:05:00'),
          ],
          travellers: ['1', '2', '3'],
          // 0.94 + 41.67 + 31.33 for adult and child, 31.33 for the infant
          price: euros('423.21', '242', '179.21'),
          travellerPrices: [
            { traveller: '1', price: euros('200.94', '126', '73.94') },
            { traveller: '2', price: euros('180.94', '106', '73.94') },
            { traveller: '3', price: euros('41.33', '10', '31.33') },
          ],
          ancillaries: [
            extra('CHECKED_BAGS', '100'), extra('SEATS', '166'), extra('FORM_OF_PAYMENT', '6'),
            ofChild('CHECKED_BAGS', 'segment 1: quantity 1, weight 20'), ofChild('SEATS', 'segment 1: 33D'),
            ofChild('CHECKED_BAGS', 'segment 20: quantity 1, weight 20'), ofChild('SEATS', 'segment 20: 28A'),
            ofChild('CHECKED_BAGS', 'segment 30: quantity 1, weight 20'), ofChild('SEATS', 'segment 30: 12C'),
            ofChild('CHECKED_BAGS', 'segment 31: quantity 1, weight 20'), ofChild('SEATS', 'segment 31: 33D'),
          ],
          attributes: {
            'locator': '2ZYVAL', 'cabin': 'ECONOMY', 'brandedFare': 'LIGHTONE', 'fareOption': 'STANDARD', 'isAllotment': 'true', 'tourName': 'tour', 'tourReference': 'ref',
            'includedCheckedBags': '0', 'adult of infant 3': '1', 'billingCurrency': 'EUR',
          },
        }],
        documents: [],
        // With bags, seats and the fee for the form of payment: what the source calls the grand total.
        price: { currency: 'EUR', total: '689.21' },
        payments: [],
        remarks: [],
        attributes: { ticketing: 'DELAY_TO_CANCEL' },
      },
    }]);
  });

  test(told('the hotel order'), () => {
    if (!isHere) return;
    const guest = { kind: 'person', salutation: 'MR', givenName: 'BOB', familyName: 'SMITH', emails: ['bob.smith@email.com'], phones: ['+33679278416'] };
    expect(eventsOf('amadeus/hotel-order.json')).toEqual([{
      eventId: idOf('V0g2VFJaLzIwMjQtMDYtMDc='),
      source: 'amadeus-hotels',
      type: 'booked',
      bookingRef: 'V0g2VFJaLzIwMjQtMDYtMDc=',
      occurredAt: received,
      office: '00000000',
      booking: {
        references: [{ type: 'locator', value: 'WH6TRZ', system: 'GDS' }, { type: 'supplier', value: '89922710', system: 'AR' }],
        isRequest: false,
        booker: guest,
        travellers: [{ id: '1', type: 'ADT', ...guest }],
        items: [{
          id: 'MS84OTkyMjcxMC85MDIyNDU0OQ==', product: 'hotel', status: 'open', supplier: 'ARMADAIT', supplierGroup: 'AR', bookingClass: 'XMI', tariff: 'S9R',
          start: '2024-06-07', end: '2024-06-08', nights: 1, quantity: 1, travellers: ['1'], travellerCounts: { ADT: 1 },
          price: { currency: 'EUR', total: '215.05', base: '195.5', taxes: '19.55' },
          cancelUntil: '2024-06-06T21:59:00.000Z',
          attributes: { hotelName: 'AC BY MARRIOTT HOTEL AITANA', room: 'Marriott Senior Discount, includes', rateCategory: 'TYPE_CONDITIONAL', guarantee: 'GUARANTEE', cancellationPenalty: '215.05' },
        }],
        payments: [{ type: 'CREDIT_CARD', brand: 'VI' }],
      },
    }]);
  });

  test(told('the reservation of a family'), () => {
    if (!isHere) return;
    expect(eventsOf('alpinebits/reservation.xml')).toEqual([{
      eventId: idOf('6b34fe24ac2ff810'),
      source: 'alpinebits',
      type: 'booked',
      bookingRef: '6b34fe24ac2ff810',
      occurredAt: '2012-03-21T14:00:00.000Z',
      agent: '123',
      booking: {
        references: [{ type: 'broker', value: 'Slogan', system: 'www.example.com' }],
        isRequest: false,
        bookedAt: '2012-03-21T14:00:00.000Z',
        corporateAccount: { id: '123', name: 'ACME Travel Agency' },
        booker: {
          kind: 'person', salutation: 'Herr', title: 'Dr', givenName: 'Otto', familyName: 'Mustermann', birthDate: '1980-01-01', gender: 'Male', language: 'de',
          emails: ['otto.mustermann@example.com'], phones: ['+4934567891', '+4934567893'],
          addresses: [{ street: 'Musterstraße 1', postalCode: '1234', city: 'Musterstadt', country: 'DE' }],
          consents: [{ purpose: 'newsletter', channel: 'email', given: true }, { purpose: 'catalog', channel: 'post', given: true }],
        },
        items: [{
          id: 'bigsuite', product: 'hotel', supplier: '123', bookingClass: 'bigsuite', tariff: '123456-xyz', start: '2012-01-01', end: '2012-01-12', nights: 11, quantity: 1,
          travellerCounts: { ADT: 2, CHD: 2 }, childAges: [9, 3], price: { currency: 'EUR', total: '299' }, commissionPercent: '15',
          attributes: { hotelName: 'Frangart Inn', meal: 'AI', roomClassification: '42' },
        }],
        payments: [{ type: 'card', brand: 'VI' }],
        remarks: [
          { type: 'included services', text: 'Parkplatz' },
          { type: 'included services', text: 'Schwimmbad' },
          { type: 'included services', text: 'Skipass' },
          { type: 'customer comment', text: 'Sind Hunde erlaubt? Mfg. Otto Mustermann.' },
          { type: 'cancellation', text: 'Cancellation is handled by hotel. Penalty is 50%, if canceled within 3 days before show, 100% otherwise.' },
        ],
        attributes: { sourceContext: 'top banner', agencyContext: 'ABC' },
      },
    }]);
  });

  test(told('the cancellation, which says nothing of the stay'), () => {
    if (!isHere) return;
    expect(eventsOf('alpinebits/cancellation.xml')).toEqual([{
      eventId: idOf('c24e8b15ca469388'), source: 'alpinebits', type: 'cancelled', bookingRef: 'c24e8b15ca469388', occurredAt: '2012-03-21T14:00:00.000Z',
    }]);
  });

  test(told('the request, with a window for the arrival'), () => {
    if (!isHere) return;
    expect(eventsOf('alpinebits/request-with-roomtype.xml')).toEqual([{
      eventId: idOf('6b34fe24ac2ff811'),
      source: 'alpinebits',
      type: 'booked',
      bookingRef: '6b34fe24ac2ff811',
      occurredAt: '2017-09-03T18:47:50.000Z',
      booking: {
        references: [{ type: 'broker', value: 'res', system: 'www.example.com' }],
        isRequest: true,
        bookedAt: '2017-09-03T18:47:50.000Z',
        booker: { kind: 'person', givenName: 'Otto', familyName: 'Mustermann', gender: 'Unknown', language: 'de', emails: [], phones: [], addresses: [{ country: 'DE' }], consents: [] },
        items: [{
          id: 'A', product: 'hotel', supplier: '123', bookingClass: 'A', start: '2017-10-03', latestStart: '2017-10-08', nights: 4, quantity: 1, travellerCounts: { ADT: 1 },
          attributes: { hotelName: 'Frangart Inn', roomClassification: '5', roomType: '8' },
        }],
        payments: [],
        remarks: [],
        attributes: { sourceContext: 'cnt' },
      },
    }]);
  });
});

test.each(messages)(told('no field gets lost unknown to the map: %s, %s'), (_, file) => {
  if (!isHere) return;
  expect(played.get(file)).toMatchObject({ problems: [], lost: [] });
});

test(told('no card number, card holder or identity document of a sample is in an event'), () => {
  if (!isHere) return;
  const text = JSON.stringify(messages.map(([, file]) => eventsOf(file)));
  expect(text).toContain('Otto');
  expect(text).not.toMatch(/4444333322221111|415128XXXXXX1370|"0826"|"1216"|BOB SMITH|012345678|PASSPORT|2009-04-14/);
});

test.each(['amadeus-flights', 'amadeus-hotels', 'alpinebits'])('%s says of each field that no event takes why', async (name) => {
  const text = await readFile(new URL(`../../workers/sources/maps/${name}.yaml`, import.meta.url), 'utf8');
  const entries = (/\nignore:\n((?: {2}- .*\n)+)/.exec(text)?.[1] ?? '').trimEnd().split('\n');
  expect(entries.filter((line) => !/ # \w/.test(line))).toEqual([]);
});

describe('published and ingested on real servers', () => {
  let world: IngestWorld;
  beforeAll(async () => { world = await createIngestWorld(); }, 300_000);
  afterAll(() => world.close());

  test(told('the five samples are five orders'), async () => {
    if (!isHere) return;
    const topic = await world.newTopic();
    const producer = createEventProducer(world.kafka);
    await producer.connect();
    for (const [, file] of messages) await createTopicSink(world.codec, producer, topic).send(played.get(file)?.events ?? []);
    await producer.disconnect();
    await world.drain(topic);
    expect(await world.fence(topic)).toMatchObject([{ read: 5, applied: 5, dead: 0 }]);
    const orders = await world.db.query(
      `select o.source, o.booking_ref as ref, o.status, o.travel_from::text as "from", o.travel_until::text as until, array_agg(i.item_id order by i.item_id) filter (where i.item_id is not null) as items
       from orders o left join order_item i on i.order_id = o.id group by o.id order by 1, 2`,
    );
    expect(orders).toEqual([
      { source: 'alpinebits', ref: '6b34fe24ac2ff810', status: 'booked', from: '2012-01-01', until: '2012-01-12', items: ['bigsuite'] },
      { source: 'alpinebits', ref: '6b34fe24ac2ff811', status: 'booked', from: '2017-10-03', until: '2017-10-07', items: ['A'] },
      { source: 'alpinebits', ref: 'c24e8b15ca469388', status: 'cancelled', from: null, until: null, items: null },
      { source: 'amadeus-flights', ref: '2ZYVAL-2018-07-13', status: 'booked', from: '2018-09-22', until: '2018-10-04', items: ['1'] },
      { source: 'amadeus-hotels', ref: 'V0g2VFJaLzIwMjQtMDYtMDc=', status: 'booked', from: '2024-06-07', until: '2024-06-08', items: ['MS84OTkyMjcxMC85MDIyNDU0OQ=='] },
    ]);
  }, 300_000);
});
