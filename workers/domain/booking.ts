import Big from 'big.js';
import { dateOf, daysOf } from '../../schemas/dates.js';
import type { Booking, Document, Item, Price, Traveller } from '../../schemas/booking-event.js';
import type { LocalDate } from '../../schemas/scalars.js';

/** Whether the item no longer counts: a cancelled item stays in the list with this status, or is gone, which means the same. */
export const isCancelled = (item: Item): boolean => item.status === 'cancelled';

/** The items that count, in the order of the booking's list; none without a booking. */
export function uncancelledItems(booking: Booking | null): readonly Item[] {
  return (booking?.items ?? []).filter((item) => !isCancelled(item));
}

export const travellersOf = (booking: Booking | null): readonly Traveller[] => booking?.travellers ?? [];

export const documentsOf = (booking: Booking | null): readonly Document[] => booking?.documents ?? [];

/** The booking with every item cancelled: how an ended order counts. Everything else stays as it was. */
export function withItemsCancelled(booking: Booking): Booking {
  return booking.items == null ? booking : { ...booking, items: booking.items.map((item) => ({ ...item, status: 'cancelled' })) };
}

/**
 * The ids of the travellers whom an item concerns, in the order of the booking's list.
 * An item that refers to no traveller of the booking concerns all.
 */
export function itemTravellers(item: Item, booking: Booking): readonly string[] {
  const all = travellersOf(booking).map((traveller) => traveller.id);
  const named = new Set(item.travellers ?? []);
  const concerned = all.filter((id) => named.has(id));
  return concerned.length > 0 ? concerned : all;
}

/**
 * What the booking costs: its own price, else the sum of its uncancelled items (those without a price cost nothing of their own).
 * Null is unknown: no price anywhere, or items in several currencies. A part (base, taxes, commission) is summed where every priced item has it.
 */
export function bookingPrice(booking: Booking | null): Price | null {
  return booking?.price ?? sumOfPrices(uncancelledItems(booking).flatMap((item) => item.price ?? []));
}

function sumOfPrices(prices: readonly Price[]): Price | null {
  const [first, ...others] = prices;
  if (first === undefined || others.some((price) => price.currency !== first.currency)) return null;
  if (others.length === 0) return first;
  const base = sumOf(prices.map((price) => price.base));
  const taxes = sumOf(prices.map((price) => price.taxes));
  const commission = sumOf(prices.map((price) => price.commission));
  return {
    currency: first.currency,
    total: sumOf(prices.map((price) => price.total)) ?? '0',
    ...(base === null ? {} : { base }),
    ...(taxes === null ? {} : { taxes }),
    ...(commission === null ? {} : { commission }),
  };
}

/** The exact sum as plain decimal text; null if one of the amounts is unknown. */
function sumOf(amounts: readonly (string | null | undefined)[]): string | null {
  let sum = new Big(0);
  for (const amount of amounts) {
    if (amount == null) return null;
    sum = sum.plus(amount);
  }
  return sum.toFixed();
}

/** The nights of an item: as given, else of a hotel from start to end; null is unknown. */
export function itemNights(item: Item): number | null {
  if (item.nights != null) return item.nights;
  if (item.product !== 'hotel' || item.start == null || item.end == null) return null;
  const [start, end] = [daysOf(item.start), daysOf(item.end)];
  return start === undefined || end === undefined ? null : end - start;
}

/** The last day of an item: as given, else start + nights; null is unknown. */
export function itemEnd(item: Item): LocalDate | null {
  if (item.end != null) return item.end;
  const start = item.start == null ? undefined : daysOf(item.start);
  return start === undefined || item.nights == null ? null : dateOf(start + item.nights);
}

/**
 * When the journey begins and ends: as the booking says, else the earliest start and the latest end of its uncancelled items.
 * For an ended order give the booking as its state keeps it: its dates outlive it.
 */
export function travelDates(booking: Booking | null): { readonly from: LocalDate | null; readonly until: LocalDate | null } {
  const items = uncancelledItems(booking);
  return {
    from: booking?.travelFrom ?? minimum(items.flatMap((item) => item.start ?? [])),
    until: booking?.travelUntil ?? maximum(items.flatMap((item) => itemEnd(item) ?? [])),
  };
}

/** Dates of the same form compare as text. */
const minimum = (dates: readonly LocalDate[]): LocalDate | null => dates.reduce<LocalDate | null>((least, date) => (least === null || date < least ? date : least), null);

const maximum = (dates: readonly LocalDate[]): LocalDate | null => dates.reduce<LocalDate | null>((most, date) => (most === null || date > most ? date : most), null);
