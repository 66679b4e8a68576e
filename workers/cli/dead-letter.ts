import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { BookingEvent } from '../../schemas/booking-event.js';
import type { CustomerEvent } from '../../schemas/customer-event.js';
import { fromJson } from '../../schemas/json.js';
import { park, replayDeadLetters, resolve, showDeadLetter, type Mended, type ReplayOptions, type ShownDeadLetter } from '../actions/dead-letters.js';
import { rejectionCodes, type RejectionCode } from '../domain/rejection.js';
import { kafkaOptions } from '../runtime/config.js';
import type { Database } from '../store/database.js';
import { listDeadLetters, readDeadLetters, type DeadLetter, type DeadLetterState } from '../store/dead-letters.js';
import { createCodec, type Codec } from '../topics/codec.js';
import { createKafka } from '../topics/connection.js';
import { sourceTopicPrefix } from '../topics/names.js';
import { createRelayProducer } from '../topics/relay-producer.js';
import { wholeNumber } from './arguments.js';
import { actor, configOf, withDatabase } from './connect.js';
import { examples, formatTable, printResult } from './output.js';

interface JsonOption {
  readonly json?: boolean;
}

const codes = Object.keys(rejectionCodes) as readonly RejectionCode[];
const states = ['open', 'replayed', 'applied', 'resolved'] as const satisfies readonly DeadLetterState[];
const codeOption = (text: string): Option => new Option('--code <code>', text).choices(codes);

/** `midline dead-letter …`: messages that could not be applied, and what a person can do about them. */
export function registerDeadLetter(program: Command): void {
  const deadLetter = program.command('dead-letter').description('messages that could not be applied: list, read, send again, settle (the codes are in docs/dead-letters.md)');
  registerList(deadLetter);
  registerShow(deadLetter);
  registerReplay(deadLetter);
  registerResolve(deadLetter);
  registerPark(deadLetter);
}

function registerList(parent: Command): void {
  parent
    .command('list')
    .description('dead letters that wait for somebody: open ones, and replayed ones that have not come back')
    .addOption(codeOption('only those with this code'))
    .addOption(new Option('--state <state>', 'only those in this state').choices([...states, 'all']))
    .option('--limit <number>', 'at most so many', wholeNumber, 1_000)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline dead-letter list', 'midline dead-letter list --code TEXT --json', 'midline dead-letter list --state all'))
    .action(async (options: JsonOption & { readonly code?: string; readonly state?: DeadLetterState | 'all'; readonly limit: number }) => {
      const wanted = options.state === undefined ? ['open', 'replayed'] as const : options.state === 'all' ? states : [options.state];
      const letters = await withDatabase((db) => listDeadLetters(db, { states: wanted, code: options.code, limit: options.limit }));
      printResult(letters, options, listText);
    });
}

const listText = (letters: readonly DeadLetter[]): string => formatTable(
  ['ID', 'CODE', 'STATE', 'ATTEMPTS', 'TOPIC', 'PARTITION', 'OFFSET', 'REASON'],
  letters.map(({ id, code, state, attempts, topic, partition, offset, reason }) => [id, code, state, attempts, topic, partition, Number(offset), shortened(reason)]),
  'No dead letters.',
);

const shortened = (text: string): string => (text.length > 100 ? `${text.slice(0, 99)}…` : text);

function registerShow(parent: Command): void {
  parent
    .command('show')
    .description('one dead letter: why, from where, and its bytes (card numbers masked), decoded where that is possible')
    .argument('<id>', 'as dead-letter list prints it', rowId)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline dead-letter show 17', 'midline dead-letter show 17 --json | jq .event > mended.json'))
    .action(async (id: string, options: JsonOption) => {
      const shown = await withDatabase((db) => show(db, id));
      printResult(shown, options, showText);
    });
}

/** Without a registry to ask, or with one that is away, the bytes are shown all the same. */
async function show(db: Database, id: string): Promise<ShownDeadLetter> {
  const url = process.env['SCHEMA_REGISTRY_URL'];
  if (url === undefined || url === '') return showDeadLetter(db, null, id);
  try {
    return await showDeadLetter(db, createCodec({ registryUrl: url, timeout: 3_000 }), id);
  } catch (error) {
    const shown = await showDeadLetter(db, null, id);
    return { ...shown, undecodable: error instanceof Error ? error.message : String(error) };
  }
}

