import { existsSync } from 'node:fs';
import { dirname } from 'node:path';

/** Where the servers are, and what runs there. */
const servers = { KAFKA_BROKERS: 'Kafka', SCHEMA_REGISTRY_URL: 'the schema registry', DATABASE_URL: 'Postgres', REDIS_URL: 'Redis', SMTP_URL: 'the mail server' } as const;

/** What a person is told of an error that ends a command: what is wrong, where, and what to do. */
export function faultText(error: unknown, environment: NodeJS.ProcessEnv): string {
  const said = error instanceof Error ? error.message : String(error);
  if (!(error instanceof Error) || !('code' in error)) return refusedText(error, environment) ?? said;
  if (error.code === 'ENOENT' && 'path' in error) return existsSync(dirname(String(error.path))) ? `there is no file ${String(error.path)}` : `there is no folder ${dirname(String(error.path))}`;
  if (error.code === '42501') return `this database user may not do that (${said}); docs/operating.md says which roles a command needs`;
  if (error.code === 'EISDIR') return 'a file is wanted, and a folder was named';
  if (error.code === 'EACCES' && 'path' in error) return `${String(error.path)} may not be read by this user`;
  return refusedText(error, environment) ?? said;
}

/** Names the server behind a refused connection, by the variable that holds its port. */
function refusedText(error: unknown, environment: NodeJS.ProcessEnv): string | null {
  const text = everythingSaid(error);
  const at = /ECONNREFUSED[^\n]*:(\d{1,5})\b/.exec(text)?.[1];
  const found = Object.entries(servers).find(([variable]) => at !== undefined && environment[variable]?.includes(`:${at}`));
  if (found === undefined) return null;
  const [variable, name] = found;
  return `${name} does not answer at the address in ${variable} (port ${at}); is it running? Local servers are started with: midline services up`;
}

function everythingSaid(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  return [error.message, ...inner.map(everythingSaid), ...(error.cause === undefined ? [] : [everythingSaid(error.cause)])].join('\n');
}
