import { alpha2Country } from '../countries.js';
import { Exact, roundToMinorUnit } from '../money.js';
import type { EffectiveCharge } from './compile.js';
import type { TransactionFacts } from './facts.js';
import type { StandingEntry } from './types.js';

/** How a charge is taxed at a transaction. */
export interface Taxation {
  readonly code: string | null;
  /** Percent as text; null without a code. */
  readonly rate: string | null;
  readonly reverseCharge: boolean;
}

export interface TaxedAmount {
  readonly net: Exact;
  readonly vat: Exact;
  readonly gross: Exact;
}

/**
 * The charge's tax code with the rate of the transaction's local day; what gives back another entry takes that one's.
 *
 * @returns null where the code has no rate that day: the amount is unknown then
 */
export function taxationOf(charge: EffectiveCharge, givesBack: StandingEntry | null, facts: TransactionFacts): Taxation | null {
  const code = givesBack === null ? charge.vat : givesBack.vatCode;
  const rate = givesBack !== null ? givesBack.vatRate : code === null ? null : facts.world.taxRate(code, facts.local.day);
  if (code !== null && rate === null) return null;
  return { code, rate, reverseCharge: rate !== null && owesTheCustomer(facts) };
}

/** The nearest company of the chain that has a country has a VAT id and another country than the transaction's org unit. */
function owesTheCustomer({ order, world, rootDay, place }: TransactionFacts): boolean {
  if (place.country === null) return false;
  const company = world.companies(order.companyId ?? world.companyOf(order.customerId, rootDay), rootDay).find(({ country }) => country != null);
  return company?.country != null && company.vatId != null && company.vatId !== '' && alpha2Country(company.country) !== place.country;
}

/** Splits VAT off a gross amount or adds it to a net one; the parts always add up. Under reverse charge the net alone is owed. */
export function taxed(amount: Exact, currency: string, { rate, reverseCharge }: Taxation, vatIncluded: boolean): TaxedAmount {
  if (rate === null) return { net: amount, vat: zero, gross: amount };
  const percent = new Exact(rate);
  const vat = roundToMinorUnit(vatIncluded ? amount.times(percent).div(percent.plus(100)) : amount.times(percent).div(100), currency);
  const net = vatIncluded ? amount.minus(vat) : amount;
  return reverseCharge ? { net, vat: zero, gross: net } : { net, vat, gross: net.plus(vat) };
}

const zero = new Exact(0);