function showText(letter: ShownDeadLetter): string {
  const lines = [
    `Dead letter ${letter.id}: ${letter.code} (${letter.state}, attempt ${letter.attempts})`,
    `  ${letter.reason}`,
    `  from ${letter.topic}, partition ${letter.partition}, offset ${letter.offset}${letter.kafkaTimestamp === null ? '' : `, ${letter.kafkaTimestamp.toISOString()}`}`,
    `  key ${letter.key ?? '(none)'}`,
    ...Object.entries(letter.headers).flatMap(([name, values]) => values.map((value) => `  header ${name}: ${value}`)),
    ...(letter.note === null ? [] : [`  note ${letter.note}`]),
    ...(letter.relay === 'too-large' ? ['  too large for the dead-letter topic: only here'] : []),
  ];
  if (letter.bytes === null) return [...lines, '', 'The message has no value.'].join('\n');
  if (letter.topic.startsWith(sourceTopicPrefix)) return [...lines, '', letter.text ?? ''].join('\n');
  if (letter.event !== null) return [...lines, '', JSON.stringify(letter.event, null, 2)].join('\n');
  return [...lines, '', `${letter.bytes} bytes, not decoded: ${letter.undecodable ?? ''}`, '', hexDump(Buffer.from(letter.hex ?? '', 'hex').subarray(0, 2_048)), ...(letter.bytes > 2_048 ? ['… (all of it with --json)'] : [])].join('\n');
}

/** Sixteen bytes a line: place, hexadecimal, printable ASCII. */
function hexDump(bytes: Buffer): string {
  const lines = Array.from({ length: Math.ceil(bytes.length / 16) }, (_, line) => {
    const part = bytes.subarray(line * 16, line * 16 + 16);
    const hex = part.toString('hex').replace(/../g, '$& ').padEnd(48);
    return `${(line * 16).toString(16).padStart(6, '0')}  ${hex} ${part.toString('latin1').replace(/[^ -~]/g, '.')}`;
  });
  return lines.join('\n');
}

type ReplayFlags = JsonOption & { readonly code?: RejectionCode; readonly all?: boolean; readonly with?: string; readonly dryRun?: boolean; readonly rate?: number };

function registerReplay(parent: Command): void {
  parent
    .command('replay')
    .description('send dead letters to their topic again; what fails again is the same dead letter, with one attempt more')
    .argument('[id...]', 'these', (id: string, before: readonly string[] | undefined) => [...(before ?? []), rowId(id)])
    .addOption(codeOption('all open ones with this code').conflicts('all'))
    .option('--all', 'all open ones')
    .option('--with <file>', 'send this event (canonical JSON), or for a raw topic the file as it is, in place of the one dead letter')
    .option('--dry-run', 'say what would be sent')
    .option('--rate <number>', 'at most so many a second (10 or 10/s)', rate)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline dead-letter replay 17', 'midline dead-letter replay 17 --with mended.json', 'midline dead-letter replay --code SCHEMA_UNKNOWN --rate 50/s', 'midline dead-letter replay --all --dry-run'))
    .action(async (ids: readonly string[], flags: ReplayFlags, command: Command) => {
      const ways = [ids.length > 0, flags.code !== undefined, flags.all === true].filter(Boolean).length;
      if (ways !== 1) command.error('error: say which: ids, --code CODE, or --all');
      if (flags.with !== undefined && ids.length !== 1) command.error('error: --with takes exactly one id');
      const replayed = await replay(flags, ids.length > 0 ? ids : undefined);
      const what = flags.dryRun === true ? 'Would send' : 'Sent';
      printResult({ replayed, dryRun: flags.dryRun === true }, flags, () => (replayed.length === 0 ? 'There is nothing to send again.' : `${what} again: ${replayed.join(', ')}`));
    });
}

