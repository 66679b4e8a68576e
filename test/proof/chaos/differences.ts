import type { Price } from '../../../schemas/booking-event.js';
import type { Agency } from './agency.js';
import type { Found, FoundEntry, FoundOrder } from './found.js';
import { moneyOf, moneyText, type Money } from './money.js';
import { eventKey, noticeKey, type Expected, type ExpectedNotice, type ExpectedOrder } from './oracle.js';
import { openItems } from './replay.js';

export interface DifferenceOptions {
  /** Who reads: each group must have read everything. */
  readonly groups: readonly string[];
  /** Mails that were under way when SMTP or outreach was hit may end as `unknown`. */
  readonly unknownAllowed: boolean;
  /** Order events may stand twice: when relay or Kafka was hit. */
  readonly repeatsAllowed: boolean;
  /** What the customers are told is looked at too, and every message must have ended: with outreach at work. */
  readonly outreach: boolean;
}

/** What stands otherwise than it must, each as a sentence; nothing when all is explained. */
export function differences(expected: Expected, found: Found, options: DifferenceOptions): readonly string[] {
  return [
    ...fenceDifferences(expected, found, options.groups),
    ...deadLetterDifferences(expected, found),
    ...eventDifferences(expected, found),
    ...orderDifferences(expected, found),
    ...ledgerDifferences(expected, found),
    ...noticeDifferences(expected, found, options),
    ...orderEventDifferences(expected, found, options.repeatsAllowed),
    ...Object.entries(found.left).filter(([, count]) => count > 0).map(([what, count]) => `${count} ${what} are left`),
  ];
}

const placeOf = ({ topic, partition, offset }: { readonly topic: string; readonly partition: number; readonly offset: number | string }): string => `${topic} [${partition}] ${offset}`;

/** Each message has one outcome, and the counters say how many of each. A second group meets what the first has applied as duplicates. */
function fenceDifferences({ messages }: Expected, { fences }: Found, groups: readonly string[]): readonly string[] {
  const lanes = groupedBy(messages, ({ topic, partition }) => `${topic} [${partition}]`);
  const laneOf = ({ topic, partition }: Found['fences'][number]): string => `${topic} [${partition}]`;
  return [
    ...fences.filter((fence) => !groups.includes(fence.group) || (!lanes.has(laneOf(fence)) && Number(fence.read) > 0)).map((fence) => `${fence.group} has read ${fence.read} messages of ${laneOf(fence)}, where nothing was published`),
    ...[...lanes].flatMap(([lane, published]) => {
      const standing = groups.map((group) => ({ group, fence: fences.find((fence) => fence.group === group && laneOf(fence) === lane) }));
      const count = (outcome: string): number => published.filter((message) => message.outcome === outcome).length;
      const next = Math.max(...published.map(({ offset }) => offset)) + 1;
      const dead = count('dead letter');
      const sum = (of: 'applied' | 'late' | 'duplicate'): number => standing.reduce((total, { fence }) => total + Number(fence?.[of] ?? 0), 0);
      return [
        ...standing.flatMap(({ group, fence }) => (fence === undefined
          ? [`${group} has read nothing of ${lane}`]
          : [
            ...unlike(`${group} in ${lane}: the fence`, fence.next, String(next)),
            ...unlike(`${group} in ${lane}: messages read`, fence.read, String(published.length)),
            ...unlike(`${group} in ${lane}: dead letters counted`, fence.dead, String(dead)),
            ...unlike(`${group} in ${lane}: outcomes counted`, Number(fence.applied) + Number(fence.late) + Number(fence.duplicate) + Number(fence.dead), published.length),
          ])),
        ...unlike(`${lane}: applied by all groups`, sum('applied'), count('applied')),
        ...unlike(`${lane}: applied late by all groups`, sum('late'), count('late')),
        ...unlike(`${lane}: duplicates of all groups`, sum('duplicate'), groups.length * (published.length - dead) - count('applied') - count('late')),
      ];
    }),
  ];
}

