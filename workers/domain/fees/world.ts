import { dateOf } from '../../../schemas/dates.js';
import type { Instant, LocalDate } from '../../../schemas/scalars.js';
import { alpha2Country } from '../countries.js';
import { type EffectiveTable, effectiveTable } from './compile.js';
import type { ChargePlan } from './plan.js';
import { createHolidayCalendar } from './holidays.js';
import { createClock, type LocalTime, startOfDay } from './local-time.js';
import type { AssignmentRow, CompanyRow, CustomerFactRows, CustomerRow, Dated, FeeSourceRow, FeeWorldRows, OrgUnitRow, TableVersionRow } from './types.js';

/** Where something was done: the org unit with those above it, nearest first, and what the nearest of them say. */
export interface OrgPlace {
  readonly path: readonly string[];
  /** `UTC` where none says it. */
  readonly timeZone: string;
  readonly country: string | null;
  readonly region: string | null;
}

export interface AssignedTable {
  /** `customer anna`, `company acme`, `orgUnit berlin` or `default`. */
  readonly subject: string;
  readonly effective: EffectiveTable;
}

/** Everything that rating reads besides the order, by the time at which it holds. Pure: it remembers, but never changes its answers. */
export interface FeeWorld {
  /** The same world with the rows of a batch's customers: cheap, it shares tables, clocks and calendars. */
  withCustomers(rows: CustomerFactRows): FeeWorld;
  readonly localTime: (at: Instant, timeZone: string) => LocalTime;
  rootDay(at: Instant): LocalDate;
  source(id: string): FeeSourceRow | null;
  /** Org unit of a booking that names none: that of its source, else the root. */
  defaultOrgUnit(source: string): string | null;
  orgPlace(orgUnit: string | null, rootDay: LocalDate): OrgPlace;
  /** The zone that gives meaning to the days of a table. */
  ownerZone(owner: string | null, rootDay: LocalDate): string;
  /** The company and those above it, nearest first. */
  companies(company: string | null, rootDay: LocalDate): readonly CompanyRow[];
  companyOf(customer: string | null, rootDay: LocalDate): string | null;
  attribute(customer: string | null, name: string, rootDay: LocalDate): string | null;
  /** Fee tables for one order and moment, nearest first; subjects whose table had no version are left out. */
  chain(query: ChainQuery): readonly AssignedTable[];
  /** Assignments of the query that had no version of their table at that time: named by explanations. */
  unversioned(query: ChainQuery): readonly { readonly subject: string; readonly table: string }[];
  /** Percent as text; null: no such code, or no rate that day. */
  taxRate(code: string, day: LocalDate): string | null;
  /** Alpha-2 country of a place: of a station by the place list, of a country code itself; null is unknown. */
  countryOf(place: string): string | null;
  /** `PH` or `PH-XX` on a day; null is unknown. */
  isHoliday(holiday: string, dayNumber: number, place: OrgPlace): boolean | null;
  /** Shared by all worlds made from one: what depends on the set of tables alone. */
  readonly plans: Map<string, ChargePlan>;
}

export interface ChainQuery {
  readonly customer: string | null;
  readonly company: string | null;
  readonly orgUnit: string | null;
  readonly at: Instant;
  readonly rootDay: LocalDate;
}

/** The moment from which a table version is valid: start of its day in the owner's zone, or the instant as written. */
export function validFromInstant(validFrom: string, ownerZone: string): Instant {
  return validFrom.length === 10 ? startOfDay(validFrom, ownerZone) : Date.parse(validFrom);
}

/** The row that holds on a day; of several the one with the later `from`, of equals the later in the list. */
function rowOn<Row extends Dated>(rows: readonly Row[] | undefined, day: LocalDate): Row | null {
  let best: Row | null = null;
  for (const row of rows ?? []) {
    if (isOn(row, day) && (best === null || (row.from ?? '') >= (best.from ?? ''))) best = row;
  }
  return best;
}

const isOn = ({ from, until }: Dated, day: LocalDate): boolean => (from == null || from <= day) && (until == null || day <= until);

function grouped<Row>(rows: readonly Row[], keyOf: (row: Row) => string): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}

const subjectKey = ({ subject }: AssignmentRow): string => (subject.kind === 'default' ? 'default' : `${subject.kind} ${subject.id ?? ''}`);

