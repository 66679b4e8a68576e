import type { Decimal } from './scalars.js';

/** Digits after the point that the contracts' decimals have on the wire: decimal(18,4). */
const decimalScale = 4;
const factor = 10n ** BigInt(decimalScale);

/** What is wrong with a text that should be a decimal(18,4), in words that follow the field's name; undefined if nothing is. */
export function decimalProblem(text: string): string | undefined {
  const parts = /^-?(\d+)(?:\.(\d+))?$/.exec(text);
  if (parts === null) return 'is not a decimal such as "82.50"';
  const [, whole = '', fraction = ''] = parts;
  if (fraction.replace(/0+$/, '').length > decimalScale) return `has more than ${decimalScale} digits after the point`;
  if (whole.replace(/^0+/, '').length > 18 - decimalScale) return `has more than ${18 - decimalScale} digits before the point`;
  return undefined;
}

/** The amount in ten-thousandths, e.g. 825000n for `"82.50"`; undefined where `decimalProblem` has something to say. */
export function unscaledOf(text: string): bigint | undefined {
  if (decimalProblem(text) !== undefined) return undefined;
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.slice(0, decimalScale).padEnd(decimalScale, '0'));
}

/**
 * The shortest exact text of an amount in ten-thousandths: 825000n is `"82.5"`, 820000n is `"82"`.
 * An amount beyond 18 digits keeps all of them, so that a validation can refuse it.
 */
export function decimalOf(unscaled: bigint): Decimal {
  const size = unscaled < 0n ? -unscaled : unscaled;
  const whole = `${unscaled < 0n ? '-' : ''}${size / factor}`;
  const rest = size % factor;
  return rest === 0n ? whole : `${whole}.${trimmedFraction(Number(rest))}`;
}

/** The same for a whole number of ten-thousandths that a JavaScript number holds exactly. */
export function decimalOfNumber(unscaled: number): Decimal {
  const size = Math.abs(unscaled);
  const rest = size % 10_000;
  const whole = `${unscaled < 0 ? '-' : ''}${(size - rest) / 10_000}`;
  return rest === 0 ? whole : `${whole}.${trimmedFraction(rest)}`;
}

function trimmedFraction(tenThousandths: number): string {
  if (tenThousandths % 100 === 0) {
    const hundredths = tenThousandths / 100;
    return hundredths % 10 === 0 ? `${hundredths / 10}` : `${hundredths}`.padStart(2, '0');
  }
  return `${tenThousandths}`.padStart(decimalScale, '0').replace(/0+$/, '');
}