function deadLetterDifferences({ messages }: Expected, { deadLetters, relayedDeadLetters }: Found): readonly string[] {
  const wanted = messages.filter(({ outcome }) => outcome === 'dead letter');
  const published = new Map(messages.map((message) => [placeOf(message), message]));
  const standing = groupedBy(deadLetters, placeOf);
  const relayed = groupedBy(relayedDeadLetters, placeOf);
  const sameBytes = (one: Buffer | null, other: Buffer | null): boolean => (one === null || other === null ? one === other : one.equals(other));
  return [
    ...wanted.flatMap((message) => {
      const place = placeOf(message);
      const [letter, ...more] = standing.get(place) ?? [];
      if (letter === undefined) return [`${place} is no dead letter (${message.code})`];
      return [
        ...more.map(() => `${place} is a dead letter twice`),
        ...unlike(`dead letter ${place}: code`, letter.code, message.code),
        ...(sameBytes(letter.value, message.value) && sameBytes(letter.key, message.key) ? [] : [`dead letter ${place}: key or bytes are other ones`]),
        ...(relayed.get(place)?.some(({ code }) => code === message.code) === true ? [] : [`dead letter ${place} is not in its topic with code ${message.code}`]),
      ];
    }),
    ...deadLetters.filter((letter) => published.get(placeOf(letter))?.outcome !== 'dead letter').map((letter) => `${placeOf(letter)} is a dead letter (${letter.code}); it must be ${published.get(placeOf(letter))?.outcome ?? 'nothing: it was never published'}`),
    ...relayedDeadLetters.filter((letter) => published.get(placeOf(letter))?.outcome !== 'dead letter').map((letter) => `${placeOf(letter)} stands in the dead-letter topic without being one`),
  ];
}

function eventDifferences({ events }: Expected, found: Found): readonly string[] {
  const standing = groupedBy(found.events, eventKey);
  return [
    ...[...events].flatMap(([key, { order, event, value }]) => {
      const [stored, ...more] = standing.get(key) ?? [];
      if (stored === undefined) return [`event ${key} is lost`];
      const secret = (event.booking?.sensitive ?? []).length > 0;
      return [
        ...more.map(() => `event ${key} stands twice`),
        ...unlike(`event ${key}: order`, stored.order, order),
        ...unlike(`event ${key}: form of the bytes`, stored.form, secret ? 'encrypted' : 'plain'),
        ...(secret || stored.wire.equals(value) ? [] : [`event ${key}: the stored bytes are other ones`]),
      ];
    }),
    ...found.events.filter((event) => !events.has(eventKey(event))).map((event) => `event ${eventKey(event)} must not stand`),
  ];
}

function orderDifferences({ orders, agency }: Expected, found: Found): readonly string[] {
  const standing = groupedBy(found.orders, ({ order }) => order);
  const items = groupedBy(found.items, ({ order }) => order);
  return [
    ...[...orders].flatMap(([name, order]) => {
      const [stored, ...more] = standing.get(name) ?? [];
      if (stored === undefined) return [`order ${name} is lost`];
      return [
        ...more.map(() => `order ${name} stands twice`),
        ...fieldDifferences(`order ${name}`, stored, order, agency),
        ...itemDifferences(`order ${name}`, items.get(name) ?? [], order),
      ];
    }),
    ...found.orders.filter(({ order }) => !orders.has(order)).map(({ order }) => `order ${order} must not stand`),
    ...found.items.filter(({ order }) => !orders.has(order)).map(({ order, id }) => `item ${id} of ${order} must not stand`),
  ];
}

function fieldDifferences(name: string, stored: FoundOrder, order: ExpectedOrder, { rootOrgUnit, ofAccounts }: Agency): readonly string[] {
  const { booking, price } = order;
  const charged = (account: string | null): string | null => (account !== null && account in ofAccounts ? account : null);
  const starts = openItems(booking).flatMap(({ start }) => start ?? []);
  const ends = openItems(booking).flatMap(({ end }) => end ?? []);
  return [
    ...unlike(`${name}: status`, stored.status, order.status),
    ...unlike(`${name}: org unit`, stored.orgUnit, booking?.orgUnit ?? rootOrgUnit),
    ...unlike(`${name}: corporate account`, charged(stored.account), charged(order.account)),
    ...unlike(`${name}: travel from`, stored.travelFrom, booking?.travelFrom ?? starts.sort()[0] ?? null),
    ...unlike(`${name}: travel until`, stored.travelUntil, booking?.travelUntil ?? ends.sort().at(-1) ?? null),
    ...unlike(`${name}: price`, priceText(stored.currency, stored.total), priceText(price?.currency, price?.total)),
    ...unlike(`${name}: booked at`, stored.bookedAt?.getTime() ?? null, booking?.bookedAt ?? order.firstBookedAt),
    ...unlike(`${name}: life`, stored.state.life, order.life),
    ...unlike(`${name}: events`, stored.state.eventCount, order.eventCount),
    ...unlike(`${name}: transactions`, countsText(stored.state.counts), countsText(order.counts)),
  ];
}

const countsText = (counts: Readonly<Record<string, number>>): string => Object.entries(counts).sort(([one], [other]) => (one < other ? -1 : 1)).map(([type, count]) => `${count} ${type}`).join(', ');

