/** The part of the Confluent schema registry's protocol that midline needs. Apicurio speaks it below `/apis/ccompat/v7`. */
export interface SchemaRegistry {
  /** The text of the schema with this id; undefined where the registry says that it knows none. */
  readonly schemaById: (id: number) => Promise<string | undefined>;
  /** Puts a schema under a subject with FULL_TRANSITIVE compatibility and answers its id; the same schema again has the same id. */
  readonly register: (subject: string, schema: string) => Promise<number>;
}

/** The registry did not do its work. `retryable`: the world's fault (down, slow, 5xx), which may pass; otherwise somebody must act (401, 409). */
export class SchemaRegistryError extends Error {
  override readonly name = 'SchemaRegistryError';
  readonly retryable: boolean;

  constructor(message: string, retryable: boolean, cause?: unknown) {
    super(message, { cause });
    this.retryable = retryable;
  }
}

const compatibility = 'FULL_TRANSITIVE';
const contentType = 'application/vnd.schemaregistry.v1+json';
const schemaNotFound = 40403;

/**
 * Speaks to the registry by `fetch`: three requests, each with a time limit. The registry client of kafkajs has no limit, reports a refused
 * connection as HTTP 400 and takes a proxy's 404 for an unknown schema.
 *
 * @param url with user and password where the registry asks for them
 * @param timeout of a request in milliseconds
 * @throws SchemaRegistryError from every function
 */
export function createSchemaRegistry(url: string, timeout: number): SchemaRegistry {
  const { href, headers } = addressOf(url);

  async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
    try {
      const response = await fetch(`${href}${path}`, {
        method,
        headers,
        signal: AbortSignal.timeout(timeout),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      throw new SchemaRegistryError(`The schema registry does not answer: ${reasonOf(error)}`, true, error);
    }
  }

  async function schemaById(id: number): Promise<string | undefined> {
    const answer = await ask('GET', `/schemas/ids/${id}`);
    if (answer.status === 404 && fieldOf(answer, 'error_code') === schemaNotFound) return undefined;
    const schema = fieldOf(expectOk(answer), 'schema');
    if (typeof schema !== 'string') throw new SchemaRegistryError(`The schema registry answered without the schema ${id}`, true);
    return schema;
  }

  async function register(subject: string, schema: string): Promise<number> {
    const before = await demandCompatibility(subject);
    const id = fieldOf(expectOk(await add(subject, schema)), 'id');
    if (typeof id !== 'number') throw new SchemaRegistryError(`The schema registry answered without an id for ${subject}`, true);
    // Apicurio keeps no rule for a subject that does not exist yet.
    if (!before && !(await demandCompatibility(subject)))
      throw new SchemaRegistryError(`The schema registry does not keep a compatibility for ${subject}`, false);
    return id;
  }

  /** Of processes that add a new subject at the same moment Apicurio refuses all but one; asked again, it has the subject and answers with the id. */
  async function add(subject: string, schema: string): Promise<Answer> {
    const answer = await ask('POST', `/subjects/${subject}/versions`, { schema });
    const wasSlower = answer.status === 409 && String(fieldOf(answer, 'message')).includes('already exists');
    return wasSlower ? ask('POST', `/subjects/${subject}/versions`, { schema }) : answer;
  }

  /** False where the registry cannot keep it because the subject does not exist. */
  async function demandCompatibility(subject: string): Promise<boolean> {
    if (await isCompatibilityKept(subject)) return true;
    const answer = await ask('PUT', `/config/${subject}`, { compatibility });
    if (answer.status === 404) return false;
    // Another process that starts at the same moment was faster: then its rule must be the same.
    if (answer.status === 409 && (await isCompatibilityKept(subject))) return true;
    expectOk(answer);
    return true;
  }

  async function isCompatibilityKept(subject: string): Promise<boolean> {
    const now = await ask('GET', `/config/${subject}`);
    return now.status === 200 && fieldOf(now, 'compatibilityLevel') === compatibility;
  }

  return { schemaById, register };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** `fetch` refuses credentials in the address: they travel in a header. */
function addressOf(url: string): { readonly href: string; readonly headers: Readonly<Record<string, string>> } {
  const { username, password, origin, pathname } = new URL(url);
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  return {
    href: `${origin}${pathname.replace(/\/+$/, '')}`,
    headers: { accept: contentType, 'content-type': contentType, ...(username === '' ? {} : { authorization: `Basic ${credentials}` }) },
  };
}

function expectOk(answer: Answer): Answer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  const retryable = answer.status >= 500 || answer.status === 404 || answer.status === 408 || answer.status === 429;
  const message = fieldOf(answer, 'message');
  throw new SchemaRegistryError(`The schema registry answered ${answer.status}${typeof message === 'string' ? `: ${message}` : ''}`, retryable);
}

function fieldOf({ text }: Answer, name: string): unknown {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? new Map<string, unknown>(Object.entries(body)).get(name) : undefined;
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}
