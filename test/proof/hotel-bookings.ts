import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabase as createEmptyDatabase } from '../../services/database.js';
import type { Reconciliation } from '../../workers/actions/reconcile.js';
import type { Status } from '../../workers/actions/status.js';
import { createDatabase } from '../../workers/store/database.js';
import { bookings, cancellations, changes, events, hotelFile, settleHotelBookings } from './hotel-data.js';
import { type Claim, midline, type Proof, same } from './proof.js';

/** The check figures that the data's own description gives; fees follow from them. */
export const hotelBookings: Proof = {
  name: 'hotel-bookings',
  meaning: `${events} events of ${bookings} real hotel bookings: published, settled, published again, and read again from the beginning; every figure adds up`,
  async run(servers, say) {
    if (!existsSync(hotelFile)) return [{ claim: 'the data is there', ok: false, found: `${hotelFile} is missing` }];
    const database = await createEmptyDatabase(servers.DATABASE_URL);
    const environment = { ...servers, DATABASE_URL: database.url, LOG_LEVEL: 'error' };
    const folder = await mkdtemp(join(tmpdir(), 'midline-proof-'));
    const step = async (...words: readonly string[]): Promise<string> => {
      const began = performance.now();
      const printed = await midline(environment, ...words);
      say(`  midline ${words.slice(0, 3).join(' ')} (${Math.round((performance.now() - began) / 100) / 10} s)`);
      return printed;
    };
    const status = async (group: string): Promise<Status> => JSON.parse(await step('status', '--group', group, '--json'));
    try {
      await settleHotelBookings(folder, step);
      const once = await status('first');
      const before = await fingerprint(database.url);
      await step('publish', '--map', 'hotel-pms', hotelFile);
      await step('worker', 'ingest', '--group', 'first', '--drain');
      const again = await status('first');
      await step('worker', 'ingest', '--group', 'second', '--drain');
      const second = await status('second');
      const reconciliation: Reconciliation = JSON.parse(await step('reconcile', '--json'));
      return [
        ...claimsOf(once),
        same('published again: read and duplicate', { read: again.events.read, duplicate: again.events.duplicate }, { read: 2 * events, duplicate: events }),
        same('read again by another group: all duplicates', { read: second.events.read, duplicate: second.events.duplicate }, { read: 2 * events, duplicate: 2 * events }),
        same('orders, ledger and messages after it all', await fingerprint(database.url), before),
        ...reconciliation.checks.map(({ name, ok, detail }): Claim => ({ claim: `reconcile ${name}`, ok, found: detail })),
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
      await database.drop();
    }
  },
};

function claimsOf({ events: outcomes, orders, customers, links, fees, messages, deadLetters, lag }: Status): readonly Claim[] {
  const gross = (15 * bookings + 10 * changes + 20 * cancellations).toFixed(2);
  return [
    same('events', outcomes, { read: events, applied: events, duplicate: 0, late: 0, deadLettered: 0 }),
    same('orders', orders.total, bookings),
    same('orders by status', Object.entries(orders.byStatus).sort(([a], [b]) => (a < b ? -1 : 1)), [['cancelled', cancellations], ['no-show', 1_207], ['travelled', 75_166]]),
    same('orders with a corporate account', orders.withCorporateAccount, 6_797),
    same('customers', customers.total, 352),
    same('links', links, { linked: 0, review: 0, new: 0, none: bookings }),
    same('charges', fees.charges, bookings + changes + cancellations),
    same('ledger', fees.byCurrency, { EUR: { net: gross, vat: '0.00', gross } }),
    same('messages', Object.values(messages).reduce((sum, count) => sum + count, 0), 0),
    same('dead letters', deadLetters.open, 0),
    same('lag', lag?.messages, 0),
  ];
}

/** What must not change: orders with their revisions, ledger lines, messages. */
async function fingerprint(url: string): Promise<unknown> {
  const database = createDatabase(url);
  try {
    const [row] = await database.query(
      `select (select md5(string_agg(id::text || revision || state::text, ',' order by id)) from orders) as orders,
         (select md5(string_agg(order_id::text || charge || event_id || seq || gross, ',' order by order_id, charge, event_id, transaction_type, unit, seq)) from fee_entry) as ledger,
         (select count(*) from message) as messages`,
    );
    return row;
  } finally {
    await database.close();
  }
}
