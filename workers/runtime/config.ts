import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Where the servers are: a command names those it needs, and only those must be set. Any of them may hold a password, so each has a `*_FILE` variant. */
const addresses = {
  KAFKA_BROKERS: z.string()
    .transform((text) => text.split(',').map((broker) => broker.trim()).filter((broker) => broker !== ''))
    .refine((brokers) => brokers.length > 0 && brokers.every((broker) => /^[^\s/]+:\d{1,5}$/.test(broker)), 'is no list of host:port; write for example kafka-1:9092,kafka-2:9092'),
  SCHEMA_REGISTRY_URL: url('http', 'https'),
  DATABASE_URL: url('postgres', 'postgresql'),
  REDIS_URL: url('redis', 'rediss'),
  SMTP_URL: url('smtp', 'smtps'),
};

/** Everything else: may be left out. */
const settings = {
  KAFKA_SSL: flag().default(false),
  KAFKA_SASL_MECHANISM: z.enum(['plain', 'scram-sha-256', 'scram-sha-512'], 'must be plain, scram-sha-256 or scram-sha-512').optional(),
  KAFKA_SASL_USERNAME: z.string().optional(),
  KAFKA_SASL_PASSWORD: z.string().optional(),
  KAFKA_SESSION_TIMEOUT_MS: whole(6_000, 300_000).default(10_000),
  SMTP_FROM: z.string().refine((text) => /^[^\r\n]*[^\s@]+@[^\s@]+$/.test(text), 'is no sender; write for example "Travel Desk <desk@example.com>"').default('midline <no-reply@localhost.localdomain>'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'must be trace, debug, info, warn, error, fatal or silent').default('info'),
  HEALTH_HOST: z.string().default('127.0.0.1'),
  HEALTH_PORT: whole(0, 65_535).default(0),
  MIDLINE_ENCRYPTION_KEY: z.string()
    .transform((text) => text.split(',').map((key) => Buffer.from(key.trim(), 'base64')))
    .refine((keys) => keys.every((key) => key.length === 32), 'must be 32 bytes in base64 (several: separated by commas, the first one encrypts); make one with: openssl rand -base64 32')
    .optional(),
  INGEST_BATCH_SIZE: whole(1, 5_000).default(1_000),
  INGEST_PARTITIONS_AT_ONCE: whole(1, 64).default(3),
  RELAY_BATCH_SIZE: whole(1, 5_000).default(500),
  OUTREACH_CONCURRENCY: whole(1, 100).default(5),
  OUTREACH_PER_SECOND: whole(1, 10_000).optional(),
};

/** Those that may be read from the file that `<NAME>_FILE` names. */
const secrets: ReadonlySet<string> = new Set([...Object.keys(addresses), 'KAFKA_SASL_PASSWORD', 'MIDLINE_ENCRYPTION_KEY']);

type Output<Shape extends Readonly<Record<string, z.ZodType>>> = { readonly [Name in keyof Shape]: z.output<Shape[Name]> };
export type Address = keyof typeof addresses;
type Settings = Output<typeof settings>;
/** What was asked for, by the names of the variables: `Config<'DATABASE_URL'>` has that address and all settings. */
export type Config<Needed extends Address = Address> = Settings & Pick<Output<typeof addresses>, Needed>;
export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment is not as it must be; the message has one line for each problem: variable, what is wrong, what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads the configuration from `env`; empty variables count as not set.
 * @param needed the addresses that must be there (all five when left out); others are not looked at.
 * @throws ConfigError with all problems at once.
 */
