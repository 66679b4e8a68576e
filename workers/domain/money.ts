import Big from 'big.js';

/**
 * Exact decimals. Quotients are cut at 40 digits: a quotient of two amounts lies further than that from every half of a
 * minor unit that it is not, so rounding it once more gives the exact result.
 */
export const Exact = Big();
Exact.DP = 40;
Exact.RM = 0;

export type Exact = Big.Big;

export type RoundingMode = 'half-away' | 'half-even' | 'up' | 'down';

/** big.js counts away from zero: its half-up is half-away, its up is away from zero. */
const bigModes: Readonly<Record<RoundingMode, Big.RoundingMode>> = { down: 0, 'half-away': 1, 'half-even': 2, up: 3 };

/** ISO 4217, list one: the currencies whose minor unit is not a hundredth. Intl's digits are CLDR's and differ (RSD, IQD). */
const otherDigits: ReadonlyMap<string, number> = new Map([
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ').map((code) => [code, 0] as const),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3] as const),
  ...'CLF UYW'.split(' ').map((code) => [code, 4] as const),
]);

const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

/** Whether a text is a currency of ISO 4217. */
export const isCurrency = (text: string): boolean => currencies.has(text);

/** Digits after the point of a currency's amounts. */
export const currencyDigits = (currency: string): number => otherDigits.get(currency) ?? 2;

/** Rounds to the currency's minor unit. */
export function roundToMinorUnit(value: Exact, currency: string, mode: RoundingMode = 'half-away'): Exact {
  return value.round(currencyDigits(currency), bigModes[mode]);
}

/** Rounds to a multiple of `step` (> 0). */
export function roundToStep(value: Exact, step: Exact, mode: RoundingMode): Exact {
  return value.div(step).round(0, bigModes[mode]).times(step);
}

/** Text with the currency's digits: `"50.00"`; never a negative zero. */
export function moneyText(value: Exact, currency: string): string {
  const text = value.toFixed(currencyDigits(currency));
  return value.eq(0) ? text.replace('-', '') : text;
}

/** An amount counted in minor units of its currency; it must have no more digits. */
export const minorUnits = (value: Exact, currency: string): bigint => BigInt(value.toFixed(currencyDigits(currency)).replace('.', ''));

/** Text with the currency's digits of an amount in minor units. */
export function minorUnitsText(amount: bigint, currency: string): string {
  const digits = currencyDigits(currency);
  if (digits === 0) return amount.toString();
  const sign = amount < 0n ? '-' : '';
  const text = (amount < 0n ? -amount : amount).toString().padStart(digits + 1, '0');
  return `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** The whole number nearest to a quotient, halves away from zero; the denominator is positive. */
export function divideHalfAway(numerator: bigint, denominator: bigint): bigint {
  const twice = numerator < 0n ? -2n * numerator : 2n * numerator;
  const quotient = (twice + denominator) / (2n * denominator);
  return numerator < 0n ? -quotient : quotient;
}

/** Whether a text is a plain decimal number. */
export const isDecimal = (text: string): boolean => /^-?\d+(\.\d+)?$/.test(text);

/** How many digits a decimal text has after the point, superfluous zeros left out. */
export function decimalsOf(text: string): number {
  const fraction = text.split('.')[1] ?? '';
  return fraction.replace(/0+$/, '').length;
}

/** The exact sum of amounts of one currency, with the currency's digits. */
export function sumOfMoney(amounts: readonly string[], currency: string): string {
  const [only] = amounts;
  if (amounts.length === 1 && only !== undefined && hasDigits(only, currencyDigits(currency))) return only;
  return moneyText(amounts.reduce<Exact>((sum, amount) => sum.plus(amount), new Exact(0)), currency);
}

function hasDigits(amount: string, digits: number): boolean {
  const point = amount.indexOf('.');
  return (point < 0 ? 0 : amount.length - point - 1) === digits;
}
