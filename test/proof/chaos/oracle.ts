import type { BookingEvent } from '../../../schemas/booking-event.js';
import { schemaIdOf, type Codec } from '../../../workers/topics/codec.js';
import type { Agency } from './agency.js';
import { feesOf, type Fee, type PriceList } from './price-list.js';
import { allVersioned, compare, knownTypes, replay, type Replayed } from './replay.js';


/** A message as Kafka keeps it. */
export interface PublishedMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Kafka's time of it, in milliseconds. */
  readonly timestamp: number;
}

export type Outcome = 'applied' | 'late' | 'duplicate' | 'dead letter';

/** What must become of a message. */
export interface ExpectedMessage extends PublishedMessage {
  readonly outcome: Outcome;
  /** Of a dead letter. */
  readonly code: string | null;
}

/** An event that must stand in the inbox. */
export interface ExpectedEvent {
  readonly order: string;
  readonly event: BookingEvent;
  readonly value: Buffer;
}

export interface ExpectedOrder extends Replayed {
  readonly eventCount: number;
  readonly account: string | null;
  readonly fees: readonly Fee[];
  /** Has it been cancelled at any time, and has it ever been without an address to write to? Then a message may rightly have been skipped. */
  readonly wasCancelled: boolean;
  readonly wasWithoutAddress: boolean;
}

/** Something that is to be said to a customer. */
export interface ExpectedNotice {
  readonly order: string;
  readonly trigger: string;
  readonly eventId: string;
  readonly expiresAt: number;
  /** Never acknowledged before that. */
  readonly publishedAt: number;
  /** Which step an event is can depend on where batches are cut: then a message may be there, or not. */
  readonly certain: boolean;
}

/** What must stand when everything that was published has been worked off. Orders by `source:bookingRef`. */
export interface Expected {
  readonly agency: Agency;
  readonly messages: readonly ExpectedMessage[];
  readonly events: ReadonlyMap<string, ExpectedEvent>;
  readonly orders: ReadonlyMap<string, ExpectedOrder>;
  readonly notices: ReadonlyMap<string, ExpectedNotice>;
}

/** The largest amount that a decimal of 18 digits, four of them after the point, can hold. */
const largest = 10n ** 18n - 1n;
const dayLength = 86_400_000;

/**
 * Computes what must stand from the acknowledged messages alone, by a reading of the design that shares nothing with the workers but the wire format.
 * @throws Error where the messages hold something that it has no reading for, e.g. one booking in two partitions
 */
export async function expectedFrom(published: readonly PublishedMessage[], agency: Agency, codec: Codec): Promise<Expected> {
  await codec.prepare(published.flatMap(({ value }) => schemaIdOf(value) ?? []));
  const messages: ExpectedMessage[] = [];
  const events = new Map<string, ExpectedEvent>();
  const arrived = new Map<string, BookingEvent[]>();
  const publishedAt = new Map<BookingEvent, number>();
  const homes = new Map<string, string>();
  for (const message of [...published].sort((one, other) => one.topic.localeCompare(other.topic) || one.partition - other.partition || one.offset - other.offset)) {
    const decoded = codec.decode(message.value);
    if (!decoded.ok) {
      messages.push({ ...message, outcome: 'dead letter', code: decoded.code });
      continue;
    }
    const { event } = decoded;
    const order = `${event.source}:${event.bookingRef}`;
    const fault = faultOf(event, message);
    if (fault === null) mustComeFrom(homes, order, message);
    const seen = arrived.get(order) ?? [];
    const known = events.get(eventKey(event));
    const code = fault ?? (known === undefined ? tooDear([...seen, event], agency) : sameContent(known.event, event) ? null : 'EVENT_ID_REUSED');
    const outcome = code !== null ? 'dead letter' : known !== undefined ? 'duplicate' : isLate(seen, event) ? 'late' : 'applied';
    messages.push({ ...message, outcome, code });
    if (outcome === 'duplicate' || outcome === 'dead letter') continue;
    events.set(eventKey(event), { order, event, value: message.value ?? Buffer.alloc(0) });
    arrived.set(order, [...seen, event]);
    publishedAt.set(event, message.timestamp);
  }
  const orders = new Map([...arrived].map(([order, history]) => [order, orderOf(history, agency)]));
  const notices = [...arrived].flatMap(([order, history]) => noticesOf(order, history, publishedAt, agency));
  return { agency, messages, events, orders, notices: new Map(notices.map((notice) => [noticeKey(notice), notice])) };
}

