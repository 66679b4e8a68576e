import { fromJson, type JsonProblem } from '../../../schemas/json.js';
import { type FeeCase, feeCaseSchema, type FeeCaseAssignment, type FeeCaseManual, type FeeCaseStep, type FeeCaseTable, type FeeCaseWorld } from '../../../schemas/fee-case.js';
import type { BookingEvent } from '../../../schemas/booking-event.js';
import type { FeeTable } from '../../../schemas/fee-table.js';
import { instantOf } from '../../../schemas/dates.js';
import { parseDocument } from 'yaml';
import { aliasProblem } from '../yaml-aliases.js';
import { foldAll } from '../fold.js';
import { validateEvent } from '../validate.js';
import type { Transaction } from '../order.js';
import { assignmentRow, rowsOfCase } from './case-world.js';
import { checkFeeTable } from './check-references.js';
import { compileFeeTable } from './compile.js';
import { explain } from './explain.js';
import { ledgerDifference } from './ledger.js';
import { type FeeTableFormat, parseFeeTable, problemText } from './parse.js';
import { rateTransactions } from './rate.js';
import type { LedgerEntry, ManualFee, NewLedgerEntry, OrderFacts, RatingTrace, StandingEntry, TableVersionRow } from './types.js';
import { createFeeWorld, type FeeWorld, validFromInstant } from './world.js';

export type ParsedCase = { readonly case: FeeCase } | { readonly problems: readonly string[] };

/** What came out of a case: the ledger as it stands after the last step and what each step appended, or why the tables were refused. */
export type CaseResult =
  | { readonly kind: 'rated'; readonly case: string; readonly standing: readonly StandingEntry[]; readonly appended: readonly (readonly NewLedgerEntry[])[]; readonly trace: RatingTrace; readonly ownTypes: ReadonlyMap<string, string> }
  | { readonly kind: 'refused'; readonly case: string; readonly problems: readonly string[] }
  | { readonly kind: 'invalid'; readonly case: string; readonly problems: readonly string[] };

/** Reads a case from YAML or JSON text. */
export function parseCase(text: string): ParsedCase {
  const document = parseDocument(text.replaceAll('\t', '  '), { version: '1.2', schema: 'core', prettyErrors: true });
  if (document.errors.length > 0) return { problems: document.errors.map(({ message }) => message) };
  const wrongAlias = aliasProblem(document);
  if (wrongAlias !== undefined) return { problems: [`the case is no YAML: ${wrongAlias.problem}`] };
  const content: unknown = document.toJS({ maxAliasCount: -1 });
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return { problems: ['the file holds no case: write case, world, tables, order and expect (docs/fees.md)'] };
  const parsed = feeCaseSchema.safeParse(content);
  if (parsed.success) return { case: parsed.data };
  return { problems: parsed.error.issues.map(({ path, message }) => `${path.map(String).join('.') || 'the case'}: ${message}`) };
}

/** What holds at a step: fields that a step gives replace, tables, manual lines and events add up. */
interface CaseState {
  readonly world: FeeCaseWorld;
  readonly tables: readonly FeeCaseTable[];
  readonly assignments: readonly FeeCaseAssignment[];
  readonly order: Omit<FeeCase['order'], 'events'>;
  readonly manual: readonly FeeCaseManual[];
  readonly events: readonly BookingEvent[];
}

