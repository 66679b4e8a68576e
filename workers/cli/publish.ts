import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import type { BookingEvent } from '../../schemas/booking-event.js';
import { toJson } from '../../schemas/json.js';
import { compareSource } from '../actions/apply-source.js';
import { createShownSink, createTopicSink, publish, type EventSink, type PublishedFile, type PublishProblem, type PublishSummary } from '../actions/publish.js';
import { kafkaOptions, readSecret } from '../runtime/config.js';
import { createFetcher } from '../sources/fetcher.js';
import { createMapper, createThreadMapper } from '../sources/mapper.js';
import { loadSourceMap, type SourceMap } from '../sources/source-map.js';
import type { UnreadField } from '../sources/unread-fields.js';
import { topicNames } from '../topics/admin.js';
import { createCodec, messageLimit } from '../topics/codec.js';
import { createKafka } from '../topics/connection.js';
import { sourceTopic } from '../topics/names.js';
import { createEventProducer } from '../topics/producer.js';
import { configOf, withDatabase } from './connect.js';
import { examples, noteEmpty, printResult } from './output.js';
import { counting } from './progress.js';
import { withAdmin } from './topics.js';

interface PublishOptions {
  readonly map?: string;
  readonly dryRun?: boolean;
  readonly raw?: boolean;
  readonly json?: boolean;
}

export function registerPublish(program: Command): void {
  program
    .command('publish')
    .description('publish bookings from files to Kafka as booking events')
    .argument('<file...>', 'plain, .gz or .zip; - reads standard input')
    .option('--map <map>', 'a shipped map by name (midline sources maps) or the path of a map; without it the files are canonical events, one a line')
    .option('--dry-run', 'print the events (one JSON a line) instead of publishing them, and the source fields that reach none on standard error')
    .option('--raw', 'send each file as it is, as one message, to the raw topic of the map\'s source, where ingest maps it')
    .option('--json', 'print the summary as one JSON document (on standard error with --dry-run)')
    .addHelpText('after', `
A bad record is reported by file, line and field; nothing of it is published, and the rest goes on.
Publishing again is safe: events keep their ids. Exit code 0: all records are good, 1: some were bad or it failed.
${examples(
    'midline publish --map hotel-pms hotel_bookings.csv.zip',
    'midline publish --map ./our-crs.yaml --dry-run export.xml | head -1',
    'midline publish --map ./our-crs.yaml --raw webhook.json',
    'midline publish events.ndjson',
    'zcat events.ndjson.gz | midline publish --json -',
  )}`)
    .action(async (names: readonly string[], options: PublishOptions, command: Command) => {
      if (options.raw === true && (options.map === undefined || options.dryRun === true)) command.error('error: --raw needs --map, which names the source, and has no dry run');
      const map = options.map === undefined ? null : await loadSourceMap(options.map);
      if (map !== null && options.raw === true) return sendRaw(map, names, options);
      const files = await Promise.all(names.map(openFile));
      const problems: PublishProblem[] = [];
      const summary = await withSink(options, (sink) => run(map, files, sink, options, problems));
      if (options.json === true) printJson(summary, problems, options);
      else printText(summary, options);
      noteEmpty(files.map(({ name }) => name), summary.records + summary.bad);
      if (map !== null && options.dryRun !== true) await tellAboutSource(map);
      if (summary.bad > 0) process.exitCode = 1;
    });
}

async function sendRaw({ source }: SourceMap, names: readonly string[], options: PublishOptions): Promise<void> {
  const topic = sourceTopic(source);
  const values = await Promise.all(names.map((name) => readFile(name === '-' ? '/dev/stdin' : name)));
  const large = names.find((_, n) => (values[n]?.length ?? 0) > messageLimit);
  if (large !== undefined) throw new Error(`${large} has more than the ${messageLimit} bytes of a message; publish it without --raw`);
  if (!(await withAdmin(topicNames)).includes(topic)) throw new Error(`there is no topic ${topic}; make it with: midline topics create --source ${source}`);
  const producer = createEventProducer(createKafka({ ...kafkaOptions(configOf('KAFKA_BROKERS')), clientId: 'midline-publish' }));
  await producer.connect();
  try {
    await producer.sendBatch(topic, values.map((value) => ({ key: source, value })));
  } finally {
    await producer.disconnect();
  }
  printResult({ topic, messages: values.length }, options, () => `${values.length} ${values.length === 1 ? 'message' : 'messages'} sent to ${topic}`);
}

type SizedFile = PublishedFile & { readonly size: number | null };

