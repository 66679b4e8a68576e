import { expect, test } from '@jest/globals';
import { benchFees } from '../../bench/fees/run.js';

// Seen to fail when the rules are handed to the other engines in the order of the file.
test('three engines name the same winner at every fee point, and each is measured', async () => {
  const { engines, points, winners } = await benchFees({ rules: 200, points: 60, rounds: 1, seed: 3 }, () => undefined);
  expect(points).toBeGreaterThanOrEqual(60);
  expect(winners).toBeGreaterThan(8);
  expect(engines.map(({ engine, pointsPerSecond: { low } }) => [engine, low > 0])).toEqual([['midline', true], ['json-rules-engine', true], ['@gorules/zen-engine', true]]);
}, 120_000);
