// Ingest as a process of its own, as the CLI runs it, on the topic and for the group that the environment names.
import { startIngest } from '../../workers/ingest/main.js';
import { readConfig } from '../../workers/runtime/config.js';
import { runUntilStopped } from '../../workers/runtime/lifecycle.js';
import { createLog } from '../../workers/runtime/log.js';

const { TEST_TOPIC: topic = '', TEST_GROUP: group = '', TEST_CUSTOMERS: customersTopic = `no-customers-${topic}` } = process.env;
const config = readConfig(process.env, ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL']);
const mappingThread = new URL('../../dist/workers/sources/mapping-thread.js', import.meta.url);
const log = createLog(config.LOG_LEVEL);
await runUntilStopped(() => startIngest(config, { log, group, topic, customersTopic, mappingThread }), log);
