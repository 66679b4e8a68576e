import { createReadStream, existsSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { toJson } from '../../schemas/json.js';
import { createMapper, type MappedRecord, type Mapper } from '../../workers/sources/mapper.js';
import { readRecords } from '../../workers/sources/read-records.js';
import type { SourceRecord } from '../../workers/sources/record.js';
import { loadSourceMap, type SourceMap } from '../../workers/sources/source-map.js';
import { unpack } from '../../workers/sources/unpack.js';

const columns = 'hotel,is_canceled,lead_time,arrival_date_year,arrival_date_month,arrival_date_week_number,arrival_date_day_of_month,stays_in_weekend_nights,stays_in_week_nights,adults,children,babies,meal,country,market_segment,distribution_channel,is_repeated_guest,previous_cancellations,previous_bookings_not_canceled,reserved_room_type,assigned_room_type,booking_changes,deposit_type,agent,company,days_in_waiting_list,customer_type,adr,required_car_parking_spaces,total_of_special_requests,reservation_status,reservation_status_date';

let map: SourceMap;
let mapper: Mapper;

beforeAll(async () => {
  map = await loadSourceMap('hotel-pms');
  mapper = createMapper(map);
});

async function mapRows(...rows: readonly string[]): Promise<readonly MappedRecord[]> {
  async function* bytes() {
    yield Buffer.from([columns, ...rows].join('\n'));
  }
  const records: SourceRecord[] = [];
  for await (const record of readRecords(bytes(), map)) records.push(record);
  return mapper.map({ records, received: '2026-01-01T00:00:00Z' });
}

const jsonOf = (record: MappedRecord | undefined) => (record?.events ?? []).map((event) => toJson('BookingEvent', event));

describe('a row of the hotel data', () => {
  test('becomes booked, its changes and how it ended, each with the full state', async () => {
    const [record] = await mapRows('City Hotel,0,10,2016,February,8,3,1,2,2,1,0,BB,PRT,Direct,TA/TO,1,0,0,A,D,2,No Deposit,9,40,0,Transient,82.125,0,1,Check-Out,2016-02-06');
    const booking = (bookingClass: string) => ({
      travelFrom: '2016-02-03',
      travelUntil: '2016-02-06',
      corporateAccount: { id: '40' },
      booker: { addresses: [{ country: 'PRT' }] },
      travellerCounts: { ADT: 2, CHD: 1, INF: 0 },
      items: [{ id: '1', product: 'hotel', supplier: 'City Hotel', bookingClass, start: '2016-02-03', end: '2016-02-06', nights: 3, quantity: 1, price: { currency: 'EUR', total: '246.38' } }],
      price: { currency: 'EUR', total: '246.38' },
      attributes: { market_segment: 'Direct', deposit_type: 'No Deposit', customer_type: 'Transient', meal: 'BB', is_repeated_guest: '1' },
    });
    const event = (version: number, type: string, occurredAt: string, bookingClass: string) => ({
      eventId: `HB-000001-${version}`, source: 'hotel-pms', type, bookingRef: 'HB-000001', version, occurredAt, office: '9', channel: 'ta/to', booking: booking(bookingClass),
    });
    // 13 days and 8 hours in three parts: 4 days, 10 hours and 40 minutes each
    expect(jsonOf(record)).toEqual([
      event(1, 'booked', '2016-01-24T10:00:00.000Z', 'A'),
      event(2, 'changed', '2016-01-28T20:40:00.000Z', 'A'),
      event(3, 'changed', '2016-02-02T07:20:00.000Z', 'A'),
      event(4, 'travelled', '2016-02-06T18:00:00.000Z', 'D'),
    ]);
  });

  test('without agent, company, country and children says nothing of them; a cancellation keeps the price', async () => {
    const [record] = await mapRows('Resort Hotel,1,0,2015,July,27,1,0,1,1,NA,0,HB,NULL,Groups,Corporate,0,0,0,C,C,0,Non Refund,NULL,NULL,0,Group,-6.38,0,0,Canceled,2015-07-01');
    const [booked, cancelled] = jsonOf(record);
    expect(record?.events).toHaveLength(2);
    expect(cancelled).toMatchObject({ type: 'cancelled', occurredAt: '2015-07-01T18:00:00.000Z', booking: { price: { total: '-6.38' }, travellerCounts: { ADT: 1, CHD: 0, INF: 0 } } });
    expect(JSON.stringify(booked)).not.toMatch(/NULL|office|corporateAccount|booker/);
  });

  test('is counted by its place in the file, bad rows included', async () => {
    const row = 'City Hotel,0,10,2016,February,8,3,1,2,2,0,0,BB,PRT,Direct,Direct,0,0,0,A,A,0,No Deposit,NULL,NULL,0,Transient,80,0,1,No-Show,2016-02-03';
    const records = await mapRows(row, 'too,few', row.replace('February', 'Febuary'), row);
    expect(records.map(({ events, problems }) => events.at(-1)?.eventId ?? problems[0]?.problem)).toEqual([
      'HB-000001-2', 'has 2 columns; the first row names 32', expect.stringContaining('$plusDays'), 'HB-000004-2',
    ]);
    expect(records.at(-1)?.events.at(-1)?.type).toBe('no-show');
  });

  test('that says an unknown status is reported, not guessed at', async () => {
    const [record] = await mapRows('City Hotel,0,10,2016,February,8,3,1,2,2,0,0,BB,PRT,Direct,Direct,0,0,0,A,A,0,No Deposit,NULL,NULL,0,Transient,80,0,1,Asleep,2016-02-03');
    expect(record).toMatchObject({ line: 2, events: [], problems: [{ field: 'type', problem: 'is missing' }] });
  });
});

const data = new URL('../../../shared/data/bookings/hotel_bookings.csv.zip', import.meta.url);

const isHere = existsSync(data);

test(isHere ? 'the first 300 rows of the real file map without a problem' : 'the real file is not here: its rows are not checked', async () => {
  if (!isHere) return;
  const counts: Record<string, number> = {};
  const records: SourceRecord[] = [];
  for await (const { bytes } of unpack('hotel.zip', createReadStream(data))) {
    for await (const record of readRecords(bytes, map)) if (records.push(record) === 300) break;
    break;
  }
  for (const { events, problems } of await mapper.map({ records, received: '' })) {
    expect(problems).toEqual([]);
    for (const { type } of events) counts[type] = (counts[type] ?? 0) + 1;
  }
  expect(counts).toMatchObject({ booked: 300 });
  expect((counts['travelled'] ?? 0) + (counts['cancelled'] ?? 0) + (counts['no-show'] ?? 0)).toBe(300);
});
