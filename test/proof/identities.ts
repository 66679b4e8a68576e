import { randomInt } from 'node:crypto';
import { createDatabase as createEmptyDatabase } from '../../services/database.js';
import type { BookingEvent, Party } from '../../schemas/booking-event.js';
import type { Status } from '../../workers/actions/status.js';
import { createCodec } from '../../workers/topics/codec.js';
import { createKafka } from '../../workers/topics/connection.js';
import { bookingEventsTopic } from '../../workers/topics/names.js';
import { createEventProducer } from '../../workers/topics/producer.js';
import { midline, type Proof, same } from './proof.js';

const [people, bookings, partitions] = [1_000, 10_000, 6];

/** Each person has one strong key of its own kind. */
function personOf(number: number): Party {
  const kind = number % 4;
  if (kind === 0) return { familyName: `Family${number}`, givenName: 'Kim', emails: [`kim.${number}@example.com`] };
  if (kind === 1) return { familyName: `Family${number}`, givenName: 'Kim', phones: [`+4930${String(1_000_000 + number)}`] };
  if (kind === 2) return { familyName: `Family${number}`, givenName: 'Kim', externalId: `P-${number}` };
  return { familyName: `Family${number}`, givenName: 'Kim', loyalty: [{ program: 'MILES', number: String(70_000_000 + number) }] };
}

function bookingOf(number: number, now: number): BookingEvent {
  return {
    eventId: `I-${number}-1`, source: 'rush', type: 'booked', bookingRef: `I-${number}`, occurredAt: now,
    booking: { booker: personOf(number % people), items: [{ id: '1', product: 'hotel', price: { currency: 'EUR', total: '100' } }] },
  };
}

/** Two processes that meet the same unknown people at the same moment must make one customer of each. */
export const identities: Proof = {
  name: 'identities',
  meaning: `two processes, ${bookings} bookings of ${people} unknown people at once in random partitions: ${people} customers`,
  async run(servers, say) {
    const database = await createEmptyDatabase(servers.DATABASE_URL);
    const environment = { ...servers, DATABASE_URL: database.url, LOG_LEVEL: 'error' };
    try {
      await midline(environment, 'migrate');
      await midline(environment, 'topics', 'create', '--partitions', String(partitions));
      const kafka = createKafka({ brokers: servers.KAFKA_BROKERS.split(','), clientId: 'midline-proof' });
      const codec = createCodec({ registryUrl: servers.SCHEMA_REGISTRY_URL });
      await codec.register();
      const producer = createEventProducer(kafka);
      await producer.connect();
      const now = Date.now();
      await producer.sendBatch(bookingEventsTopic, Array.from({ length: bookings }, (_, number) => ({
        key: `rush:I-${number}`, value: codec.encodeBookingEvent(bookingOf(number, now)), partition: randomInt(partitions),
      })));
      await producer.disconnect();
      say('  two processes start');
      await Promise.all([1, 2].map(() => midline({ ...environment, INGEST_PARTITIONS_AT_ONCE: '3' }, 'worker', 'ingest', '--drain')));
      const status: Status = JSON.parse(await midline(environment, 'status', '--json'));
      return [
        same('customers', status.customers.total, people),
        same('orders', status.orders.total, bookings),
        same('every order has its customer', status.links.linked + status.links.new, bookings),
        same('events applied', status.events.applied, bookings),
        same('reconciled', JSON.parse(await midline(environment, 'reconcile', '--json')).ok, true),
      ];
    } finally {
      await database.drop();
    }
  },
};
