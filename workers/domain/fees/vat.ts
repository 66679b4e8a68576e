import { alpha2Country } from '../countries.js';
import { divideHalfAway, type Exact, minorUnits, minorUnitsText } from '../money.js';
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

/** Text with the currency's digits. */
export interface TaxedAmount {
  readonly net: string;
  readonly vat: string;
  readonly gross: string;
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
  const value = minorUnits(amount, currency);
  const { percent, hundred } = rate === null ? untaxed : fractionOf(rate);
  const vat = divideHalfAway(value * percent, vatIncluded ? hundred + percent : hundred);
  const net = vatIncluded ? value - vat : value;
  const text = (part: bigint): string => minorUnitsText(part, currency);
  return reverseCharge ? { net: text(net), vat: text(0n), gross: text(net) } : { net: text(net), vat: text(vat), gross: text(net + vat) };
}

/** A percentage as whole numbers: 7.7 of 100 is 77 of 1000. */
interface Fraction {
  readonly percent: bigint;
  readonly hundred: bigint;
}

const untaxed: Fraction = { percent: 0n, hundred: 100n };

function fractionOf(rate: string): Fraction {
  const [whole = '0', fraction = ''] = rate.split('.');
  return { percent: BigInt(whole + fraction), hundred: 100n * 10n ** BigInt(fraction.length) };
}