async function replay(flags: ReplayFlags, ids: readonly string[] | undefined): Promise<readonly string[]> {
  const { with: file } = flags;
  const mended = file === undefined ? undefined : await withDatabase((db) => readMended(db, ids?.[0] ?? '', file));
  const options: ReplayOptions = { ids, code: flags.code, mended, dryRun: flags.dryRun, perSecond: flags.rate };
  const producer = createRelayProducer(createKafka({ ...kafkaOptions(configOf('KAFKA_BROKERS')), clientId: 'midline-dead-letter' }));
  try {
    const codec = mended === undefined || Buffer.isBuffer(mended) ? null : await registeredCodec();
    return await withDatabase((db) => replayDeadLetters({ db, producer, codec }, options, actor(), () => new Date()));
  } finally {
    await producer.close();
  }
}

async function registeredCodec(): Promise<Codec> {
  const codec = createCodec({ registryUrl: configOf('SCHEMA_REGISTRY_URL').SCHEMA_REGISTRY_URL });
  await codec.register();
  return codec;
}

async function readMended(db: Database, id: string, file: string): Promise<Mended> {
  const [letter] = await readDeadLetters(db, [id]);
  return letter?.topic.startsWith(sourceTopicPrefix) === true ? readFile(file) : readEvent(file);
}

async function readEvent(file: string): Promise<BookingEvent | CustomerEvent> {
  const json: unknown = JSON.parse(await readFile(file, 'utf8'));
  const isCustomer = typeof json === 'object' && json !== null && 'updatedAt' in json;
  const read = isCustomer ? fromJson('CustomerEvent', json) : fromJson('BookingEvent', json);
  if ('problems' in read) throw new Error(`${file} is no ${isCustomer ? 'customer' : 'booking'} event:\n${read.problems.map(({ path, problem }) => `  ${path} ${problem}`).join('\n')}`);
  return read.value;
}

function registerResolve(parent: Command): void {
  parent
    .command('resolve')
    .description('settle a dead letter without sending it again')
    .argument('<id>', 'as dead-letter list prints it', rowId)
    .requiredOption('--note <text>', 'why; it stays with the dead letter')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline dead-letter resolve 17 --note "test booking of the supplier, not ours"'))
    .action(async (id: string, options: JsonOption & { readonly note: string }) => {
      await withDatabase((db) => resolve(db, id, options.note, actor(), new Date()));
      printResult({ id, state: 'resolved', note: options.note }, options, () => `Dead letter ${id} is resolved.`);
    });
}

function registerPark(parent: Command): void {
  parent
    .command('park')
    .description('make a message a dead letter that ingest then passes: the way past a message that stops the process')
    .argument('<topic>')
    .argument('<partition>', 'its number', wholeNumber)
    .argument('<offset>', 'of the message', offset)
    .requiredOption('--reason <text>', 'why')
    .addOption(codeOption('as what it is filed').default('PARKED'))
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline dead-letter park booking-events 3 48211 --reason "stops ingest with SQLSTATE 54000; see the log of 3 May"'))
    .action(async (topic: string, partition: number, at: string, options: JsonOption & { readonly reason: string; readonly code: RejectionCode }) => {
      const kafka = createKafka({ ...kafkaOptions(configOf('KAFKA_BROKERS')), clientId: 'midline-dead-letter' });
      const id = await withDatabase((db) => park(db, kafka, { topic, partition, offset: at, code: options.code, reason: options.reason }, actor(), new Date()));
      printResult({ id, topic, partition, offset: at }, options, () => `Offset ${at} of partition ${partition} of ${topic} is dead letter ${id}.`);
    });
}

function rowId(text: string): string {
  if (!/^[1-9]\d{0,17}$/.test(text)) throw new InvalidArgumentError('It must be the number of a dead letter.');
  return text;
}

function offset(text: string): string {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be an offset: a whole number.');
  return text;
}

function rate(text: string): number {
  const [, number] = /^(\d+(?:\.\d+)?)(?:\/s)?$/.exec(text) ?? [];
  if (number === undefined || Number(number) <= 0) throw new InvalidArgumentError('It must be a number above 0, for example 10/s.');
  return Number(number);
}