const priceText = (currency: string | null | undefined, total: string | null | undefined): string => (currency == null || total == null ? 'unknown' : `${moneyText(moneyOf(total))} ${currency}`);

/** What is gone may have a row that says so, or none. */
function itemDifferences(name: string, rows: Found['items'], { booking, status, ended }: ExpectedOrder): readonly string[] {
  const wanted = (booking?.items ?? []).map((item) => (ended && status === 'cancelled' ? { ...item, status: 'cancelled' } : item));
  return [
    ...wanted.flatMap((item) => {
      const row = rows.find(({ id }) => id === item.id);
      if (row === undefined) return [`${name}: item ${item.id} is lost`];
      const text = (one: Pick<typeof row, 'product' | 'status' | 'supplier' | 'start' | 'end'>, price: string): string => [one.product, one.status, one.supplier, one.start, one.end, price].join(' ');
      const { product, status: own = null, supplier = null, start = null, end = null } = item;
      return unlike(`${name}: item ${item.id}`, text(row, priceText(row.currency, row.total)), text({ product, status: own, supplier, start, end }, priceText(item.price?.currency, item.price?.total)));
    }),
    ...rows.filter(({ id, status: own }) => own !== 'cancelled' && !wanted.some((item) => item.id === id)).map(({ id }) => `${name}: item ${id} is not cancelled, and the booking has it no more`),
  ];
}

interface Balance {
  readonly lines: number;
  readonly net: Money;
  readonly vat: Money;
  readonly gross: Money;
}

/** By what a line stands for; a reversal takes back one line. */
function ledgerDifferences({ orders }: Expected, { entries }: Found): readonly string[] {
  const standing = balances(entries.map((entry) => [pointOf(entry), {
    lines: entry.kind === 'charge' ? 1 : entry.kind === 'reversal' ? -1 : Number.NaN, net: moneyOf(entry.net), vat: moneyOf(entry.vat), gross: moneyOf(entry.gross),
  }]));
  const wanted = balances([...orders].flatMap(([order, { fees }]) => fees.map(({ net, vat, gross, ...fee }): [string, Balance] => [pointOf({ ...fee, order, currency: 'EUR' }), { lines: 1, net, vat, gross }])));
  const none: Balance = { lines: 0, net: 0n, vat: 0n, gross: 0n };
  return [...new Set([...wanted.keys(), ...standing.keys()])].flatMap((point) => unlike(`ledger ${point}`, balanceText(standing.get(point) ?? none), balanceText(wanted.get(point) ?? none)));
}

const pointOf = ({ order, charge, unit, type, eventId, table, rule, currency }: Pick<FoundEntry, 'order' | 'charge' | 'unit' | 'type' | 'eventId' | 'table' | 'rule' | 'currency'>): string =>
  `${order}: ${charge} of ${unit} for ${type} ${eventId} by ${table ?? 'no table'}/${rule ?? 'no rule'} in ${currency}`;

const balanceText = ({ lines, net, vat, gross }: Balance): string => `${lines} standing, ${moneyText(net)} + ${moneyText(vat)} = ${moneyText(gross)}`;

function balances(lines: readonly (readonly [string, Balance])[]): ReadonlyMap<string, Balance> {
  const sums = new Map<string, Balance>();
  for (const [point, line] of lines) {
    const sum = sums.get(point) ?? { lines: 0, net: 0n, vat: 0n, gross: 0n };
    sums.set(point, { lines: sum.lines + line.lines, net: sum.net + line.net, vat: sum.vat + line.vat, gross: sum.gross + line.gross });
  }
  return sums;
}

function noticeDifferences({ notices, orders }: Expected, { at, messages, mails }: Found, { unknownAllowed, outreach }: DifferenceOptions): readonly string[] {
  const standing = groupedBy(messages, noticeKey);
  const mailsOf = groupedBy(mails, ({ headers }) => /<([^@>]+)@/.exec(headers['message-id'] ?? '')?.[1] ?? 'no message');
  const known = new Set(messages.map(({ id }) => id));
  return [
    ...[...notices].flatMap(([key, { certain, expiresAt }]) => (certain && expiresAt > at && !standing.has(key) ? [`message ${key} is lost`] : [])),
    ...[...standing].flatMap(([key, [message, ...more]]) => {
      const notice = notices.get(key);
      if (message === undefined) return [];
      return [
        ...more.map(() => `message ${key} stands twice`),
        ...(notice === undefined ? [`message ${key} must not stand`] : []),
        ...(notice !== undefined && notice.expiresAt < notice.publishedAt ? [`message ${key} is too old to stand`] : []),
        ...(outreach ? endDifferences(key, message, mailsOf.get(message.id)?.length ?? 0, [...notices.values()], notice, orders.get(message.order), unknownAllowed, at) : []),
      ];
    }),
    ...[...mailsOf].flatMap(([id, sent]) => [
      ...(known.has(id) ? [] : [`a mail went out for ${id}, which is no message`]),
      ...(sent.length > 1 ? [`message ${id} was sent ${sent.length} times`] : []),
      ...sent.filter(({ to }) => to.length !== 1).map(({ to }) => `message ${id} went to ${to.length} addresses`),
    ]),
  ];
}

