import { parse } from 'yaml';
import { sourceCasesSchema, type SourceCase, type SourceCases } from '../../schemas/source-cases.js';
import { toJson } from '../../schemas/json.js';
import { createMapper } from './mapper.js';
import { readRecords } from './read-records.js';
import { UnreadableFileError, type Bytes, type SourceRecord } from './record.js';
import type { SourceMap } from './source-map.js';
import { unpack } from './unpack.js';

export type ParsedSourceCases = { readonly cases: SourceCases } | { readonly problems: readonly string[] };

/** What became of a case: in words each difference from what it expects; none: it is as expected. */
export interface CaseVerdict {
  readonly case: string;
  readonly differences: readonly string[];
}

/** Reads a file of map tests (YAML or JSON). */
export function parseSourceCases(text: string): ParsedSourceCases {
  try {
    const parsed = sourceCasesSchema.safeParse(parse(text));
    if (!parsed.success) return { problems: parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'} ${message}`) };
    const problems = parsed.data.cases.flatMap(caseProblems);
    return problems.length > 0 ? { problems } : { cases: parsed.data };
  } catch (error) {
    return { problems: [`the file is no YAML: ${error instanceof Error ? error.message.split('\n')[0] ?? '' : String(error)}`] };
  }
}

function caseProblems({ case: name, record, text, file, events, problem }: SourceCase): readonly string[] {
  const given = [record, text, file].filter((sample) => sample !== undefined).length;
  return [
    ...(given === 1 ? [] : [`the case "${name}" must give one of record, text and file, and gives ${given}`]),
    ...(events === undefined && problem === undefined ? [`the case "${name}" expects neither events nor a problem`] : []),
  ];
}

/** Maps the sample of a case and compares. @param openFile the bytes of the file that the case names */
export async function runSourceCase(map: SourceMap, sourceCase: SourceCase, openFile: (name: string) => Bytes): Promise<CaseVerdict> {
  const { case: name, received, events, problem } = sourceCase;
  const read = await recordsOf(map, sourceCase, openFile);
  const mapped = await createMapper(map).map({ records: read.records, received });
  const made = mapped.flatMap((record) => record.events.map((event) => toJson('BookingEvent', event)));
  const told = [
    ...mapped.flatMap(({ line, problems }) => problems.map((one) => `line ${line}: ${one.field === null ? '' : `${one.field} `}${one.problem}`)),
    ...(read.problem === undefined ? [] : [read.problem]),
  ];
  const unexpected = told.filter((one) => problem === undefined || !one.includes(problem));
  const isTold = problem === undefined || unexpected.length < told.length;
  return {
    case: name,
    differences: [
      ...(isTold ? [] : [`the problem should be told: ${problem}`]),
      ...unexpected.map((one) => `unexpected problem: ${one}`),
      ...(events === undefined ? [] : differencesOf('events', events, made)),
    ],
  };
}

/** The records of a case's sample; a file that breaks off is a problem of its own, as in publishing. */
async function recordsOf(map: SourceMap, { record, text, file }: SourceCase, openFile: (name: string) => Bytes): Promise<{ readonly records: readonly SourceRecord[]; readonly problem?: string }> {
  if (record !== undefined) return { records: [{ number: 1, line: 1, value: record }] };
  const records: SourceRecord[] = [];
  try {
    for await (const { bytes } of unpack(file ?? 'text', text === undefined ? openFile(file ?? '') : bytesOf(text))) {
      for await (const one of readRecords(bytes, map)) records.push(one);
    }
    return { records };
  } catch (error) {
    if (error instanceof UnreadableFileError) return { records, problem: error.message };
    throw error;
  }
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** Where what came out differs from what is expected: by the keys that the expected value gives, lists as a whole. */
function differencesOf(path: string, expected: unknown, actual: unknown): readonly string[] {
  if (Array.isArray(expected) && Array.isArray(actual)) {
    return [
      ...expected.flatMap((item, index) => (index < actual.length ? differencesOf(`${path}[${index}]`, item, actual[index]) : [`${path}[${index}]: missing, expected ${shown(item)}`])),
      ...actual.slice(expected.length).map((item, index) => `${path}[${expected.length + index}]: unexpected ${shown(item)}`),
    ];
  }
  if (isObject(expected) && isObject(actual)) return Object.entries(expected).flatMap(([key, value]) => differencesOf(`${path}.${key}`, value, actual[key]));
  return sameValue(expected ?? null, actual ?? null) ? [] : [`${path}: ${shown(actual)}, expected ${shown(expected)}`];
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Amounts are equal whatever their zeros, and whether they are written with quotation marks; an instant whatever its offset. */
function sameValue(expected: unknown, actual: unknown): boolean {
  if (expected === actual) return true;
  if (typeof actual !== 'string' || (typeof expected !== 'string' && typeof expected !== 'number')) return false;
  const [left, right] = [amountOf(String(expected)), amountOf(actual)];
  if (left !== undefined && left === right) return true;
  return instant.test(String(expected)) && instant.test(actual) && Date.parse(String(expected)) === Date.parse(actual);
}

const instant = /^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:\d{2})$/;

/** An amount without zeros that say nothing; only what has a point can have them, so that ids such as 007 keep theirs. */
function amountOf(text: string): string | undefined {
  const [, whole = '', fraction = ''] = /^(-?(?:0|[1-9]\d*))(?:\.(\d+))?$/.exec(text) ?? [];
  return whole === '' ? undefined : `${whole}.${fraction.replace(/0+$/, '')}`;
}

const shown = (value: unknown): string => (value === undefined || value === null ? 'nothing' : JSON.stringify(value));
