import { InvalidArgumentError } from 'commander';
import { daysOf } from '../../schemas/dates.js';
import { isKnownCountry } from '../domain/countries.js';

/** Reads a whole number from the command line, or says that it must be one. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** Reads a day. */
export function dayOf(text: string): string {
  if (daysOf(text) === undefined) throw new InvalidArgumentError('It must be a day such as 2027-01-31.');
  return text;
}

/** Reads a country. */
export function countryOf(text: string): string {
  if (!isKnownCountry(text)) throw new InvalidArgumentError('It must be a country of ISO 3166, such as DE or DEU.');
  return text.toUpperCase();
}

/** Reads the id of a system: its customers are known by it, so it must be one. */
export function sourceOf(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It must name a system, such as crm.');
  return text.trim();
}
