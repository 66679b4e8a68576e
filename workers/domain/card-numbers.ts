/** 13 to 19 digits, possibly in groups: the form of a payment card's number. */
const candidate = /(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)/g;

/** Hides payment card numbers (recognised by their check digit) but for the last four digits. Length and groups stay. */
export function maskCardNumbers(text: string): string {
  return text.replace(candidate, (number) => (hasCardCheckDigit(number) ? maskAllButLast(number, 4) : number));
}

/** The same in bytes of any kind; everything else stays as it is. */
export const maskCardNumbersIn = (bytes: Buffer): Buffer => Buffer.from(maskCardNumbers(bytes.toString('latin1')), 'latin1');

/** ISO/IEC 7812-1, annex B (Luhn). */
function hasCardCheckDigit(number: string): boolean {
  const digits = number.replace(/\D/g, '').split('').reverse().map(Number);
  const sum = digits.reduce((total, digit, place) => total + (place % 2 === 0 ? digit : digit * 2 - (digit > 4 ? 9 : 0)), 0);
  return sum % 10 === 0;
}

function maskAllButLast(number: string, shown: number): string {
  let left = number.replace(/\D/g, '').length - shown;
  return number.replace(/\d/g, (digit) => (left-- > 0 ? '*' : digit));
}
