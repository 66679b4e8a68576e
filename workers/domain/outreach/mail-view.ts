import { Big } from 'big.js';
import type { Booking, Item, Price } from '../../../schemas/booking-event.js';
import type { LocalDate } from '../../../schemas/scalars.js';
import type { Language } from './recipient.js';

/** What templates may use: every value is text that is ready to be shown (and still to be escaped). */
export interface MailView {
  readonly reference: string;
  readonly name: string | null;
  /** From and until, in the reader's way of writing dates. */
  readonly travel: string | null;
  readonly items: readonly { readonly title: string; readonly detail: string; readonly cancelled: boolean }[];
  readonly total: string | null;
  /** What the ledger says has been charged for the agency's own work, per currency. */
  readonly fees: readonly string[];
}

export interface ViewedOrder {
  readonly bookingRef: string;
  readonly booking: Booking | null;
  readonly price: Price | null;
  readonly fees: readonly { readonly currency: string; readonly gross: string }[];
}

/** More services than this are counted, not listed: a mail is no archive. */
const listed = 50;

/** Turns an order into the words and numbers of a language. */
export function mailView(order: ViewedOrder, name: string | null, language: Language): MailView {
  const items = order.booking?.items ?? [];
  const from = order.booking?.travelFrom ?? earliest(items.map((item) => item.start));
  const until = order.booking?.travelUntil ?? latest(items.map((item) => item.end ?? item.start));
  return {
    reference: order.bookingRef,
    name,
    travel: period(from, until, language),
    items: [...items.slice(0, listed).map((item) => viewItem(item, language)), ...(items.length > listed ? [rest(items.length - listed, language)] : [])],
    total: order.price == null ? null : money(order.price.total, order.price.currency, language),
    fees: order.fees.filter((fee) => !new Big(fee.gross).eq(0)).map((fee) => money(fee.gross, fee.currency, language)),
  };
}

const products: Readonly<Record<Language, Readonly<Record<string, string>>>> = {
  en: { flight: 'Flight', hotel: 'Hotel', rail: 'Rail', car: 'Hire car', cruise: 'Cruise', package: 'Package', insurance: 'Insurance', transfer: 'Transfer', event: 'Event', other: 'Service' },
  de: { flight: 'Flug', hotel: 'Hotel', rail: 'Bahn', car: 'Mietwagen', cruise: 'Kreuzfahrt', package: 'Pauschalreise', insurance: 'Versicherung', transfer: 'Transfer', event: 'Veranstaltung', other: 'Leistung' },
};

function viewItem(item: Item, language: Language): MailView['items'][number] {
  const route = [item.origin, item.destination].filter((place) => place != null).join(' – ');
  const details = [route, period(item.start, item.end, language)].filter((part) => part != null && part !== '');
  return {
    title: [products[language][item.product] ?? item.product, item.supplier ?? item.carrier].filter((part) => part != null).join(' · '),
    detail: details.join(', '),
    cancelled: item.status === 'cancelled',
  };
}

const rest = (count: number, language: Language): MailView['items'][number] =>
  ({ title: language === 'de' ? `und ${count} weitere Leistungen` : `and ${count} more services`, detail: '', cancelled: false });

function period(from: LocalDate | null | undefined, until: LocalDate | null | undefined, language: Language): string | null {
  const days = [...new Set([from, until])].filter((day) => day != null).map((day) => date(day, language));
  return days.length === 0 ? null : days.join(' – ');
}

const locales = { de: 'de-DE', en: 'en-GB' } as const;

function date(day: LocalDate, language: Language): string {
  const instant = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(instant) ? day : new Intl.DateTimeFormat(locales[language], { dateStyle: 'medium', timeZone: 'UTC' }).format(instant);
}

/** Exact: the number stays text. Currencies are written as codes, with at least the decimals that are customary for them. */
function money(amount: string, currency: string, language: Language): string {
  const digits = /^[A-Z]{3}$/.test(currency) ? new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().minimumFractionDigits ?? 2 : 2;
  const format = new Intl.NumberFormat(locales[language], { minimumFractionDigits: digits, maximumFractionDigits: Math.max(digits, 4) });
  const exact = new Big(amount).toFixed();
  return `${isNumeric(exact) ? format.format(exact) : exact} ${currency}`;
}

const isNumeric = (text: string): text is `${number}` => /^-?\d+(\.\d+)?$/.test(text);

const earliest = (days: readonly (LocalDate | null | undefined)[]): LocalDate | undefined => days.filter((day) => day != null).sort()[0];
const latest = (days: readonly (LocalDate | null | undefined)[]): LocalDate | undefined => days.filter((day) => day != null).sort().at(-1);