export const eventKey = ({ source, eventId }: { readonly source: string; readonly eventId: string }): string => `${source} ${eventId}`;

export const noticeKey = ({ order, trigger, eventId }: Pick<ExpectedNotice, 'order' | 'trigger' | 'eventId'>): string => `${trigger} for ${eventId} of ${order}`;

/** Only then is the order of arrival known. */
function mustComeFrom(homes: Map<string, string>, order: string, { topic, partition }: PublishedMessage): void {
  const home = `${topic} [${partition}]`;
  const before = homes.get(order) ?? home;
  if (before !== home) throw new Error(`the events of ${order} come from ${before} and from ${home}`);
  homes.set(order, home);
}

/** Of all that can be wrong with an event what the load does wrong. */
function faultOf(event: BookingEvent, { timestamp }: PublishedMessage): string | null {
  if (event.bookingRef.trim() === '') return 'REQUIRED';
  if (event.refund?.currency != null && !/^[A-Z]{3}$/.test(event.refund.currency)) return 'AMOUNT';
  if (!knownTypes.has(event.type)) return 'UNKNOWN_TYPE';
  return event.occurredAt > timestamp + dayLength ? 'TIME' : null;
}

/** Fees that no order event can hold. */
function tooDear(history: readonly BookingEvent[], agency: Agency): string | null {
  const { fees } = orderOf(history, agency);
  return fees.some(({ gross }) => gross > largest) ? 'AMOUNT' : null;
}

/** Null and missing say the same, and where a message was traced through is not its content. */
function sameContent(one: BookingEvent, other: BookingEvent): boolean {
  const content = (event: BookingEvent): string => JSON.stringify(event, (key, value: unknown) => (value === null || key === 'traceparent' ? undefined : value));
  return content(one) === content(other);
}

/** Somebody who came before stands behind; or the order by versions ends here. */
function isLate(seen: readonly BookingEvent[], event: BookingEvent): boolean {
  if (seen.length === 0) return false;
  if (allVersioned(seen) && event.version == null) return true;
  const byVersion = allVersioned([...seen, event]);
  return seen.some((other) => compare(other, event, byVersion) > 0);
}

function orderOf(history: readonly BookingEvent[], agency: Agency): ExpectedOrder {
  const order = replay(history);
  const account = order.booking?.corporateAccount?.id ?? null;
  const bookers = history.flatMap(({ booking }) => (booking == null ? [] : [booking.booker]));
  return {
    ...order, eventCount: history.length, account, fees: feesOf(order, priceListsOf(account, agency)),
    wasCancelled: history.some(({ type }) => type === 'cancelled'),
    wasWithoutAddress: bookers.length < history.length || bookers.some((booker) => (booker?.emails ?? []).length === 0),
  };
}

const priceListsOf = (account: string | null, { standard, ofAccounts }: Agency): readonly PriceList[] => [account === null ? [] : (ofAccounts[account] ?? []), standard].flat();

/**
 * A message belongs to the step that its event is when it is settled: in the light of the events that had come by then, those of its own batch included.
 * Where batches are cut nobody knows, so every length of the history counts; where they agree the message is certain.
 */
function noticesOf(order: string, history: readonly BookingEvent[], publishedAt: ReadonlyMap<BookingEvent, number>, { triggers, messageMaxAge }: Agency): readonly ExpectedNotice[] {
  const beginnings = history.map((_, last) => replay(history.slice(0, last + 1)));
  return history.flatMap((event, place) => {
    const types = beginnings.slice(place).map(({ steps }) => steps.find((step) => step.eventId === event.eventId && !step.derived)?.type);
    return Object.entries(triggers).filter(([, type]) => types.includes(type)).map(([trigger, type]): ExpectedNotice => ({
      order, trigger, eventId: event.eventId, expiresAt: event.occurredAt + messageMaxAge, publishedAt: publishedAt.get(event) ?? 0, certain: types.every((one) => one === type),
    }));
  });
}