/** Builds the world from plain rows; do it once, and `withCustomers` for every batch. */
export function createFeeWorld(rows: FeeWorldRows): FeeWorld {
  const localTime = createClock();
  const org = createOrgTree(rows.orgUnits ?? [], rows.ownerZone ?? null);
  const tables = createTables(rows.tables ?? []);
  const sources = new Map((rows.sources ?? []).map((source) => [source.id, source]));
  const taxCodes = new Map((rows.taxCodes ?? []).map(({ code, rates }) => [code, rates.toSorted((left, right) => ((left.from ?? '') < (right.from ?? '') ? 1 : -1))]));
  const places = new Map(Object.entries(rows.places ?? {}).map(([place, country]) => [place, alpha2Country(country)]));
  const calendar = createHolidayCalendar(rows.holidays ?? {});
  const sharedCustomers = indexCustomers(rows);
  const plans = new Map<string, ChargePlan>();

  const withCustomers = (batch: CustomerFactRows): FeeWorld => {
    const own = indexCustomers(batch);
    const customerRows = (id: string): readonly CustomerRow[] => [...(sharedCustomers.customers.get(id) ?? []), ...(own.customers.get(id) ?? [])];
    const companyOn = (id: string, day: LocalDate): CompanyRow | null => rowOn(own.companies.get(id), day) ?? rowOn(sharedCustomers.companies.get(id), day);
    const assignments = (key: string): readonly AssignmentRow[] => joined(sharedCustomers.assignments.get(key), own.assignments.get(key));

    const ownerZone = (owner: string | null, rootDay: LocalDate): string => (owner === null ? org.rootZone : (org.placeOf(owner, rootDay).ownZone ?? org.rootZone));

    const assigned = (subject: string, { at, rootDay }: ChainQuery): AssignedTable | null => {
      let best: { readonly row: AssignmentRow; readonly effective: EffectiveTable } | null = null;
      for (const row of assignments(subject)) {
        const effective = tables.at(row.table, at);
        if (effective === null || !isOn(row, localTime(at, ownerZone(effective.owner, rootDay)).day)) continue;
        if (best === null || (row.from ?? '') >= (best.row.from ?? '')) best = { row, effective };
      }
      return best === null ? null : { subject, effective: best.effective };
    };

    const companies = (company: string | null, rootDay: LocalDate): readonly CompanyRow[] => {
      const chain: CompanyRow[] = [];
      for (let id = company; id != null && !chain.some((row) => row.id === id); ) {
        const row: CompanyRow = companyOn(id, rootDay) ?? { id };
        chain.push(row);
        id = row.parent ?? null;
      }
      return chain;
    };

    const companyOf = (customer: string | null, rootDay: LocalDate): string | null =>
      customer === null ? null : (rowOn(customerRows(customer).flatMap((row) => row.companies ?? []), rootDay)?.company ?? null);

    const subjects = ({ customer, company, orgUnit, rootDay }: ChainQuery): readonly string[] => [
      ...(customer === null ? [] : [`customer ${customer}`]),
      ...companies(company ?? companyOf(customer, rootDay), rootDay).map(({ id }) => `company ${id}`),
      ...org.placeOf(orgUnit, rootDay).orgSubjects,
      'default',
    ];

    return {
      withCustomers,
      localTime,
      plans,
      rootDay: (at) => localTime(at, org.rootZone).day,
      source: (id) => sources.get(id) ?? null,
      defaultOrgUnit: (source) => sources.get(source)?.orgUnit ?? org.root,
      orgPlace: org.placeOf,
      ownerZone,
      companies,
      companyOf,
      attribute: (customer, name, rootDay) => {
        if (customer === null) return null;
        const values = customerRows(customer).flatMap((row) => row.attributes ?? []).filter((attribute) => attribute.name === name);
        return rowOn(values, rootDay)?.value ?? null;
      },
      chain: (query) => subjects(query).flatMap((subject) => assigned(subject, query) ?? []),
      unversioned: (query) =>
        subjects(query).flatMap((subject) =>
          assignments(subject).flatMap(({ table }) => (tables.at(table, query.at) === null ? [{ subject, table }] : [])),
        ),
      taxRate: (code, day) => taxCodes.get(code)?.find(({ from }) => (from ?? '') <= day)?.percent ?? null,
      countryOf: (place) => places.get(place) ?? (place.length === 2 ? place : null),
      isHoliday: (holiday, dayNumber, place) => {
        const day = dateOf(dayNumber);
        if (holiday === 'PH') return place.country === null ? null : calendar(day, place.country, place.region);
        const [, country = '', region = null] = holiday.split('-');
        return calendar(day, country, region);
      },
    };
  };
  return withCustomers({});
}

