import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { currencyDigits, divideHalfAway, Exact, minorUnits, minorUnitsText, moneyText, roundToMinorUnit, roundToStep } from '../../workers/domain/money.js';

describe('money', () => {
  test.each([['EUR', 2], ['JPY', 0], ['KWD', 3], ['ISK', 0], ['TND', 3], ['CLF', 4], ['RSD', 2], ['IQD', 3]])('%s has %i digits after the point', (currency, digits) => {
    expect(currencyDigits(currency)).toBe(digits);
  });

  test.each([
    ['0.125', 'half-away', '0.13'], ['-0.125', 'half-away', '-0.13'], ['0.125', 'half-even', '0.12'], ['0.135', 'half-even', '0.14'],
    ['0.121', 'up', '0.13'], ['-0.121', 'up', '-0.13'], ['0.129', 'down', '0.12'], ['-0.129', 'down', '-0.12'],
  ] as const)('%s rounded %s is %s', (value, mode, expected) => {
    expect(moneyText(roundToMinorUnit(new Exact(value), 'EUR', mode), 'EUR')).toBe(expected);
  });

  test('a step that no decimal divides', () => {
    expect(roundToStep(new Exact('1'), new Exact('0.3'), 'half-away').toFixed()).toBe('0.9');
    expect(roundToStep(new Exact('1.05'), new Exact('0.3'), 'half-away').toFixed()).toBe('1.2');
  });

  test('there is no negative zero', () => {
    expect(moneyText(new Exact('-0'), 'EUR')).toBe('0.00');
  });

  test('minor units and back', () => {
    fc.assert(fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), fc.constantFrom('EUR', 'JPY', 'KWD'), (amount, currency) => {
      expect(minorUnits(new Exact(minorUnitsText(amount, currency)), currency)).toBe(amount);
    }));
  });

  test('a quotient is rounded as exact decimals round it', () => {
    fc.assert(fc.property(fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }), fc.bigInt({ min: 1n, max: 10n ** 6n }), (numerator, denominator) => {
      expect(divideHalfAway(numerator, denominator).toString()).toBe(new Exact(numerator.toString()).div(denominator.toString()).round(0, 1).toFixed().replace(/^-0$/, '0'));
    }));
  });
});