class InvalidCase extends Error {
  override readonly name = 'InvalidCase';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

class RefusedTable extends Error {
  override readonly name = 'RefusedTable';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/**
 * Plays a case: after each step the whole order is rated from scratch and the ledger gets the difference.
 *
 * @param readFile the text of a table's file, named as in the case
 */
export function runCase(feeCase: FeeCase, readFile: (name: string) => string): CaseResult {
  try {
    return play(feeCase, readFile);
  } catch (error) {
    if (error instanceof InvalidCase) return { kind: 'invalid', case: feeCase.case, problems: error.problems };
    if (error instanceof RefusedTable) return { kind: 'refused', case: feeCase.case, problems: error.problems };
    throw error;
  }
}

function play(feeCase: FeeCase, readFile: (name: string) => string): CaseResult {
  const readEvent = createEventReader(feeCase.order);
  const ledger: LedgerEntry[] = [];
  const appended: (readonly NewLedgerEntry[])[] = [];
  let last: Rated = { standing: [], transactions: [], order: orderFacts(initialState(feeCase, readEvent)), world: createFeeWorld({}) };
  let state = initialState(feeCase, readEvent);
  for (const step of stepsOf(feeCase)) {
    state = afterStep(state, step, feeCase, readEvent);
    last = rate(state, readFile);
    const difference = ledgerDifference(last.standing, ledger, false);
    ledger.push(...difference);
    appended.push(difference);
  }
  const ownTypes = new Map(last.transactions.filter(({ derived }) => !derived).map(({ eventId, type }) => [eventId, type]));
  return { kind: 'rated', case: feeCase.case, standing: last.standing, appended, trace: explain(last.order, last.transactions, last.world), ownTypes };
}

type ReadEvent = (event: Readonly<Record<string, unknown>>) => BookingEvent;

/** Events inherit source and bookingRef from the order. */
function createEventReader({ source, ref }: FeeCase['order']): ReadEvent {
  return (event) => {
    const read = fromJson('BookingEvent', { source, bookingRef: ref, ...event });
    if ('problems' in read) throw new InvalidCase(read.problems.map(({ path, problem }: JsonProblem) => `event ${String(event['eventId'])}: ${path} ${problem}`));
    return read.value;
  };
}

/** Without steps everything arrives in one. What a step names by its id comes with that step, the rest is there from the start. */
const stepsOf = ({ steps }: FeeCase): readonly FeeCaseStep[] => (steps == null || steps.length === 0 ? [{}] : steps);

function initialState(feeCase: FeeCase, readEvent: ReadEvent): CaseState {
  const { events, ...order } = feeCase.order;
  const named = (list: 'events' | 'manual'): ReadonlySet<unknown> => new Set((feeCase.steps ?? []).flatMap((step) => (step[list] ?? []).filter((each) => typeof each === 'string')));
  const [laterEvents, laterManual] = [named('events'), named('manual')];
  return {
    world: feeCase.world ?? {}, tables: feeCase.tables, assignments: feeCase.assignments ?? [], order,
    manual: (feeCase.manual ?? []).filter(({ id }) => !laterManual.has(id)),
    events: events.filter(({ eventId }) => !laterEvents.has(eventId)).map(readEvent),
  };
}

function afterStep(state: CaseState, step: FeeCaseStep, feeCase: FeeCase, readEvent: ReadEvent): CaseState {
  const arriving = (step.events ?? []).flatMap((event) => (typeof event === 'string' ? feeCase.order.events.filter(({ eventId }) => eventId === event) : [event]));
  const unknown = (step.events ?? []).filter((event) => typeof event === 'string' && !feeCase.order.events.some(({ eventId }) => eventId === event));
  if (unknown.length > 0) throw new InvalidCase([`steps: no event ${unknown.map(String).join(', ')}`]);
  const typed = (step.manual ?? []).flatMap((fee) => (typeof fee === 'string' ? (feeCase.manual ?? []).filter(({ id }) => id === fee) : [fee]));
  return {
    world: { ...state.world, ...step.world },
    tables: [...state.tables, ...(step.tables ?? [])],
    assignments: step.assignments ?? state.assignments,
    order: { ...state.order, ...withoutUndefined(step.order ?? {}) },
    manual: [...state.manual, ...typed],
    events: [...state.events, ...arriving.map(readEvent)],
  };
}

type OrderChange = NonNullable<FeeCaseStep['order']>;

function withoutUndefined({ ref, source, ...rest }: OrderChange): Partial<CaseState['order']> {
  return { ...(ref === undefined ? {} : { ref }), ...(source === undefined ? {} : { source }), ...rest };
}

interface Rated {
  readonly standing: readonly StandingEntry[];
  readonly transactions: readonly Transaction[];
  readonly order: OrderFacts;
  readonly world: FeeWorld;
}

function rate(state: CaseState, readFile: (name: string) => string): Rated {
  const order = orderFacts(state);
  const world = worldOf(state, readFile);
  const transactions = foldAll(acceptedEvents(state)).transactions;
  return { standing: rateTransactions(order, transactions, world, []).entries, transactions, order, world };
}

/** An event id counts once; what would be a dead letter makes the case invalid. */
function acceptedEvents({ events, world }: CaseState): readonly BookingEvent[] {
  const first = [...new Map(events.toReversed().map((event) => [event.eventId, event])).values()].toReversed();
  const problems = first.flatMap((event) => {
    const rejection = validateEvent(event, { declaredKinds: new Set(world.sources?.[event.source]?.kinds ?? []), receivedAt: null });
    return rejection === null ? [] : [`event ${event.eventId}: ${rejection.code}: ${rejection.reason}`];
  });
  if (problems.length > 0) throw new InvalidCase(problems);
  return first;
}

function orderFacts({ order, manual }: CaseState): OrderFacts {
  const { source, customer, company, orgUnit } = order;
  return {
    source, customerId: customer ?? null, companyId: company ?? null, orgUnit: orgUnit ?? null,
    manual: manual.map(({ at, ...fee }): ManualFee => ({ ...fee, transaction: fee.transaction ?? null, gross: fee.gross ?? null, vat: fee.vat ?? null, currency: fee.currency ?? null, at: at == null ? null : (instantOf(at) ?? null) })),
  };
}

interface ReadTable {
  readonly definition: FeeTable;
  readonly version: number;
  readonly validFrom: number;
}

function worldOf(state: CaseState, readFile: (name: string) => string): FeeWorld {
  const rows = rowsOfCase(state.world);
  const bare = createFeeWorld(rows);
  const read = state.tables.map((table) => readTable(table, readFile, bare));
  checkTables(read, state, bare);
  const tables = read.map(({ definition, version, validFrom }): TableVersionRow => ({ table: definition.feeTable, version, validFrom, compiled: compileFeeTable(definition, version) }));
  return createFeeWorld({ ...rows, tables, assignments: state.assignments.map(assignmentRow) });
}

function readTable({ version, yaml, json, csv, file }: FeeCaseTable, readFile: (name: string) => string, bare: FeeWorld): ReadTable {
  const [text, format]: readonly [string, FeeTableFormat] = yaml != null ? [yaml, 'yaml'] : json != null ? [json, 'json'] : csv != null ? [csv, 'csv'] : file != null ? [readFile(file), formatOf(file)] : ['', 'yaml'];
  const parsed = parseFeeTable(text, format, file ?? 'table');
  if ('problems' in parsed) throw new RefusedTable(parsed.problems.map(problemText));
  const { table } = parsed;
  return { definition: table, version, validFrom: validFromInstant(table.validFrom, bare.ownerZone(table.owner ?? null, table.validFrom.slice(0, 10))) };
}

/** By the end of the file's name: `.json`, `.csv`, anything else is YAML. */
export const formatOf = (file: string): FeeTableFormat => (file.endsWith('.json') ? 'json' : file.endsWith('.csv') ? 'csv' : 'yaml');

function checkTables(tables: readonly ReadTable[], { world }: CaseState, bare: FeeWorld): void {
  const kinds = new Set(Object.values(world.sources ?? {}).flatMap((source) => source.kinds ?? []));
  const problems = tables.flatMap(({ definition, validFrom }) => checkFeeTable(definition, {
    kinds,
    base: (name) => latest(tables.filter((other) => other.definition.feeTable === name && other.validFrom <= validFrom))?.definition ?? null,
    hasRate: (code, day) => bare.taxRate(code, day) !== null,
    scopeElsewhere: (charge) => tables.filter((other) => other.definition.feeTable !== definition.feeTable).map(({ definition: { feeTable, charges } }) => ({ table: feeTable, scope: charges?.[charge]?.scope }))
      .flatMap(({ table, scope }) => (scope === undefined ? [] : [{ table, scope }]))[0] ?? null,
  }));
  const twice = tables.filter(({ definition, version }, index) => tables.findIndex((other) => other.definition.feeTable === definition.feeTable && other.version === version) !== index);
  const all = [...problems.map(problemText), ...twice.map(({ definition, version }) => `table ${definition.feeTable} has version ${version} twice`)];
  if (all.length > 0) throw new RefusedTable(all);
}

const latest = (tables: readonly ReadTable[]): ReadTable | null =>
  tables.reduce<ReadTable | null>((best, table) => (best === null || table.validFrom > best.validFrom || (table.validFrom === best.validFrom && table.version > best.version) ? table : best), null);