async function openFile(name: string): Promise<SizedFile> {
  if (name === '-') return { name: 'standard input', open: () => process.stdin, received: new Date().toISOString(), size: null };
  const { size, mtime } = await stat(name);
  return { name, open: () => createReadStream(name, { highWaterMark: 256 * 1024 }), received: mtime.toISOString(), size };
}

/** Threads need some tenths of a second to start: not for a handful of records. */
const worthThreads = 256 * 1024;

async function run(map: SourceMap | null, files: readonly SizedFile[], sink: EventSink, options: PublishOptions, problems: PublishProblem[]): Promise<PublishSummary> {
  const isLarge = files.some(({ size }) => size === null || size > worthThreads);
  const mapper = isLarge ? createThreadMapper(map, Math.min(availableParallelism(), 4)) : createMapper(map);
  const fetcher = map?.fetch === undefined ? null : createFetcher(map.fetch, { secret: (name) => readSecret(process.env, name), signal: new AbortController().signal });
  const onProblem = (problem: PublishProblem): void => {
    if (options.json !== true) process.stderr.write(`${sentenceOf(problem)}\n`);
    else if (problems.length < mostListed) problems.push(problem);
  };
  try {
    if (options.dryRun === true) return await publish({ files, map, mapper, fetcher, sink, onProblem });
    return await counting('events published', (onProgress) => publish({ files, map, mapper, fetcher, sink, onProblem, onProgress }));
  } finally {
    await mapper.close();
  }
}

/** With --json, so many problems are listed; `bad` counts all. */
const mostListed = 10_000;

async function withSink<Result>({ dryRun }: PublishOptions, work: (sink: EventSink) => Promise<Result>): Promise<Result> {
  if (dryRun === true) return work(createShownSink(printEvent));
  const config = configOf('KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL');
  const codec = createCodec({ registryUrl: config.SCHEMA_REGISTRY_URL });
  const producer = createEventProducer(createKafka({ ...kafkaOptions(config), clientId: 'midline-publish' }));
  await codec.register();
  await producer.connect();
  try {
    return await work(createTopicSink(codec, producer));
  } finally {
    await producer.disconnect();
  }
}

async function printEvent(event: BookingEvent): Promise<void> {
  if (!process.stdout.write(`${JSON.stringify(toJson('BookingEvent', event))}\n`)) await new Promise((resolve) => process.stdout.once('drain', resolve));
}

const sentenceOf = ({ file, line, field, problem }: PublishProblem): string => `${file}${line === null ? '' : `:${line}`}: ${field === null ? '' : `${field} `}${problem}`;

function printJson(summary: PublishSummary, problems: readonly PublishProblem[], { dryRun }: PublishOptions): void {
  const stream = dryRun === true ? process.stderr : process.stdout;
  stream.write(`${JSON.stringify({ ...summary, problems }, null, 2)}\n`);
}

function printText({ records, withoutEvent, events, published, bad, unreadFields }: PublishSummary, { dryRun }: PublishOptions): void {
  const shown = unreadFields.filter(({ ignored }) => dryRun === true || !ignored);
  const lines = [
    ...(shown.length === 0 ? [] : ['Source fields that reach no event:', ...shown.map((field) => `  ${unreadSentence(field)}`)]),
    `${records} records, ${events} events, ${published} ${dryRun === true ? 'shown' : 'published'}, ${bad} bad${withoutEvent > 0 ? `, ${withoutEvent} records without an event` : ''}`,
  ];
  (dryRun === true ? process.stderr : process.stdout).write(`${lines.join('\n')}\n`);
}

function unreadSentence({ field, beside, values, line, ignored }: UnreadField): string {
  const place = beside === null ? '' : ` where ${beside.length === 0 ? 'it stands alone' : `only ${beside.join(', ')} ${beside.length === 1 ? 'is' : 'are'} beside it`}`;
  return `${field}${place} (${values} ${values === 1 ? 'value' : 'values'} tried, for example line ${line})${ignored ? ', ignored by the map' : ''}`;
}

/** Publishing applies nothing; but a source whose facts are not what its map says would be rated by other rules than its author thinks. */
async function tellAboutSource(map: SourceMap): Promise<void> {
  if (process.env['DATABASE_URL'] === undefined && process.env['DATABASE_URL_FILE'] === undefined) return;
  const difference = await withDatabase((database) => compareSource(database, map)).catch(() => undefined);
  if (difference === undefined || difference.length === 0) return;
  const what = difference === 'unknown' ? `The source ${map.source} was never applied: its defaults hold` : `The map says otherwise than the applied source ${map.source}: ${difference.map(({ field, from, to }) => `${field} ${to ?? 'none'} instead of ${from ?? 'none'}`).join(', ')}`;
  process.stderr.write(`${what}. To apply it: midline sources apply ${map.origin}\n`);
}
