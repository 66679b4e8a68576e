import { toJson } from '../../schemas/json.js';
import { handedOut, tracesOf } from '../domain/erasure.js';
import { audit } from '../store/audit.js';
import { listCases } from '../store/cases.js';
import { readCustomer } from '../store/customer-view.js';
import { auditNaming, deadLettersNaming, messagesOf, placesOf, readSelves, undecidedPlaces } from '../store/erasure.js';
import { ledgerOf } from '../store/ledger.js';
import { liftedBlocks, mailingBlocks } from '../store/mailing-blocks.js';
import { findOrders } from '../store/orders.js';
import { personOf } from './erase-customer.js';
import { placeName } from './review-links.js';
import { CustomerRefused } from './merge-customers.js';
import { isOpen, type RerateDependencies } from './rerate.js';
import { readSensitive } from '../store/sensitive.js';
import { showSensitive, type Sealing } from './sensitive.js';
import { historiesOf } from './settle/histories.js';

export interface ExportDataRequest {
  readonly customer: string;
  readonly actor: string;
  readonly now: Date;
}

/**
 * Everything that is kept about a person (GDPR, art. 15 and 20), as one document: the customer and everybody who is one with it, special-category data, consents, cases, every order in which the person has a place
 * with its events, ledger and messages, dead letters and audit lines that name the person. Of others in the same bookings only that there is somebody.
 * @param sealing null: without a key special-category data and sealed events cannot be read, and are refused
 * @throws CustomerRefused
 */
export async function exportCustomerData({ database, wire }: Pick<RerateDependencies, 'database' | 'wire'>, sealing: Sealing | null, { customer, actor, now }: ExportDataRequest) {
  const selves = await readSelves(database, customer);
  if (selves === undefined) throw new CustomerRefused(`there is no customer ${customer}: look with midline customers find`);
  if (selves.erased) throw new CustomerRefused(`customer ${customer} is erased: nothing is kept`);
  const places = await placesOf(database, selves.ids);
  const orders = await findOrders(database, places.map(({ orderId }) => orderId));
  const open = orders.filter(isOpen);
  const placesByOrder = new Map(places.map((place) => [place.orderId, place]));
  const histories = await historiesOf(database, wire, open.map(({ id }) => id));
  const ledgers = await ledgerOf(database, orders.map(({ id }) => id));
  const person = await personOf(database, selves, places, histories);
  const ofOrders = [];
  for (const order of orders) {
    const place = placesByOrder.get(order.id);
    ofOrders.push({
      order: `${order.source}:${order.bookingRef}`, status: order.state.status, places: place?.places ?? [],
      ...(isOpen(order) ? {} : { archived: 'the events are in an archive (midline orders show tells which)' }),
      events: (histories.get(order.id) ?? []).map((event) => toJson('BookingEvent', event.booking == null ? event : { ...event, booking: handedOut(event.booking, place?.places ?? []) })),
      ledger: (ledgers.get(order.id) ?? []).map(({ charge, gross, currency, occurredAt }) => ({ charge, gross, currency, at: new Date(occurredAt).toISOString() })),
    });
  }
  const data = {
    madeAt: now.toISOString(),
    customers: (await Promise.all(selves.ids.map((id) => readCustomer(database, id)))).map((view) => ({ ...view, ties: (view?.ties ?? []).map(({ type, role, of, other }) => ({ type, role, of, other })) })),
    sensitive: sealing === null ? await refuseSealed(database, selves.ids) : await showSensitive(database, sealing, { customer, actor, now }),
    mailingBlocks: await mailingBlocks(database, [selves.rootId], '0001-01-01'),
    liftedBlocks: await liftedBlocks(database, selves.rootId),
    cases: await listCases(database, { customer, orderId: null, state: null, kind: null }, 100_000),
    orders: ofOrders,
    /** Nobody has said yet whether these are the customer's: nothing of them is handed out. */
    undecided: (await undecidedPlaces(database, selves.ids)).map(placeName),
    messages: await messagesOf(database, orders.map(({ id }) => id)),
    /** Without their bytes, in which others may be named. */
    deadLetters: await deadLettersNaming(database, tracesOf(person, selves.externalIds)),
    audit: await auditNaming(database, selves.ids, person.texts),
  };
  await audit(database, actor, 'customers export-data', selves.rootId, { orders: orders.length }, now);
  return data;
}

async function refuseSealed(database: RerateDependencies['database'], ids: readonly string[]): Promise<readonly never[]> {
  if ((await readSensitive(database, ids)).length > 0) throw new CustomerRefused('special-category data is kept of this customer: set MIDLINE_ENCRYPTION_KEY to hand it out');
  return [];
}
