import { safeParse, type z } from 'zod';
import { feeRuleSchema, type FeeTable, feeTableHeadSchema, feeTableJsonSchema } from '../../../schemas/fee-table.js';
import { checkTable, type Finding } from './check.js';
import { type Path, type Plain, readCsv, readJson, readYaml, type SourceText } from './source-text.js';

/** What is wrong with a table: where, what stands there, and what is allowed instead. */
export interface FeeTableProblem {
  /** Id of the rule, `#3` where it has none; null outside the rules. */
  readonly rule: string | null;
  readonly field: string;
  /** As written; null where it is missing. */
  readonly value: string | null;
  readonly allowed: string;
  /** From 1; null where no text is at hand. */
  readonly line: number | null;
}

export type FeeTableFormat = 'yaml' | 'json' | 'csv';
export type ParsedFeeTable = { readonly table: FeeTable } | { readonly problems: readonly FeeTableProblem[] };

const readers: Readonly<Record<FeeTableFormat, (text: string) => SourceText>> = { yaml: readYaml, json: readJson, csv: readCsv };

/**
 * Reads a fee table from a file's text, and finds everything that is wrong with it at once.
 * What needs more than the file (the tables it extends, tax codes, declared kinds) is found by `checkFeeTable`.
 *
 * @param fileName for people only
 */
export function parseFeeTable(text: string, format: FeeTableFormat, fileName: string): ParsedFeeTable {
  const source = readers[format](text);
  if (!isRecord(source.value)) {
    const allowed = source.problems[0]?.allowed ?? 'a fee table: feeTable, currency, validFrom, charges, rules';
    return { problems: [{ rule: null, field: fileName, value: null, allowed, line: source.problems[0]?.line ?? null }] };
  }
  const { rules: writtenRules = [], ...writtenHead } = source.value;
  const head = feeTableHeadSchema.safeParse(writtenHead);
  const rules = (Array.isArray(writtenRules) ? writtenRules : []).map((rule: Plain) => feeRuleSchema.safeParse(rule));
  const findings: readonly Finding[] = [
    ...source.problems,
    ...(Array.isArray(writtenRules) ? [] : [{ path: ['rules'], allowed: 'a list of rules' }]),
    ...findingsOf(head.error?.issues ?? [], []),
    ...rules.flatMap(({ error }, index) => findingsOf(error?.issues ?? [], ['rules', index])),
    ...checkTable(writtenHead, partsOf(feeTableHeadSchema, writtenHead), rules.map(({ data }, index) => data ?? partsOf(feeRuleSchema, valueAt(source.value, ['rules', index])))),
  ];
  if (findings.length > 0 || head.data === undefined) return { problems: findings.map((finding) => problemOf(finding, source)).sort((left, right) => (left.line ?? 0) - (right.line ?? 0)) };
  return { table: { ...head.data, rules: rules.flatMap(({ data }) => data ?? []) } };
}

/** Where a part of a table stands in its file: the line of a field (`when.price`; lists count from 1) of a rule, or of the head; null: unknown. */
export function lineFinder(text: string, format: FeeTableFormat): (rule: string | null, field: string) => number | null {
  const source = readers[format](text);
  const rules = valueAt(source.value, ['rules']);
  const names = Array.isArray(rules) ? rules.map((_, index) => ruleName(source.value, index)) : [];
  return (rule, field) => {
    const path = field.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) - 1 : step));
    return source.lineOf(rule === null ? path : ['rules', names.indexOf(rule), ...path]);
  };
}

/** Those fields of a record that have their form, so that what they say is checked although another field has none. */
function partsOf<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>, written: unknown): Partial<z.output<z.ZodObject<Shape>>> {
  const parts: Partial<z.output<z.ZodObject<Shape>>> = {};
  const values = objectOf(written);
  return values === null ? parts : Object.assign(parts, ...Object.entries(schema.shape).flatMap(([name, field]) => {
    const { data } = parsePart(field, values.get(name), independent.has(name));
    return data === undefined ? [] : [{ [name]: data }];
  }));
}

/** Parts whose fields do not need each other: one without its form can be left out and the others still be checked. */
const independent = new Set(['when', 'charges']);

/** Unknown fields are told once, and left out of what is checked further. */
function parsePart(field: z.core.$ZodType, written: unknown, isIndependent: boolean): { readonly data?: unknown } {
  const parsed = safeParse(field, written);
  if (parsed.success) return parsed;
  const copy: unknown = structuredClone(written);
  for (const issue of parsed.error.issues) {
    const [first] = issue.path;
    if (issue.code === 'unrecognized_keys') removeKeys(copy, issue.path, issue.keys);
    else if (isIndependent && first !== undefined) removeKeys(copy, [], [String(first)]);
    else return parsed;
  }
  return safeParse(field, copy);
}

