import type { AgencyFee } from '../../../schemas/booking-event.js';
import { Exact, moneyText, roundToMinorUnit } from '../money.js';
import { orderPrice, type TransactionFacts } from './facts.js';
import type { StandingEntry } from './types.js';

interface Delivered {
  readonly rule: string;
  readonly charge: string;
  readonly unit: string;
  readonly currency: string;
  gross: Exact;
  vat: Exact;
}

/**
 * What the source's own fees add at a transaction: the difference to the state before, by (id or code, item), so that repeating charges nothing
 * and vanishing reverses. The charge is the code, where there is one. Each fee is rounded to its currency's minor unit before it is counted:
 * rounded sums would not add up to what the source delivers last.
 */
export function deliveredEntries(facts: TransactionFacts): readonly StandingEntry[] {
  const { transaction, local } = facts;
  if (transaction.derived) return [];
  const sums = new Map<string, Delivered>();
  addUp(sums, transaction.delivered.after, 1, facts);
  addUp(sums, transaction.delivered.before, -1, facts);
  return [...sums.values()].filter(({ gross, vat }) => !gross.eq(0) || !vat.eq(0)).map(({ rule, charge, unit, currency, gross, vat }) => ({
    eventId: transaction.eventId, transactionType: transaction.type, unit, charge, kind: 'source',
    table: null, version: null, origin: null, rule,
    net: moneyText(gross.minus(vat), currency), vat: moneyText(vat, currency), gross: moneyText(gross, currency), amount: moneyText(gross, currency), currency,
    account: null, vatCode: null, vatRate: null, reverseCharge: false,
    occurredAt: transaction.at, day: local.day, life: transaction.life, waived: false, reason: null,
  }));
}

function addUp(sums: Map<string, Delivered>, fees: readonly AgencyFee[], sign: 1 | -1, facts: TransactionFacts): void {
  for (const fee of fees) {
    const name = fee.id ?? fee.code ?? null;
    const currency = fee.currency ?? orderPrice(facts)?.currency ?? null;
    if (name === null || currency === null || fee.gross == null) continue;
    const unit = fee.item == null ? 'order' : `item:${fee.item}`;
    const key = JSON.stringify([name, unit, currency]);
    const sum = sums.get(key) ?? { rule: `source:${name}`, charge: fee.code ?? name, unit, currency, gross: new Exact(0), vat: new Exact(0) };
    sum.gross = sum.gross.plus(roundToMinorUnit(new Exact(fee.gross), currency).times(sign));
    sum.vat = sum.vat.plus(roundToMinorUnit(new Exact(fee.vat ?? 0), currency).times(sign));
    sums.set(key, sum);
  }
}
