import { expect, test } from '@jest/globals';
import { spreadOf } from '../../bench/statistics.js';

test('the median of an odd number of runs is the middle one, and the range is told too', () => {
  expect(spreadOf([30, 10, 20])).toEqual({ median: 20, low: 10, high: 30 });
});

test('the median of an even number of runs lies between the two in the middle', () => {
  expect(spreadOf([4, 1, 2, 3]).median).toBe(2.5);
});
