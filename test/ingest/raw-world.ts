import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { applySource, type AppliedSource } from '../../workers/actions/apply-source.js';
import { parseSourceMap, type SourceMap } from '../../workers/sources/source-map.js';
import { reconcileDatabase } from '../../workers/store/reconcile.js';
import { sourceTopic } from '../../workers/topics/names.js';
import type { IngestWorld } from './world.js';

function mapOf(text: string): SourceMap {
  const parsed = parseSourceMap(text, 'test.yaml');
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.map;
}

/** One event of one record, by what the record says. */
export const oneEvent = '{ "eventId": ref & "-" & $hash(), "bookingRef": ref, "type": type ? type : "booked", "occurredAt": at ? at : $received(), "agent": agent, "booking": { "items": [{ "id": "1", "product": "hotel", "price": { "currency": "EUR", "total": $decimal(price) } }] } }';

export const record = (ref: string, fields: object = {}): string => JSON.stringify({ ref, price: '100.00', ...fields });

/** What tests of raw topics do with a world. */
export function rawWorld(world: IngestWorld) {
  const apply = (source: string, head = 'format: json', events = oneEvent): Promise<AppliedSource> =>
    applySource(world.db, mapOf(`source: ${source}\nname: A system\n${head}\nevents: |\n  ${events}\n`), 'anna', new Date());
  const createTopic = (source: string, partitions = 1): Promise<void> => world.createTopic(sourceTopic(source), partitions, { 'message.timestamp.type': 'LogAppendTime' });
  // Test files share Kafka: in one group their members would be given each other's topics.
  const group = `midline-${randomUUID()}`;
  return {
    apply, createTopic, group,
    start: (topic: string) => world.start({ topic, group }),
    drain: (topic: string, again = '') => world.drain(topic, { group: `${group}${again}` }),
    /** A source of its own, applied, with its topic. */
    async newSource(head?: string, events?: string, partitions?: number): Promise<string> {
      const source = `crs-${randomUUID()}`;
      await apply(source, head, events);
      await createTopic(source, partitions);
      return source;
    },
    send: (source: string, values: readonly (string | Buffer | null)[], partition = 0): Promise<void> =>
      world.send(sourceTopic(source), values.map((value) => ({ key: null, value: typeof value === 'string' ? Buffer.from(value) : value, partition }))),
    fence: (source: string, again = '') => world.fence(sourceTopic(source), `${group}${again}.${sourceTopic(source)}`),
    orders: (source: string) => world.db.query<{ ref: string; status: string; total: string }>(
      `select booking_ref as ref, status, trim_scale(total)::text as total from orders where source = $1 order by booking_ref`, [source],
    ),
    /** Messages that died in the source's raw topic. */
    letters: (source: string) => world.db.query<{ id: string; offset: string; code: string; reason: string; state: string; attempts: number; value: Buffer | null }>(
      'select id, "offset", code, reason, state, attempts, value from dead_letter where topic = $1 order by "offset"', [sourceTopic(source)],
    ),
    async expectReconciled(): Promise<void> {
      expect((await reconcileDatabase(world.db)).filter((check) => !check.ok)).toEqual([]);
    },
  };
}
