import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { startMailCatcher, type MailCatcher } from '../../services/mail-catcher.js';
import { startServices } from '../../services/start.js';
import { explainFees } from '../actions/explain-fees.js';
import { readStatus, type Status } from '../actions/status.js';
import { formatExplanation } from '../domain/fees/explain.js';
import { kafkaOptions } from '../runtime/config.js';
import type { Worker } from '../runtime/lifecycle.js';
import { createLog } from '../runtime/log.js';
import type { Database } from '../store/database.js';
import { storyOrder } from '../store/orders.js';
import { createKafka } from '../topics/connection.js';
import { consumerLag } from '../topics/lag.js';
import { bookingEventsTopic } from '../topics/names.js';
import { createEventProducer } from '../topics/producer.js';
import { configOf, withDatabase } from './connect.js';
import { wireOf } from './orders.js';
import { examples } from './output.js';
import { statusText } from './status.js';
import { withAdmin } from './topics.js';

interface DemoOptions {
  readonly bookings: string;
  readonly seed: string;
  readonly json?: boolean;
}

const group = 'midline';
const lookEvery = 300;
const tellEvery = 2_000;
const patience = 180_000;

/** `midline demo`: the whole journey on real servers of its own, as the commands that a person would type. */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('see the whole journey: starts real servers, generates a travel company, publishes its bookings, charges, stores and answers them, and stops everything')
    .option('--bookings <number>', 'how many bookings', '1000')
    .option('--seed <number>', 'the same seed makes the same company', '7')
    .option('--json', 'print the summary as one JSON document; progress goes to standard error')
    .addHelpText('after', examples('midline demo', 'midline demo --bookings 5000 --seed 2'))
    .action(demo);
}

async function demo({ bookings, seed, json = false }: DemoOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'midline-demo-'));
  const say = (text: string): void => { process.stderr.write(`${text}\n`); };
  for (const name of ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL', 'REDIS_URL', 'SMTP_URL']) delete process.env[name];
  const services = await startServices({ onProgress: say });
  const mails = await startMailCatcher();
  Object.assign(process.env, services.environment, { SMTP_URL: mails.url, LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'error' });
  try {
    await prepare(folder, seed, bookings, say);
    await produceForeignRubbish();
    const workers = await startWorkers();
    try {
      const status = await waitUntilDone(say);
      await tell(status, mails, json);
    } finally {
      await Promise.all(workers.map((worker) => worker.stop()));
    }
  } finally {
    await mails.close();
    await services.stop();
    await rm(folder, { recursive: true, force: true });
  }
  process.exit(process.exitCode ?? 0);
}

/** Everything before the workers start, as commands: what is printed here can be typed. */
async function prepare(folder: string, seed: string, bookings: string, say: (text: string) => void): Promise<void> {
  const { createProgram } = await import('./program.js');
  const past = ['--backdate', '--reason', 'demonstration'];
  const commands = [
    ['migrate'],
    ['topics', 'create'],
    ['generate', '--seed', seed, '--bookings', bookings, '--out', folder],
    ['org-units', 'import', join(folder, 'org-units.yaml')],
    ['customers', 'import', join(folder, 'customers.csv')],
    ['fees', 'apply', join(folder, 'fees-standard.yaml'), join(folder, 'fees-corporate.yaml')],
    ['fees', 'approve', 'standard', ...past],
    ['fees', 'approve', 'corporate', ...past],
    ['fees', 'assign', '--file', join(folder, 'assignments.csv'), '--reason', 'demonstration'],
    ['publish', join(folder, 'events.ndjson')],
  ];
  for (const words of commands) {
    say(`\n$ midline ${words.map((word) => word.replace(folder, 'DATA')).join(' ')}`);
    await toStandardError(() => createProgram().parseAsync(words, { from: 'user' }));
    if (process.exitCode !== undefined) throw new Error(`midline ${words.join(' ')} failed`);
  }
}

/** Standard output is for the summary alone. */
async function toStandardError(work: () => Promise<unknown>): Promise<void> {
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  try {
    await work();
  } finally {
    process.stdout.write = write;
  }
}

/** What other teams' systems send by mistake: it has to end as dead letters and stop nobody. */
async function produceForeignRubbish(): Promise<void> {
  const producer = createEventProducer(createKafka({ ...kafkaOptions(configOf('KAFKA_BROKERS')), clientId: 'midline-demo' }));
  await producer.connect();
  await producer.sendBatch(bookingEventsTopic, [
    { key: 'gds:NULL', value: null },
    { key: 'gds:JSON', value: Buffer.from('{"this":"is no Avro"}') },
    { key: 'gds:SCHEMA', value: Buffer.from([0, 0, 0, 99, 99, 1, 2, 3]) },
  ]);
  await producer.disconnect();
}

async function startWorkers(): Promise<readonly Worker[]> {
  const config = configOf('KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL', 'REDIS_URL', 'SMTP_URL');
  const log = createLog(config.LOG_LEVEL);
  const [{ startIngest }, { startRelay }, { startOutreach }] = await Promise.all([import('../ingest/main.js'), import('../relay/main.js'), import('../outreach/main.js')]);
  const workers = await Promise.all([startIngest(config, { log, group }), startRelay(config, { log }), startOutreach(config, { log })]);
  for (const worker of workers) worker.done.catch((error: unknown) => { log.fatal({ error }, 'a worker stopped'); process.exit(1); });
  return workers;
}

async function waitUntilDone(say: (text: string) => void): Promise<Status> {
  say('\n$ midline worker ingest & midline worker relay & midline worker outreach &');
  const until = Date.now() + patience;
  for (let told = 0; ;) {
    const status = await withDatabase(look);
    const { events, messages, outbox, lag } = status;
    if (Date.now() - told >= tellEvery) {
      say(`  ${events.read} events read, ${status.orders.total} orders, ${messages.sent} mails sent`);
      told = Date.now();
    }
    const waiting = messages.due + messages.queued + messages.claimed + outbox.pending + (lag?.messages ?? 1);
    if (waiting === 0 && events.read > 0) return status;
    if (Date.now() > until) throw new Error(`not done after ${patience / 1_000} s: ${JSON.stringify({ lag, messages, outbox })}`);
    await sleep(lookEvery);
  }
}

const look = (database: Database): Promise<Status> => readStatus(database, group, bookingEventsTopic, (positions) => withAdmin((admin) => consumerLag(admin, group, bookingEventsTopic, positions, Date.now())));

async function tell(status: Status, mails: MailCatcher, json: boolean): Promise<void> {
  const { order, explanation } = await withDatabase(async (database) => {
    const ref = await storyOrder(database);
    return { order: ref, explanation: ref === null ? null : await explainFees(database, wireOf(), ref) };
  });
  const caught = mails.mails();
  const mail = caught.find((one) => order !== null && one.text.includes(order.slice(order.indexOf(':') + 1))) ?? caught[0];
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...status, order, explanation, mails: caught.length, mail: mail === undefined ? null : { to: mail.to, subject: mail.subject, text: mail.text } }, null, 2)}\n`);
    return;
  }
  process.stdout.write([
    '', 'What became of it', '', statusText(status), '',
    ...(explanation === null ? [] : [`Why ${order} costs what it costs`, '', formatExplanation(explanation), '']),
    ...(mail === undefined ? [] : [`One of ${caught.length} mails`, '', `To: ${mail.to.join(', ')}`, `Subject: ${mail.subject}`, '', mail.text.trim(), '']),
  ].join('\n'));
}
