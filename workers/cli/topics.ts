import type { Admin } from 'kafkajs';
import type { Command } from 'commander';
import { adopt } from '../actions/offsets.js';
import { kafkaOptions } from '../runtime/config.js';
import { createTopics, listTopics, type CreatedTopics, type TopicDescription } from '../topics/admin.js';
import { createKafka } from '../topics/connection.js';
import { wholeNumber } from './arguments.js';
import { actor, configOf, withDatabase } from './connect.js';
import { examples, formatTable, printResult } from './output.js';

interface JsonOption {
  readonly json?: boolean;
}

/** `midline topics …` */
export function registerTopics(program: Command): void {
  const topics = program.command('topics').description("create and look at midline's Kafka topics");
  topics
    .command('create')
    .description('create the topics that are missing; those that exist are left as they are')
    .option('--partitions <number>', 'of each topic: the most ingest lanes that can work at once', wholeNumber, 6)
    .option('--source <id...>', 'also source.<id>, to which a source sends its records raw')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline topics create', 'midline topics create --partitions 12', 'midline topics create --source our-crs'))
    .action(async ({ partitions, source: sources = [], ...options }: JsonOption & { readonly partitions: number; readonly source?: readonly string[] }) => {
      printResult(await withAdmin((admin) => createTopics(admin, { partitions, sources })), options, createdText);
    });
  topics
    .command('list')
    .description("midline's topics with their partitions, offsets and settings")
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline topics list'))
    .action(async (options: JsonOption) => { printResult({ topics: await withAdmin(listTopics) }, options, listText); });
  topics
    .command('adopt')
    .description('accept that a topic was re-created: every group reads it from its beginning, dead letters keep the old epoch')
    .argument('<topic>', 'its name')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline topics adopt booking-events'))
    .action(async (topic: string, options: JsonOption) => {
      const epoch = await withDatabase((database) => adopt(database, topic, actor(), new Date()));
      printResult({ topic, epoch }, options, () => `${topic} is adopted; epoch ${epoch} begins.`);
    });
}

/** Runs work with a connected admin client that is disconnected afterwards. */
export async function withAdmin<Result>(work: (admin: Admin) => Promise<Result>): Promise<Result> {
  const admin = createKafka({ ...kafkaOptions(configOf('KAFKA_BROKERS')), clientId: 'midline-cli' }).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

function createdText({ created, existing, differing }: CreatedTopics): string {
  return [
    created.length > 0 ? `Created ${created.join(', ')}.` : 'All topics exist.',
    ...(existing.length > 0 && created.length > 0 ? [`There already: ${existing.join(', ')}.`] : []),
    ...differing.map(({ topic, config, expected, actual }) => `Note: ${topic} has ${config} = ${actual}, midline expects ${expected}.`),
  ].join('\n');
}

function listText({ topics }: { readonly topics: readonly TopicDescription[] }): string {
  const rows = topics.map(({ topic, partitions, configs }) => [
    topic, partitions.length, partitions.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0),
    configs['cleanup.policy'] ?? '', configs['message.timestamp.type'] ?? '',
  ]);
  return formatTable(['topic', 'partitions', 'messages', 'cleanup', 'timestamps'], rows, 'No topics yet; create them with: midline topics create');
}
