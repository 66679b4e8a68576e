import type { BookingEvent } from '../../../schemas/booking-event.js';
import { historyOf, type HistorySettings } from './histories.js';
import { createRandom, type Random } from './random.js';

export interface EventSettings extends HistorySettings {
  readonly bookings: number;
  /** Shares of events that come long after their successors, come twice, change places with near ones; and of extra ones that are refused. */
  readonly late: number;
  readonly doubled: number;
  readonly shuffled: number;
  readonly bad: number;
}

/** What is left out of the settings. */
export const eventDefaults = { customers: 1000, companies: 40, late: 0.05, doubled: 0.02, shuffled: 0.1, bad: 0 } as const;

/** So many bookings are going on at once, and so far (in events) a late event and a shuffled one are moved at most. */
const bookingsAtOnce = 200;
const latest = 500;
const nearest = 20;

/**
 * The events of `bookings` bookings as they would arrive: many bookings at once, each in its order but for the shares that are late, doubled or shuffled.
 * The same settings give the same events; a few hundred of them are in memory.
 */
export function* generateEvents(settings: Pick<EventSettings, 'seed' | 'bookings' | 'now'> & Partial<EventSettings>): Generator<BookingEvent> {
  const all: EventSettings = { ...eventDefaults, ...settings };
  const random = createRandom(all.seed, 'arrival');
  /** Events that wait for their place, by the place. */
  const waiting = new Map<number, BookingEvent[]>();
  const hold = (place: number, event: BookingEvent): void => {
    waiting.set(place, [...(waiting.get(place) ?? []), event]);
  };
  let place = 0;
  for (const event of interleaved(all, random)) {
    if (random.chance(all.late)) hold(place + random.whole(nearest, latest), event);
    else if (random.chance(all.shuffled)) hold(place + random.whole(1, nearest), event);
    else yield event;
    if (random.chance(all.doubled)) hold(place + random.whole(1, latest), event);
    if (random.chance(all.bad)) yield spoiled(random, event);
    yield* waiting.get(place) ?? [];
    waiting.delete(place++);
  }
  for (const left of [...waiting.keys()].sort((a, b) => a - b)) yield* waiting.get(left) ?? [];
}

/** Each booking's events in their order, those of many bookings in between each other. */
function* interleaved(settings: EventSettings, random: Random): Generator<BookingEvent> {
  const open: BookingEvent[][] = [];
  let next = 0;
  for (;;) {
    while (open.length < bookingsAtOnce && next < settings.bookings) open.push([...historyOf(settings, next++)].reverse());
    if (open.length === 0) return;
    const at = random.whole(0, open.length - 1);
    const event = open[at]?.pop();
    if (event !== undefined) yield event;
    const last = open.at(-1);
    if (open[at]?.length === 0 && last !== undefined) {
      open[at] = last;
      open.pop();
    }
  }
}

/** An event of its own that nobody may apply. */
function spoiled(random: Random, event: BookingEvent): BookingEvent {
  const extra = { ...event, eventId: `${event.eventId}-bad` };
  switch (random.pick(['type', 'time', 'currency', 'reference'])) {
    case 'time': return { ...extra, occurredAt: Date.UTC(2950, 0, 1) };
    case 'currency': return { ...extra, refund: { amount: '1', currency: 'EURO' } };
    case 'reference': return { ...extra, bookingRef: ' ' };
    default: return { ...extra, type: 'teleported' };
  }
}
