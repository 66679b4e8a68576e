import type { FeeTable } from '../../../schemas/fee-table.js';
import { eventTypes } from '../order.js';
import { type Finding, findNamedCharges } from './check.js';
import { type CompiledFeeTable, compileFeeTable, mergeTables } from './compile.js';
import type { FeeTableProblem } from './parse.js';

/** What a table may refer to. Where a question is left out, that kind of reference is not checked. */
export interface TableReferences {
  /** The version of another table that is valid when this one begins to be. */
  readonly base?: (table: string) => FeeTable | null;
  /** Transaction types beyond the ten, declared by any source. */
  readonly kinds?: ReadonlySet<string>;
  /** Whether a tax code has a rate on a day. */
  readonly hasRate?: (taxCode: string, day: string) => boolean;
  readonly hasOrgUnit?: (orgUnit: string) => boolean;
  /** The scope that other tables give to a charge. */
  readonly scopeElsewhere?: (charge: string) => { readonly table: string; readonly scope: string } | null;
}

/**
 * What is wrong with a table in its surroundings: the tables it extends, declared kinds, tax codes, org units, scopes of charges in other tables.
 *
 * @returns nothing where all is well; problems have no lines
 */
export function checkFeeTable(table: FeeTable, references: TableReferences): readonly FeeTableProblem[] {
  const chain = basesOf(table, references);
  const findings: readonly Finding[] = [...chain.findings, ...checkKinds(table, references), ...checkOwner(table, references), ...(chain.findings.length > 0 ? [] : checkMerged(table, chain.bases, references))];
  return findings.map(({ path, allowed }) => problemOf(table, path, allowed));
}

function problemOf(table: FeeTable, path: Finding['path'], allowed: string): FeeTableProblem {
  const [first, second, ...rest] = path;
  if (first !== 'rules' || typeof second !== 'number') return { rule: null, field: path.join('.'), value: textAt(table, path), allowed, line: null };
  return { rule: table.rules?.[second]?.id ?? null, field: rest.join('.'), value: textAt(table, path), allowed, line: null };
}

function textAt(table: FeeTable, path: Finding['path']): string | null {
  const value = path.reduce<unknown>((part, step) => (typeof part === 'object' && part !== null ? new Map(Object.entries(part)).get(String(step)) : undefined), table);
  return value === undefined ? null : typeof value === 'string' ? value : JSON.stringify(value);
}

/** The tables it extends, nearest first. */
function basesOf(table: FeeTable, { base }: TableReferences): { readonly bases: readonly FeeTable[]; readonly findings: readonly Finding[] } {
  const bases: FeeTable[] = [];
  if (base === undefined) return { bases, findings: [] };
  for (let next = table.extends; next !== undefined; next = bases.at(-1)?.extends) {
    const name = next;
    if (name === table.feeTable || bases.some(({ feeTable }) => feeTable === name)) return { bases, findings: [{ path: ['extends'], allowed: `a table that does not lead back: ${name} is in the circle` }] };
    const found = base(name);
    if (found === null) return { bases, findings: [{ path: ['extends'], allowed: `a table with an approved version on ${table.validFrom}: ${name} has none` }] };
    if (found.currency !== table.currency) return { bases, findings: [{ path: ['extends'], allowed: `a table in ${table.currency}: ${name} is in ${found.currency}` }] };
    bases.push(found);
  }
  return { bases, findings: [] };
}

function checkKinds({ rules = [] }: FeeTable, { kinds }: TableReferences): readonly Finding[] {
  if (kinds === undefined) return [];
  const known = new Set<string>([...eventTypes, ...kinds]);
  return rules.flatMap(({ on }, index) => [on].flat().filter((type) => !known.has(type)).map((type) => ({
    path: ['rules', index, 'on'], allowed: `one of ${[...known].join(', ')}; no source declares ${type}`,
  })));
}

function checkOwner({ owner }: FeeTable, { hasOrgUnit }: TableReferences): readonly Finding[] {
  return owner === undefined || hasOrgUnit === undefined || hasOrgUnit(owner) ? [] : [{ path: ['owner'], allowed: 'an org unit that exists' }];
}

function checkMerged(table: FeeTable, bases: readonly FeeTable[], references: TableReferences): readonly Finding[] {
  const compiled: readonly CompiledFeeTable[] = [table, ...bases].map((each) => compileFeeTable(each, 0));
  const merged = mergeTables(compiled);
  const inBases = mergeTables(compiled.slice(1));
  const ownRules = table.rules ?? [];
  const checkBases = references.base !== undefined || table.extends === undefined;
  return [
    ...(checkBases ? (table.remove ?? []).flatMap((id, index) => (inBases.rules.has(id) ? [] : [{ path: ['remove', index], allowed: 'the id of a rule of the extended table' }])) : []),
    ...(checkBases ? ownRules.flatMap(({ charge }, index) => (merged.charges.has(charge) ? [] : [{ path: ['rules', index, 'charge'], allowed: `one of the charges ${[...merged.charges.keys()].join(', ')}` }])) : []),
    ...(checkBases ? checkScopes(table, merged.charges) : []),
    ...(checkBases ? checkPercentages(ownRules, merged) : []),
    ...[...merged.charges].flatMap(([name, { scope, vat }]) => [...checkScopeElsewhere(name, scope, references), ...checkRate(name, vat, table, references)]),
  ];
}

type Charges = ReturnType<typeof mergeTables>['charges'];

function checkScopes(table: FeeTable, charges: Charges): readonly Finding[] {
  return Object.keys(table.charges ?? {}).flatMap((name) => (charges.get(name)?.scope === undefined ? [{ path: ['charges', name, 'scope'], allowed: 'a scope: no extended table says one' }] : []));
}

/** Circles may close through a base's rules, so all rules are asked; told are the table's own. */
function checkPercentages(ownRules: NonNullable<FeeTable['rules']>, { rules, charges }: ReturnType<typeof mergeTables>): readonly Finding[] {
  const all = [...rules.values()].map(({ rule }) => rule);
  const scopes = new Map([...charges].map(([name, { scope }]) => [name, scope]));
  return findNamedCharges(all, scopes).flatMap(({ index, allowed }) => {
    const own = ownRules.findIndex(({ id }) => id === all[index]?.id);
    return own < 0 ? [] : [{ path: ['rules', own, 'amount'], allowed }];
  });
}

function checkScopeElsewhere(charge: string, scope: string | undefined, { scopeElsewhere }: TableReferences): readonly Finding[] {
  const other = scopeElsewhere?.(charge) ?? null;
  return other === null || scope === undefined || other.scope === scope ? [] : [{ path: ['charges', charge, 'scope'], allowed: `${other.scope}: a charge has one scope in all tables, and ${other.table} says so` }];
}

function checkRate(charge: string, vat: string | undefined, { validFrom }: FeeTable, { hasRate }: TableReferences): readonly Finding[] {
  return vat === undefined || hasRate === undefined || hasRate(vat, validFrom.slice(0, 10)) ? [] : [{ path: ['charges', charge, 'vat'], allowed: `a tax code with a rate on ${validFrom.slice(0, 10)}` }];
}