function joined<Element>(left: readonly Element[] | undefined, right: readonly Element[] | undefined): readonly Element[] {
  if (left === undefined || right === undefined) return left ?? right ?? [];
  return [...left, ...right];
}

const indexCustomers = (rows: CustomerFactRows) => ({
  customers: grouped(rows.customers ?? [], ({ id }) => id),
  companies: grouped(rows.companies ?? [], ({ id }) => id),
  assignments: grouped(rows.assignments ?? [], subjectKey),
});

interface PlacedOrgUnit extends OrgPlace {
  /** null where no unit of the path has one. */
  readonly ownZone: string | null;
  /** As the chain names them: `orgUnit berlin`. */
  readonly orgSubjects: readonly string[];
}

function createOrgTree(rows: readonly OrgUnitRow[], ownerZone: string | null) {
  const byId = grouped(rows, ({ id }) => id);
  const dated = rows.some(({ from, until }) => from != null || until != null);
  const roots = new Set(rows.filter(({ parent }) => parent == null).map(({ id }) => id));
  const [onlyRoot = null] = roots.size === 1 ? roots : [];
  const known = new Map<string, PlacedOrgUnit>();

  const placeOf = (orgUnit: string | null, rootDay: LocalDate): PlacedOrgUnit => {
    if (orgUnit === null) return nowhere;
    const key = dated ? `${rootDay} ${orgUnit}` : orgUnit;
    let place = known.get(key);
    if (place === undefined) known.set(key, (place = computePlace(pathOf(orgUnit, rootDay))));
    return place;
  };

  const pathOf = (orgUnit: string, rootDay: LocalDate): readonly OrgUnitRow[] => {
    const path: OrgUnitRow[] = [];
    for (let id: string | null = orgUnit; id !== null && !path.some((row) => row.id === id); ) {
      const row: OrgUnitRow = rowOn(byId.get(id), rootDay) ?? { id };
      path.push(row);
      id = row.parent ?? null;
    }
    return path;
  };

  const rootRow = onlyRoot === null ? null : (byId.get(onlyRoot)?.[0] ?? null);
  return { placeOf, root: onlyRoot, rootZone: ownerZone ?? rootRow?.timeZone ?? 'UTC' };
}

const nowhere: PlacedOrgUnit = { path: [], timeZone: 'UTC', ownZone: null, country: null, region: null, orgSubjects: [] };

/** A region belongs to the country of its own unit or of the nearest unit above it. */
function computePlace(path: readonly OrgUnitRow[]): PlacedOrgUnit {
  const countryIndex = path.findIndex(({ country }) => country != null);
  const country = path[countryIndex]?.country ?? null;
  const ownZone = path.find(({ timeZone }) => timeZone != null)?.timeZone ?? null;
  return {
    path: path.map(({ id }) => id),
    orgSubjects: path.map(({ id }) => `orgUnit ${id}`),
    timeZone: ownZone ?? 'UTC',
    ownZone,
    country: country === null ? null : alpha2Country(country),
    region: path.slice(0, countryIndex + 1).find(({ region }) => region != null)?.region ?? null,
  };
}

/** The versions of each table by time: the approved one with the latest `validFrom` ≤ t, of equals the higher number. */
function createTables(rows: readonly TableVersionRow[]) {
  const byName = new Map(
    [...grouped(rows, ({ table }) => table)].map(([table, versions]) => [table, versions.toSorted((left, right) => right.validFrom - left.validFrom || right.version - left.version)]),
  );
  const versionAt = (table: string, at: Instant): TableVersionRow | null => byName.get(table)?.find(({ validFrom }) => validFrom <= at) ?? null;

  /** The table with those it extends, each in its version of that time, nearest first. */
  const at = (table: string, instant: Instant): EffectiveTable | null => {
    const own = versionAt(table, instant);
    if (own === null) return null;
    const bases: TableVersionRow[] = [];
    for (let next = own.compiled.definition.extends; next !== undefined && next !== table && !bases.some((base) => base.table === next); ) {
      const base = versionAt(next, instant);
      if (base === null) break;
      bases.push(base);
      next = base.compiled.definition.extends;
    }
    return effectiveTable(own.compiled, bases.map(({ compiled }) => compiled));
  };
  return { at };
}
