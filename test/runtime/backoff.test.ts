import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pauseBefore, retryForever } from '../../workers/runtime/backoff.js';

test('the pause doubles up to its limit, and chance takes at most half of it away', () => {
  expect([1, 2, 3, 4].map((attempt) => pauseBefore(attempt, 1))).toEqual([100, 200, 400, 800]);
  fc.assert(fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
    const wait = pauseBefore(attempt, random);
    return wait >= 50 && wait <= 5_000;
  }));
});

test('work is repeated until it succeeds, and every fault is reported', async () => {
  const reported: unknown[] = [];
  let calls = 0;
  const result = await retryForever(async () => {
    calls += 1;
    if (calls < 3) throw new Error(`fault ${calls}`);
    return 'done';
  }, { signal: new AbortController().signal, first: 1, onFault: (error, attempt) => reported.push([String(error), attempt]) });
  expect(result).toBe('done');
  expect(reported).toEqual([['Error: fault 1', 1], ['Error: fault 2', 2]]);
});

test('a fault that is not worth retrying is thrown at once', async () => {
  await expect(retryForever(async () => { throw new Error('no'); }, { signal: new AbortController().signal, worthRetrying: () => false })).rejects.toThrow('no');
});

test('an abort ends the longest pause at once', async () => {
  const stop = new AbortController();
  const waiting = retryForever(async () => { throw new Error('away'); }, { signal: stop.signal, first: 600_000, longest: 600_000, onFault: () => { stop.abort(); } });
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
});
