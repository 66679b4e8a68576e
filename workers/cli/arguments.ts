import { InvalidArgumentError } from 'commander';

/** Reads a whole number from the command line, or says that it must be one. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}
