import { setFlagsFromString } from 'node:v8';
import jsonata from 'jsonata';
import type { SourceMapFile } from '../../schemas/source-map.js';
import { hash, pureFunctions, type RecordFacts } from './functions.js';

type Expression = Pick<SourceMapFile, 'events' | 'tables' | 'timeZone'>;

/** What an expression made of a record: events in canonical JSON that nobody has checked yet, or in words why it could not. */
type Mapped = { readonly events: readonly unknown[] } | { readonly problem: string };

export interface Mapping {
  /** Maps one record (what a reader made of it). The same record and facts give the same events. */
  readonly map: (record: unknown, facts: RecordFacts) => Promise<Mapped>;
  /** The same with every hash alike, so that two runs differ only by what values came through as themselves. */
  readonly probe: (record: unknown, facts: RecordFacts) => Promise<Mapped>;
}

/** Longest time for one record in milliseconds, and deepest nesting: what ends an endless recursion. */
const limits = { timeout: 10_000, stack: 2_000 };

// No timeout interrupts a regular expression that tries the same text in ever new ways, such as /^(a+)+$/: after 50,000 steps back V8 goes on
// with an engine that never steps back. (It knows no lookaround and no references to groups: such expressions keep their own time.)
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');

/** No record is that many transactions; an expression that counts wrongly fills the memory. */
const mostEvents = 10_000;

/** JSONata functions that would give other events the next time, or run text of the record as an expression. */
export const refusedFunctions: readonly string[] = ['now', 'millis', 'random', 'shuffle', 'eval'];

/** Compiles a map's expression once. @throws where `expressionProblem` has something to say */
export function createMapping({ events, tables, timeZone }: Expression): Mapping {
  const expression = jsonata(events, limits);
  for (const name of refusedFunctions) {
    expression.assign(name, () => {
      throw new Error(`$${name} is not to be had in a map: the same record must always give the same events`);
    });
  }
  for (const [name, value] of Object.entries({ ...tables, ...pureFunctions(timeZone) })) expression.assign(name, value);

  async function evaluate(record: unknown, facts: RecordFacts, hashOf: typeof hash): Promise<Mapped> {
    const bindings = {
      row: facts.number,
      received: () => facts.received,
      fetched: facts.fetched,
      hash: (...values: readonly unknown[]) => hashOf(values.length === 0 ? record : values[0]),
    };
    try {
      const result: unknown = await expression.evaluate(record, bindings);
      if (result == null) return { events: [] };
      if (Array.isArray(result) && result.length > mostEvents) return { problem: `the expression made ${result.length} events of one record; ${mostEvents} are allowed` };
      // A list of JSONata's carries marks of its own.
      return { events: Array.isArray(result) ? [...result] as unknown[] : [result] };
    } catch (error) {
      return { problem: problemOf(error, events).problem };
    }
  }

  return {
    map: (record, facts) => evaluate(record, facts, hash),
    probe: (record, facts) => evaluate(record, facts, () => '0'.repeat(32)),
  };
}

/** What is wrong with an expression, and on which of its lines (from 1); undefined if it compiles. */
export function expressionProblem({ events }: Pick<Expression, 'events'>): { readonly problem: string; readonly line: number } | undefined {
  try {
    jsonata(events);
    return undefined;
  } catch (error) {
    return problemOf(error, events);
  }
}

/** The same, with the offset of the first character that cannot be read. */
export function expressionError(events: string): { readonly message: string; readonly offset: number } | undefined {
  try {
    jsonata(events);
    return undefined;
  } catch (error) {
    const { message, position } = partsOf(error);
    const token = typeof error === 'object' && error !== null && 'token' in error ? String(error.token) : '';
    return { message: typeof message === 'string' ? message : String(error), offset: Math.max(0, (typeof position === 'number' ? position : 0) - token.length) };
  }
}

/** JSONata throws plain objects with message and position, and hangs a position on errors of functions. */
function problemOf(error: unknown, expression: string): { readonly problem: string; readonly line: number } {
  const { message, position } = partsOf(error);
  const line = typeof position === 'number' ? expression.slice(0, position).split('\n').length : 1;
  return { problem: `${typeof message === 'string' ? message : String(error)}${typeof position === 'number' ? ` (line ${line} of the expression)` : ''}`, line };
}

function partsOf(error: unknown): { readonly message: unknown; readonly position: unknown } {
  if (typeof error !== 'object' || error === null) return { message: String(error), position: undefined };
  return { message: 'message' in error ? error.message : undefined, position: 'position' in error ? error.position : undefined };
}