function removeKeys(value: unknown, path: readonly PropertyKey[], keys: readonly string[]): void {
  const at = path.reduce<unknown>((part, step) => objectOf(part)?.get(String(step)), value);
  if (typeof at === 'object' && at !== null) for (const key of keys) Reflect.deleteProperty(at, key);
}

/** One line a problem: `line 12, rule air-domestic: amount.fixed is 50.005, allowed is at most 2 decimals in EUR`. */
export function problemText({ rule, field, value, allowed, line }: FeeTableProblem): string {
  const place = [line === null ? null : `line ${line}`, rule === null ? null : `rule ${rule}`].filter((part) => part !== null).join(', ');
  const what = field === '' ? allowed : `${field} ${value === null ? 'is missing or wrong' : `is ${value}`}, allowed is ${allowed}`;
  return place === '' ? what : `${place}: ${what}`;
}

const isRecord = (value: Plain): value is { readonly [key: string]: Plain } => typeof value === 'object' && value !== null && !Array.isArray(value);

function problemOf(finding: Finding & { readonly line?: number | null }, source: SourceText): FeeTableProblem {
  const { path, allowed } = finding;
  const inRules = path[0] === 'rules' && typeof path[1] === 'number';
  const fieldPath = inRules ? path.slice(2) : path;
  const value = valueAt(source.value, path);
  return {
    rule: inRules ? ruleName(source.value, Number(path[1])) : null,
    field: fieldPath.join('.'),
    value: value === undefined || fieldPath.length === 0 ? null : shortText(value),
    allowed,
    line: finding.line ?? source.lineOf(path),
  };
}

function ruleName(value: Plain, index: number): string {
  const id = valueAt(value, ['rules', index, 'id']);
  return typeof id === 'string' ? id : `#${index + 1}`;
}

function valueAt(value: Plain, path: Path): Plain | undefined {
  let at: Plain | undefined = value;
  for (const step of path) {
    if (Array.isArray(at)) at = at[Number(step)];
    else if (at !== undefined && isRecord(at)) at = at[step];
    else return undefined;
  }
  return at;
}

const longest = 60;

function shortText(value: Plain): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

type Issue = z.core.$ZodIssue;

function findingsOf(issues: readonly Issue[], prefix: Path): readonly Finding[] {
  return issues.flatMap((issue): readonly Finding[] => {
    const path = [...prefix, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => ({ path: [...path, key], allowed: fieldsText(path) }));
      case 'invalid_union': {
        const inner = deeperIssues(issue.errors);
        return inner === null ? [{ path, allowed: issue.message }] : findingsOf(inner, path);
      }
      case 'invalid_key':
        return [{ path, allowed: issue.issues[0]?.message ?? issue.message }];
      case 'invalid_type':
        return [{ path, allowed: typeNames[issue.expected] !== undefined && issue.message.startsWith('Invalid input') ? (typeNames[issue.expected] ?? '') : issue.message }];
      default:
        return [{ path, allowed: issue.message }];
    }
  });
}

const typeNames: Readonly<Record<string, string>> = { array: 'a list', object: 'fields', record: 'fields', string: 'a text' };

/** The complaints of the alternative that was meant: one that took the value itself and found fault within. */
function deeperIssues(alternatives: readonly (readonly Issue[])[]): readonly Issue[] | null {
  return alternatives.find((issues) => issues.length > 0 && issues.every(({ path, code, message }) => path.length > 0 || code === 'unrecognized_keys' || (code === 'custom' && message !== ''))) ?? null;
}

function fieldsText(path: Path): string {
  const fields = fieldsAt(feeTableJsonSchema(), path);
  return fields.length === 0 ? 'no such field' : `one of the fields ${fields.join(', ')}`;
}

/** The names of the fields that the published schema has at a path. */
function fieldsAt(schema: unknown, path: Path, root: unknown = schema): readonly string[] {
  const here = objectOf(schema);
  if (here === null) return [];
  const reference = here.get('$ref');
  if (typeof reference === 'string') {
    const [, ...steps] = reference.split('/');
    return fieldsAt(steps.reduce<unknown>((part, step) => objectOf(part)?.get(step), root), path, root);
  }
  const alternatives = here.get('anyOf');
  if (Array.isArray(alternatives)) return alternatives.map((each) => fieldsAt(each, path, root)).find((fields) => fields.length > 0) ?? [];
  const [step, ...rest] = path;
  if (step === undefined) return [...(objectOf(here.get('properties'))?.keys() ?? [])];
  if (typeof step === 'number') return fieldsAt(here.get('items'), rest, root);
  return fieldsAt(objectOf(here.get('properties'))?.get(step) ?? here.get('additionalProperties'), rest, root);
}

const objectOf = (value: unknown): ReadonlyMap<string, unknown> | null => (typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : null);