/** Whether a message ended as it may: sent once, or not sent for a reason that holds. */
function endDifferences(
  key: string, { state, reason }: Found['messages'][number], mailed: number, all: readonly ExpectedNotice[],
  notice: ExpectedNotice | undefined, order: ExpectedOrder | undefined, unknownAllowed: boolean, at: number,
): readonly string[] {
  if (state === 'sent') return mailed === 1 ? [] : [`message ${key} is sent, and ${mailed} mails went out`];
  if (state === 'unknown') return unknownAllowed ? [] : [`message ${key} is unknown: ${reason}`];
  if (mailed > 0) return [`message ${key} is ${state}, and ${mailed} mails went out`];
  if (state !== 'skipped') return [`message ${key} has not ended: it is ${state} (${reason})`];
  const holds = reason === 'superseded' ? all.some((other) => other.order === notice?.order && other.trigger === notice.trigger && other.expiresAt >= notice.expiresAt && other !== notice)
    : reason === 'order is cancelled' ? order?.wasCancelled === true
      : reason === 'no address' ? order?.wasWithoutAddress === true
        : reason === 'too late' && (notice?.expiresAt ?? Infinity) < at;
  return holds ? [] : [`message ${key} was skipped (${reason}), which does not hold`];
}

/** Each order's revisions from the first to the last, none before the one below it; the last as the order stands. Twice the same may come. */
function orderEventDifferences({ orders }: Expected, found: Found, repeatsAllowed: boolean): readonly string[] {
  const byOrder = groupedBy(found.orderEvents, ({ source, bookingRef }) => `${source}:${bookingRef}`);
  return [
    ...[...byOrder.keys()].filter((name) => !orders.has(name)).map((name) => `order events of ${name} must not stand`),
    ...[...orders].flatMap(([name, order]) => {
      const events = byOrder.get(name) ?? [];
      const stored = found.orders.find((one) => one.order === name);
      const seen = new Map<number, string>();
      const wrong: string[] = [];
      for (const event of events) {
        const text = JSON.stringify(event);
        if (!seen.has(event.revision) && event.revision !== seen.size + 1) wrong.push(`order events of ${name}: revision ${event.revision} comes after ${seen.size}`);
        if (seen.has(event.revision) && !repeatsAllowed) wrong.push(`order events of ${name}: revision ${event.revision} stands twice`);
        if (seen.has(event.revision) && seen.get(event.revision) !== text) wrong.push(`order events of ${name}: revision ${event.revision} says two things`);
        seen.set(event.revision, text);
      }
      const last = events.find(({ revision }) => String(revision) === stored?.revision);
      if (stored === undefined) return wrong;
      if (last === undefined) return [...wrong, `order events of ${name}: revision ${stored.revision} is missing`];
      return [
        ...wrong,
        ...unlike(`order events of ${name}: number of revisions`, seen.size, Number(stored.revision)),
        ...unlike(`last order event of ${name}: id`, last.orderId, stored.id),
        ...unlike(`last order event of ${name}: status`, last.status, order.status),
        ...unlike(`last order event of ${name}: price`, priceOf(last.price), priceOf(order.price)),
        ...unlike(`last order event of ${name}: fees`, moneyText((last.fees ?? []).reduce((sum, { gross }) => sum + moneyOf(gross ?? '0'), 0n)), moneyText(order.fees.reduce((sum, { gross }) => sum + gross, 0n))),
      ];
    }),
  ];
}

const priceOf = (price: Price | null | undefined): string => priceText(price?.currency, price?.total);

const unlike = (what: string, found: unknown, wanted: unknown): readonly string[] => (found === wanted ? [] : [`${what} is ${String(found)} instead of ${String(wanted)}`]);

function groupedBy<Thing>(things: readonly Thing[], keyOf: (thing: Thing) => string): ReadonlyMap<string, readonly Thing[]> {
  const groups = new Map<string, Thing[]>();
  for (const thing of things) {
    const group = groups.get(keyOf(thing));
    if (group === undefined) groups.set(keyOf(thing), [thing]);
    else group.push(thing);
  }
  return groups;
}