export function readConfig<Needed extends Address = Address>(env: Environment, needed?: readonly Needed[]): Config<Needed> {
  const names: readonly Address[] = needed ?? addressNames;
  const shape = z.object({ ...settings, ...Object.fromEntries(names.map((name) => [name, addresses[name]])) });
  const found = Object.keys(shape.shape).map((name) => ({ name, ...lookUp(env, name) }));
  const unreadable = found.filter((entry) => entry.problem !== undefined);
  const parsed = shape.safeParse(Object.fromEntries(found.map(({ name, value }) => [name, value])));
  const refused = (parsed.error?.issues ?? []).map((issue) => ({ name: String(issue.path[0]), problem: issue.message }))
    .filter(({ name }) => unreadable.every((entry) => entry.name !== name))
    .map(({ name, problem }) => `${name}: ${found.find((entry) => entry.name === name)?.value === undefined ? missing(name) : problem}`);
  const problems = [...unreadable.map(({ problem }) => problem), ...refused, ...(parsed.success ? saslProblems(parsed.data) : [])];
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems.join('\n'));
  return parsed.data as Config<Needed>;
}

/**
 * The value of a variable that a person named (a source map, for a header), or of the file that its `_FILE` variant names; undefined: neither is set.
 * @throws ConfigError for a variable of midline's own, which is nobody else's business, and where the file cannot be read
 */
export function readSecret(env: Environment, name: string): string | undefined {
  if (name in addresses || name in settings) throw new ConfigError(`${name}: is midline's own; name another variable`);
  const { value, problem } = lookUp(env, name, true);
  if (problem !== undefined) throw new ConfigError(problem);
  return value;
}

/** The Kafka connection of a configuration, in the words of the Kafka client. */
export function kafkaOptions(config: Config<'KAFKA_BROKERS'>): KafkaOptions {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = config;
  const options = { brokers: config.KAFKA_BROKERS, ssl: config.KAFKA_SSL };
  return mechanism == null || username == null || password == null ? options : { ...options, sasl: { mechanism, username, password } };
}

export interface KafkaOptions {
  readonly brokers: readonly string[];
  readonly ssl: boolean;
  readonly sasl?: Login<'plain'> | Login<'scram-sha-256'> | Login<'scram-sha-512'>;
}

interface Login<Mechanism> { readonly mechanism: Mechanism; readonly username: string; readonly password: string }

const addressNames = Object.keys(addresses) as readonly Address[];

/** The value of a variable or of the file that its `_FILE` variant names, or what is wrong with that. */
function lookUp(env: Environment, name: string, isSecret = secrets.has(name)): { readonly value?: string | undefined; readonly problem?: string } {
  const value = env[name] || undefined;
  const file = isSecret ? env[`${name}_FILE`] || undefined : undefined;
  if (file === undefined) return { value };
  if (value !== undefined) return { problem: `${name}: ${name}_FILE is set too; unset one of them` };
  try {
    return { value: readFileSync(file, 'utf8').trim() || undefined };
  } catch (error) {
    return { problem: `${name}_FILE: cannot be read (${error instanceof Error ? error.message : String(error)}); name a file that this user may read` };
  }
}

function missing(name: string): string {
  return `is not set; set it${secrets.has(name) ? `, or ${name}_FILE,` : ''} (for local servers: midline services up)`;
}

function saslProblems(config: Partial<Settings>): readonly string[] {
  const parts = ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const;
  const unset = parts.filter((name) => config[name] == null);
  return unset.length === 0 || unset.length === parts.length ? [] : unset.map((name) => `${name}: is not set, but the other KAFKA_SASL_* variables are; set all three or none`);
}

function url(...schemes: readonly string[]) {
  return z.string().refine(
    (text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)),
    `is no URL of the form ${schemes[0] ?? ''}://host:port; check scheme and special characters (a password must be percent-encoded)`,
  );
}

function flag() {
  return z.enum(['true', 'false', '1', '0'], 'must be true or false').transform((text) => text === 'true' || text === '1');
}

function whole(least: number, most: number) {
  const problem = `must be a whole number from ${least} to ${most}`;
  return z.string().regex(/^\d{1,9}$/, problem).transform(Number).refine((value) => value >= least && value <= most, problem);
}
