import type { CustomerEvent } from '../../schemas/customer-event.js';
import { customerRecordOf, customerRowSchema, kindOfRow, type CustomerRow } from '../../schemas/customers-file.js';
import { fromJson } from '../../schemas/json.js';
import { validateCustomerEvent } from '../domain/customer-event.js';
import { externalKey } from '../domain/match/keys.js';
import type { SourceRecord } from '../sources/record.js';
import type { Codec } from '../topics/codec.js';
import { customerEventsTopic } from '../topics/names.js';
import type { EventProducer, OutgoingMessage } from '../topics/producer.js';
import { assertColumns } from './customer-columns.js';
import { problemsOf, saidUpon, type Said } from './import-customers.js';
import { openRecords, parseRow, type RowProblem } from './import-rows.js';

export interface CustomersPublished {
  readonly rows: number;
  /** Messages that Kafka has acknowledged. */
  readonly published: number;
  readonly refused: number;
}

export interface PublishCustomersOptions {
  /** Rows as `customers import` reads them, or customer events. */
  readonly files: readonly string[];
  /** Source of rows that name none. */
  readonly source: string;
  /** Publish that they are customers no more. */
  readonly deactivate: boolean;
  /** The `updatedAt` of rows, in milliseconds. */
  readonly now: number;
  /** Registered. */
  readonly codec: Codec;
  /** Connected. */
  readonly producer: EventProducer;
  readonly topic?: string;
  readonly onProblem: (problem: RowProblem) => void;
  readonly onProgress: (published: number) => void;
}

const messagesAtOnce = 1_000;

/** Publishes customers of files to their topic, keyed `source:externalId`. What the world does wrong is thrown: publishing again is right then. */
export async function publishCustomers(options: PublishCustomersOptions): Promise<CustomersPublished> {
  const { producer, topic = customerEventsTopic } = options;
  const messageOf = options.deactivate ? createDeactivation(options) : createStatement(options);
  const counts = { rows: 0, published: 0, refused: 0 };
  let batch: OutgoingMessage[] = [];

  async function send(): Promise<void> {
    await producer.sendBatch(topic, batch);
    options.onProgress(counts.published += batch.length);
    batch = [];
  }

  for (const file of options.files) {
    for await (const record of (await openRecords(file, (names) => { assertColumns(names, undefined); })).records) {
      counts.rows += 1;
      const made = messageOf(record);
      if ('problems' in made) {
        counts.refused += 1;
        for (const problem of made.problems) options.onProblem({ file, ...problem });
      } else if (batch.push(made) === messagesAtOnce) await send();
    }
  }
  if (batch.length > 0) await send();
  return counts;
}

type Made = OutgoingMessage | { readonly problems: readonly RowProblem[] };

function createDeactivation({ source }: PublishCustomersOptions): (record: SourceRecord) => Made {
  return (record) => {
    const parsed = 'value' in record && isEvent(record.value) ? { row: record.value } : parseRow(record, customerRowSchema, customerRecordOf);
    return 'problems' in parsed ? parsed : { key: externalKey(parsed.row.source ?? source, parsed.row.externalId), value: null };
  };
}

function createStatement({ source, now, codec }: PublishCustomersOptions): (record: SourceRecord) => Made {
  const eventOf = createRows(source, now);
  return (record) => {
    const read = 'value' in record && isEvent(record.value) ? readEvent(record.line, record.value) : eventOf(record);
    if ('problems' in read) return read;
    const rejection = validateCustomerEvent(read.event, null);
    if (rejection !== null) return { problems: [{ line: record.line, field: '', value: '', reason: rejection.reason }] };
    return { key: externalKey(read.event.source, read.event.externalId), value: codec.encodeCustomerEvent(read.event) };
  };
}

/** A customer event, and no row of a file. */
const isEvent = (value: unknown): value is { readonly source: string; readonly externalId: string } =>
  typeof value === 'object' && value !== null && 'updatedAt' in value && 'externalId' in value && typeof value.externalId === 'string' && 'source' in value && typeof value.source === 'string';

type ReadEvent = { readonly event: CustomerEvent } | { readonly problems: readonly RowProblem[] };

function readEvent(line: number, value: unknown): ReadEvent {
  const read = fromJson('CustomerEvent', value);
  return 'problems' in read ? { problems: read.problems.map(({ path, problem }) => ({ line, field: path, value: '', reason: problem })) } : { event: read.value };
}

/** What the rows of one customer have said so far: an event says all, a row only what it gives. */
interface Customer extends Said {
  readonly days: ReadonlyMap<string | undefined, Pick<CustomerEvent, 'attributes' | 'relations'>>;
  readonly rows: number;
}

/** Each row of a customer makes an event that is newer by a millisecond than the one before. */
function createRows(source: string, now: number): (record: SourceRecord) => ReadEvent {
  const customers = new Map<string, Customer>();
  return (record) => {
    const parsed = parseRow(record, customerRowSchema, customerRecordOf);
    if ('problems' in parsed) return parsed;
    const problems = problemsOf(parsed, new Date(now));
    if (problems.length > 0) return { problems };
    const { row } = parsed;
    const name = `${kindOfRow(row)} ${externalKey(row.source ?? source, row.externalId)}`;
    const before = customers.get(name) ?? { party: { kind: kindOfRow(row) }, profile: {}, days: new Map(), rows: 0 };
    const facts = factsOf(row, before.days.get(row.validFrom));
    const customer = { ...saidUpon(before, row), days: new Map([...before.days, [row.validFrom, facts]]), rows: before.rows + 1 };
    customers.set(name, customer);
    const { ties = [], ...profile } = customer.profile;
    return { event: {
      externalId: row.externalId, source: row.source ?? source, updatedAt: now + before.rows, party: customer.party, profile,
      attributes: facts.attributes ?? null, relations: [...facts.relations ?? [], ...ties], validFrom: row.validFrom ?? null,
    } };
  };
}

function factsOf({ attributes, ended, company, parent }: CustomerRow, before: Pick<CustomerEvent, 'attributes' | 'relations'> | undefined): Pick<CustomerEvent, 'attributes' | 'relations'> {
  const given = Object.fromEntries(Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  const relation = company === undefined ? (parent === undefined ? undefined : { type: 'parent', externalId: parent }) : { type: 'company', externalId: company };
  return { attributes: { ...before?.attributes, ...given, ...Object.fromEntries(ended.map((name) => [name, ''])) }, relations: relation === undefined ? before?.relations ?? [] : [relation] };
}
