import { expect, test } from '@jest/globals';
import { evaluate, wilson } from '../../bench/matching/evaluate.js';

test('pairs are counted, not records: what is left to a person and what was never compared is missed', () => {
  const truth = new Map([['a', '1'], ['b', '1'], ['c', '1'], ['d', '2'], ['e', '2'], ['f', '3']]);
  const said = (record: string, decision: string, customer: string | null) => ({ record, decision, customer });
  const result = evaluate([said('a', 'new', 'A'), said('b', 'link', 'A'), said('c', 'review', null), said('d', 'new', 'D'), said('e', 'new', 'E'), said('f', 'link', 'A')], truth);
  expect(result).toMatchObject({ records: 6, decisions: { new: 3, link: 2, review: 1 }, truePairs: 4, found: 1, wrong: 2, missed: 3 });
  expect([result.precision.share, result.recall.share]).toEqual([1 / 3, 1 / 4]);
  expect(result.f1).toBeCloseTo(2 / 7);
  expect(() => evaluate([said('x', 'new', 'X')], truth)).toThrow('does not know the record x');
});

// Wilson 1927; the values are those of the usual calculators.
test('a share has the interval of Wilson', () => {
  const { low, high } = wilson(9, 10);
  expect([low.toFixed(4), high.toFixed(4)]).toEqual(['0.5958', '0.9821']);
  expect(wilson(0, 0)).toEqual({ share: 1, low: 0, high: 1 });
});
