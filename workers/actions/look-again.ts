import { partyIn } from '../domain/match/parties.js';
import { insertLinks, addObservedContacts, currentLinks, type CustomerLink } from '../store/customers.js';
import type { Queryable } from '../store/database.js';
import { shareFacts } from '../store/facts-lock.js';
import { factsVersion } from '../store/fence.js';
import { lockOrders, type StoredOrder } from '../store/orders.js';
import { ordersInReview } from '../store/reviews.js';
import { matchParties } from './match-parties.js';
import { createDifferences, isOpen, rateAgain, type RerateDependencies } from './rerate.js';
import type { Facts } from './settle/facts.js';
import { contextOf, linkOf, observedContacts, requestFor, type Asked } from './settle/link-orders.js';
import { saveDecisions } from './settle/save.js';

export interface LookedAgain {
  /** Orders in which somebody waited. */
  readonly orders: number;
  /** Those who wait no more. */
  readonly linked: number;
  /** What the ledgers of their orders got, in sum, by currency. */
  readonly difference: Readonly<Record<string, string>>;
}

const ordersAtOnce = 200;

/**
 * Decides anew about those who wait for a person, as a booking that came now would: since they were decided on, somebody may have said who one of the candidates is, or two of them may have become one.
 * Who can be linked is linked; all others go on waiting. In transactions of some hundred orders, each under its lock.
 * @param candidates only those who wait with one of these customers as candidates; null: all
 */
export async function lookAgain(tools: RerateDependencies, { candidates, reason, now, onProgress = () => undefined }: {
  readonly candidates: readonly string[] | null;
  readonly reason: string;
  readonly now: Date;
  readonly onProgress?: (orders: number) => void;
}): Promise<LookedAgain> {
  const differences = createDifferences();
  let [orders, linked] = [0, 0];
  let ids: readonly string[];
  let after: string | null = null;
  do {
    ids = await ordersInReview(tools.database, candidates, after, ordersAtOnce);
    if (ids.length > 0) {
      const { links, rated } = await tools.database.transaction((tx) => lookAgainWithin(tx, tools, ids, reason, now));
      linked += links;
      rated.forEach(differences.add);
    }
    orders += ids.length;
    after = ids.at(-1) ?? null;
    onProgress(orders);
  } while (ids.length === ordersAtOnce);
  return { orders, linked, difference: differences.total().difference };
}

async function lookAgainWithin(tx: Queryable, { codec, wire, factsAt }: RerateDependencies, ids: readonly string[], reason: string, now: Date) {
  await shareFacts(tx);
  const facts = await factsAt(tx, await factsVersion(tx));
  const orders = (await lockOrders(tx, ids)).filter(isOpen);
  const waiting = (await currentLinks(tx, orders.map(({ id }) => id))).filter(({ decision }) => decision === 'review');
  const asked = waiting.flatMap((link) => requestOf(link, orders, facts));
  const { results } = await matchParties(tx, facts.matchModel, asked);
  const found = asked.flatMap((request, place) => {
    const result = results[place];
    // Somebody who would be new waits on: a person was asked whether it is one of the candidates.
    return result?.decision === 'link' && !result.drafted ? [{ request, result }] : [];
  });
  await insertLinks(tx, found.map(({ request, result }) => linkOf(request, result, facts.matchModel.version)));
  await addObservedContacts(tx, found.flatMap(({ request, result }) => observedContacts(request, result)));
  const changed = new Set(found.map(({ request }) => request.orderId));
  const rated = (await rateAgain(tx, wire, facts, orders.filter(({ id }) => changed.has(id)), reason)).map((one) => ({ ...one, causeType: 'match' }));
  await saveDecisions(tx, { orders: rated, links: { drafts: [], links: [], contacts: [] }, events: [], messages: [] }, wire, codec, now.getTime());
  return { links: found.length, rated };
}

function requestOf({ orderId, role, position }: CustomerLink, orders: readonly StoredOrder[], facts: Facts): readonly Asked[] {
  const order = orders.find(({ id }) => id === orderId);
  const met = order === undefined ? undefined : partyIn(order.state.booking, role, position);
  return order === undefined || met === undefined ? [] : [{ ...requestFor(met, contextOf(order, facts)), orderId }];
}
