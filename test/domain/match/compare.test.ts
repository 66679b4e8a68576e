import { describe, expect, test } from '@jest/globals';
import type { Address } from '../../../schemas/booking-event.js';
import { compareAddresses, comparableAddresses } from '../../../workers/domain/match/addresses.js';
import { cologneCode } from '../../../workers/domain/match/phonetic.js';
import { slips } from '../../../workers/domain/match/slips.js';

const home: Address = { street: 'Hauptstraße', houseNumber: '5', postalCode: '10115', city: 'Berlin', country: 'DE' };

describe('addresses', () => {
  test.each<[string, Address, string]>([
    ['the same', home, 'house'],
    ['another spelling of street and town', { street: 'Hauptstr.', houseNumber: '5', postalCode: '10115', city: 'BERLIN' }, 'house'],
    ['the number in the line of the street', { street: 'Hauptstr. 5', postalCode: '10115', city: 'Berlin' }, 'house'],
    ['a slip in the street', { ...home, street: 'Haputstraße' }, 'house'],
    ['without a town', { street: 'Hauptstr. 5' }, 'house'],
    ['another postal code of the town', { ...home, postalCode: '10117' }, 'house'],
    ['another number', { ...home, houseNumber: '17' }, 'street'],
    ['another street', { ...home, street: 'Lindenallee', houseNumber: '17' }, 'area'],
    ['the town alone', { city: 'Berlin' }, 'town'],
    ['the same street of another town', { ...home, postalCode: '20095', city: 'Hamburg' }, 'street'],
    ['another address', { street: 'Jungfernstieg', houseNumber: '1', postalCode: '20095', city: 'Hamburg' }, 'different'],
    ['a country', { country: 'DE' }, 'unknown'],
    ['fillers', { street: 'none', city: 'xxx' }, 'unknown'],
  ])('%s', (_, other, level) => {
    expect(compareAddresses(comparableAddresses([home]), comparableAddresses([other]))).toBe(level);
    expect(compareAddresses(comparableAddresses([other]), comparableAddresses([home]))).toBe(level);
  });

  test('of several the best pair counts', () => {
    const other: Address = { street: 'Jungfernstieg', houseNumber: '1', postalCode: '20095', city: 'Hamburg' };
    expect(compareAddresses(comparableAddresses([other, home]), comparableAddresses([{ city: 'Rom' }, home]))).toBe('house');
  });
});

// The examples of Postel's article and of its usual explanations.
test.each([
  ['meyer', '67'], ['maier', '67'], ['mayr', '67'], ['schmidt', '862'], ['schmitt', '862'], ['mullerludenscheidt', '65752682'], ['wikipedia', '3412'], ['breschnew', '17863'],
  ['philip', '351'], ['xaver', '4837'], ['caesar', '487'], ['charlotte', '4752'], ['', ''],
])('%s sounds as %s', (word, code) => {
  expect(cologneCode(word)).toBe(code);
});

test.each([['anna', 'anna', 0], ['anna', 'ana', 1], ['anna', 'nana', 1], ['anna', 'hannah', 2]])('%s and %s are %i slips apart', (one, other, count) => {
  expect(slips(one, other, 2)).toBe(count);
  expect(slips(one, 'peter', 2)).toBeGreaterThan(2);
});
