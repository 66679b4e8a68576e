import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export type Metrics = ReturnType<typeof createMetrics>;

/** The metrics of one process, in a registry of their own (several workers may live in one process). None carries personal data. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    events: new Counter({ name: 'midline_events_total', help: 'Messages by topic and outcome: applied, duplicate, late, dead-lettered.', labelNames: ['topic', 'outcome'], registers }),
    batchSize: new Histogram({ name: 'midline_batch_size', help: 'Messages in a batch.', buckets: [1, 5, 10, 50, 100, 250, 500, 1000, 2500, 5000], registers }),
    batchSeconds: new Histogram({ name: 'midline_batch_seconds', help: 'From a batch in hand to its commit.', buckets: seconds, registers }),
    stepSeconds: new Histogram({ name: 'midline_step_seconds', help: 'Duration of a step.', labelNames: ['step'], buckets: seconds, registers }),
    lagMessages: new Gauge({ name: 'midline_lag_messages', help: 'Messages behind the end of the partition.', labelNames: ['topic', 'partition'], registers }),
    lagSeconds: new Gauge({ name: 'midline_lag_seconds', help: 'Age of the oldest message that is not read yet.', labelNames: ['topic'], registers }),
    outboxPending: new Gauge({ name: 'midline_outbox_pending', help: 'Rows that wait for Kafka: order events and dead letters.', registers }),
    outboxAgeSeconds: new Gauge({ name: 'midline_outbox_age_seconds', help: 'Age of the oldest of them.', registers }),
    queueDepth: new Gauge({ name: 'midline_queue_depth', help: 'Jobs in a queue by state.', labelNames: ['queue', 'state'], registers }),
    sends: new Counter({ name: 'midline_sends_total', help: 'Messages to customers by result: sent, failed, skipped, retried, late.', labelNames: ['result'], registers }),
    retries: new Counter({ name: 'midline_retries_total', help: 'Faults of the world that were retried, by what failed.', labelNames: ['fault'], registers }),
  };
}
