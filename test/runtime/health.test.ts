import { expect, test } from '@jest/globals';
import { startHealth } from '../../workers/runtime/health.js';
import { createLog } from '../../workers/runtime/log.js';
import { createMetrics } from '../../workers/runtime/metrics.js';
import { observe } from '../../workers/runtime/observe.js';

test('health says what is not ready without a word about data, and serves the metrics', async () => {
  const metrics = createMetrics();
  let live = true;
  let down = true;
  const health = await startHealth({
    port: 0, metrics, live: () => live,
    checks: { postgres: async () => { if (down) throw Object.assign(new Error('secret'), { code: 'ECONNREFUSED' }); }, redis: async () => 'PONG' },
  });
  try {
    const step = observe('save', async (by: number) => by + 1, { metrics, log: createLog('silent') });
    expect(await step(1)).toBe(2);

    const notReady = await fetch(`${health.url}/readyz`);
    expect(notReady.status).toBe(503);
    expect(await notReady.json()).toEqual({ ready: false, checks: { postgres: 'ECONNREFUSED', redis: 'ok' } });
    down = false;
    expect((await fetch(`${health.url}/readyz`)).status).toBe(200);

    expect((await fetch(`${health.url}/livez`)).status).toBe(200);
    live = false;
    expect((await fetch(`${health.url}/livez`)).status).toBe(503);

    expect(await (await fetch(`${health.url}/metrics`)).text()).toContain('midline_step_seconds_count{step="save"} 1');
  } finally {
    await health.close();
  }
});
