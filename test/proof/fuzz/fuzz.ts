import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createDatabase as createEmptyDatabase, type CreatedDatabase } from '../../../services/database.js';
import { projectRoot } from '../../../services/places.js';
import type { ServiceEnvironment } from '../../../services/start.js';
import { migrationSource } from '../../../migrations/index.js';
import { migrate } from '../../../workers/store/schema.js';
import { waitForTopics } from '../../../workers/topics/admin.js';
import { createCodec } from '../../../workers/topics/codec.js';
import { createKafka } from '../../../workers/topics/connection.js';
import { bookingEventsTopic } from '../../../workers/topics/names.js';
import { type Claim, type Proof, same } from '../proof.js';
import { hostileFile, mapOf, type Traps } from './files.js';
import { runFiles, type FileResult } from './run-files.js';
import { runMessages, type MessageResult } from './run-messages.js';

const partitions = 6;

/** Shares of all inputs; commands are a few of the files once more. */
const shares = { messages: 0.65, files: 0.28 };
const commands = 24;

export const fuzz: Proof = {
  name: 'fuzz',
  meaning: 'a hundred thousand hostile messages, files, maps and tables between good messages: nothing ends, nothing is stuck, nothing leaks, all good messages are applied',
  options: {
    inputs: { value: 'N', meaning: 'how many (100000 unless told otherwise)' },
    seed: { value: 'S', meaning: 'other inputs of the same kinds (1 unless told otherwise)' },
    only: { value: 'N', meaning: 'this input of the seed alone' },
  },
  async run(servers, say, { options }) {
    const number = (name: string, otherwise: number): number => {
      const value = Number(options[name] ?? otherwise);
      if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} ${options[name]}: a whole number is wanted`);
      return value;
    };
    const only = options['only'] === undefined ? null : number('only', 0);
    const inputs = number('inputs', 100_000);
    const seed = number('seed', 1);
    const portions = portionsOf(inputs, only);
    return withTraps(async (traps, secret, asked) => {
      const databases = await Promise.all(Array.from({ length: 3 }, () => migrated(servers)));
      const [database, calmDatabase, importDatabase] = databases.map(({ url }) => url);
      try {
        say(`  seed ${seed}: ${portions.messages.count} messages, ${portions.files.count} files, ${portions.definitions.count} definitions`);
        const reading = { seed, traps, secret, databaseUrl: importDatabase ?? '', reader: new URL('./reader.js', import.meta.url), execArgv: [], patience: 60_000, say };
        const files = await runFiles({ ...reading, what: 'files', ...portions.files });
        const definitions = await runFiles({ ...reading, what: 'definitions', ...portions.definitions });
        const outputs = only === null ? await runCommands(seed, portions.files.first, traps) : [];
        const messages = portions.messages.count === 0 ? null : await messagesOf(servers, database ?? '', calmDatabase ?? '', { seed, ...portions.messages, say });
        return {
          claims: [...(messages === null ? [] : messageClaims(messages)), ...fileClaims('files', files), ...fileClaims('definitions', definitions), ...leakClaims(outputs, secret, asked())],
          details: { seed, inputs: (messages?.hostile ?? 0) + files.inputs + definitions.inputs, messages, files, definitions },
        };
      } finally {
        await Promise.all(databases.map((one) => one.drop()));
      }
    });
  },
};

interface Portion { readonly first: number; readonly count: number }

/** Numbers from 0: first the messages, then the files, then the definitions. One alone is what it is among so many. */
function portionsOf(inputs: number, only: number | null): Readonly<Record<'messages' | 'files' | 'definitions', Portion>> {
  const messages = Math.round(inputs * shares.messages);
  const files = Math.round(inputs * shares.files);
  const portion = (first: number, count: number): Portion => (only === null ? { first, count } : { first: only, count: only >= first && only < first + count ? 1 : 0 });
  return { messages: portion(0, messages), files: portion(messages, files), definitions: portion(messages + files, inputs - messages - files) };
}

async function migrated({ DATABASE_URL }: ServiceEnvironment): Promise<CreatedDatabase> {
  const database = await createEmptyDatabase(DATABASE_URL);
  await migrate(database.url, migrationSource);
  return database;
}

async function messagesOf(servers: ServiceEnvironment, databaseUrl: string, calmDatabaseUrl: string, run: Portion & { readonly seed: number; readonly say: (text: string) => void }): Promise<MessageResult> {
  const kafka = createKafka({ brokers: servers.KAFKA_BROKERS.split(','), clientId: 'midline-proof' });
  const codec = createCodec({ registryUrl: servers.SCHEMA_REGISTRY_URL });
  await codec.register();
  const calmTopic = `calm-${randomUUID()}`;
  const admin = kafka.admin();
  await admin.connect();
  const configEntries = [{ name: 'max.message.bytes', value: String(12 * 1024 * 1024) }];
  await admin.createTopics({ waitForLeaders: false, topics: [bookingEventsTopic, calmTopic].map((topic) => ({ topic, numPartitions: partitions, configEntries })) });
  await waitForTopics(admin, [bookingEventsTopic, calmTopic]);
  await admin.disconnect();
  const startWorker = (environment: Readonly<Record<string, string>>): ChildProcess =>
    spawn(process.execPath, ['--max-semi-space-size=64', mainModule, 'worker', 'ingest', '--group', 'fuzz'], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...environment } });
  return runMessages({
    ...run, codec, kafka, topic: bookingEventsTopic, calmTopic, databaseUrl, calmDatabaseUrl, startWorker, workers: 2, patience: 180_000,
    servers: { KAFKA_BROKERS: servers.KAFKA_BROKERS, SCHEMA_REGISTRY_URL: servers.SCHEMA_REGISTRY_URL },
  });
}

/** What holds of messages, also of fewer than the proof's. */
export function messageClaims({ ended, exitCodes, stuck, unaccounted, unreconciled, spoilt, marksInLogs, memory, neighbours, hostile, slowest, outcomes }: MessageResult): readonly Claim[] {
  const growth = memory.secondQuarter === 0 ? 0 : memory.lastQuarter / memory.secondQuarter - 1;
  return [
    same('messages: workers that ended', ended, []),
    same('messages: exit codes after SIGTERM', exitCodes, exitCodes.map(() => 0)),
    same('messages: stuck partitions', stuck, []),
    same('messages: offsets without exactly one outcome', unaccounted, 0),
    same('messages: reconciled', unreconciled, []),
    { claim: 'messages: good bookings with another order, ledger or link than without hostile ones', ok: spoilt.length === 0, found: `${spoilt.length} of ${Math.ceil(neighbours / 4)} ${spoilt.slice(0, 5).join(' ')}`.trim() },
    same('messages: personal texts in logs', marksInLogs, 0),
    { claim: 'messages: memory is flat (last quarter against the second, within 10 %)', ok: growth <= 0.1, found: `${memory.secondQuarter} → ${memory.lastQuarter} MB, at most ${memory.most} MB` },
    { claim: 'messages: hostile and good ones, and what became of them', ok: hostile > 0, found: `${hostile} and ${neighbours}: ${JSON.stringify(outcomes)}; longest standstill ${slowest.seconds} s ${slowest.inputs}`.trim() },
  ];
}

export function fileClaims(what: string, { inputs, faults, deaths, slowest }: FileResult): readonly Claim[] {
  return [
    same(`${what}: processes that ended or did not answer`, deaths, []),
    { claim: `${what}: errors that no reader announces, and leaks`, ok: faults.length === 0, found: faults.length === 0 ? '0' : `${faults.length}: ${faults.slice(0, 10).join('\n      ')}` },
    { claim: `${what}: read`, ok: true, found: `${inputs}; slowest ${slowest.seconds} s: ${slowest.input}` },
  ];
}

function leakClaims(outputs: readonly Output[], secret: string, asked: number): readonly Claim[] {
  return [
    same('commands: ended otherwise than with 0 or 1 and a sentence', outputs.filter(({ ok }) => !ok).map(({ said }) => said), []),
    same('commands: printed what a trap holds', outputs.filter(({ text }) => text.includes(secret)).length, 0),
    same('requests to the server that nobody may ask', asked, 0),
  ];
}

interface Output { readonly ok: boolean; readonly said: string; readonly text: string }

const mainModule = join(projectRoot(), 'dist', 'workers', 'cli', 'main.js');

/** Some of the files as a person would read them: `midline publish --dry-run`. */
async function runCommands(seed: number, first: number, traps: Traps): Promise<readonly Output[]> {
  const folder = await mkdtemp(join(tmpdir(), 'midline-fuzz-'));
  const outputs: Output[] = [];
  try {
    for (let index = 0; index < commands; index += 1) {
      const { format, bytes, kind } = hostileFile(seed, first + index, traps);
      const [file, map] = [join(folder, 'data'), join(folder, 'map.yaml')];
      await writeFile(file, bytes);
      await writeFile(map, mapOf(format));
      const run = promisify(execFile)(process.execPath, [mainModule, 'publish', '--dry-run', '--map', map, file], { timeout: 120_000, maxBuffer: 1024 * 1024 * 1024 });
      outputs.push(await run.then(
        ({ stdout, stderr }) => ({ ok: true, said: '', text: stdout + stderr }),
        (error: { readonly code?: unknown; readonly stdout?: string; readonly stderr?: string }) => ({
          ok: error.code === 1 && !/\n {4}at /.test(error.stderr ?? ''), said: `${first + index} (${kind}): ${String(error.code)} ${error.stderr?.slice(0, 300)}`, text: `${error.stdout}${error.stderr}`,
        }),
      ));
    }
    return outputs;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A file with a secret and a server that counts who asks it; both are named in hostile files. */
export async function withTraps<Result>(work: (traps: Traps, secret: string, asked: () => number) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'midline-trap-'));
  const secret = `secret-${randomUUID()}`;
  let asked = 0;
  const server = createServer((_, response) => { asked += 1; response.end(secret); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  try {
    const secretFile = join(folder, 'secret.txt');
    await writeFile(secretFile, secret);
    return await work({ secretFile, url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}` }, secret, () => asked);
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}
