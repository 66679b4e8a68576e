import { Exact, moneyText, roundToMinorUnit } from '../money.js';
import type { Transaction } from '../order.js';
import type { ManualFee, OrderFacts, StandingEntry } from './types.js';
import type { FeeWorld } from './world.js';

/** The order's manual charges, each once: as typed, whatever rules say. */
export function manualEntries({ manual = [] }: OrderFacts, first: Transaction, world: FeeWorld, prior: readonly StandingEntry[]): readonly StandingEntry[] {
  const written = new Set(prior.map(({ rule }) => rule));
  return manual.filter(({ kind, id }) => kind === 'charge' && !written.has(`manual:${id}`)).map((fee) => {
    const currency = fee.currency ?? 'EUR';
    const [gross, vat] = [roundToMinorUnit(new Exact(fee.gross ?? 0), currency), roundToMinorUnit(new Exact(fee.vat ?? 0), currency)];
    const occurredAt = fee.at ?? first.at;
    return {
      eventId: fee.transaction ?? `manual:${fee.id}`, transactionType: 'manual', unit: fee.unit, charge: fee.charge, kind: 'manual',
      table: null, version: null, origin: null, rule: `manual:${fee.id}`,
      net: moneyText(gross.minus(vat), currency), vat: moneyText(vat, currency), gross: moneyText(gross, currency), amount: moneyText(gross, currency), currency,
      account: null, vatCode: null, vatRate: null, reverseCharge: false,
      occurredAt, day: world.rootDay(occurredAt), life: first.life, waived: false, reason: fee.reason,
    };
  });
}

/** Manual charges and waivers themselves stay. */
export const isWaivable = ({ kind }: StandingEntry): boolean => kind === 'charge' || kind === 'source';

/** The line that takes an entry away, if a waiver is for it; of several waivers the first has taken all. Manual charges are never waived. */
export function waiversOf(entry: StandingEntry, manual: readonly ManualFee[]): readonly StandingEntry[] {
  const waiver = manual.find(({ kind, charge, unit, transaction }) => kind === 'waiver' && charge === entry.charge && unit === entry.unit && (transaction == null || transaction === entry.eventId));
  if (waiver === undefined) return [];
  const negative = (amount: string): string => moneyText(new Exact(amount).neg(), entry.currency);
  return [{
    ...entry, kind: 'waiver', table: null, version: null, origin: null, rule: `waiver:${waiver.id}`,
    net: negative(entry.net), vat: negative(entry.vat), gross: negative(entry.gross), amount: negative(entry.amount), reason: waiver.reason,
  }];
}
