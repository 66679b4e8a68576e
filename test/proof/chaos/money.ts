/** Money as the contract counts it, in whole ten-thousandths: exact, and nothing of the product computes it. */
export type Money = bigint;

/** One cent. */
const cent = 100n;

/** Reads plain decimal text of at most four digits after the point. */
export function moneyOf(text: string): Money {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+?)0*)?$/.exec(text) ?? [];
  if (whole === '' || fraction.length > 4) throw new Error(`${text} is no amount of at most four digits after the point`);
  const money = BigInt(whole) * 10_000n + BigInt(fraction.padEnd(4, '0'));
  return sign === '-' ? -money : money;
}

/** The shortest text. */
export function moneyText(money: Money): string {
  const digits = String(money < 0n ? -money : money).padStart(5, '0');
  const fraction = digits.slice(-4).replace(/0+$/, '');
  return `${money < 0n ? '-' : ''}${digits.slice(0, -4)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** `money × share ÷ of` in whole cents, half a cent away from zero. */
export function shareOf(money: Money, share: bigint, of: bigint): Money {
  const product = money * share;
  const size = product < 0n ? -product : product;
  const cents = (2n * size + of * cent) / (2n * of * cent);
  return (product < 0n ? -cents : cents) * cent;
}
