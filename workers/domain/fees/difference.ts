import type { FeeTable } from '../../../schemas/fee-table.js';

export interface TableDifference {
  /** What it is about: `head`, `zone home`, `charge hotel-fee`, `rule late`. */
  readonly part: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Of a changed part, with dots for depth; null: the part as a whole. */
  readonly field: string | null;
  readonly before: string | null;
  readonly after: string | null;
}

/** What one version of a table says otherwise than another. The order of rules says nothing, so it is no difference. */
export function tableDifferences(before: FeeTable, after: FeeTable): readonly TableDifference[] {
  const [{ rules: rulesBefore = [], charges: chargesBefore = {}, zones: zonesBefore = {}, ...headBefore }, { rules: rulesAfter = [], charges: chargesAfter = {}, zones: zonesAfter = {}, ...headAfter }] = [before, after];
  return [
    ...fieldDifferences('head', headBefore, headAfter),
    ...partDifferences('zone', new Map(Object.entries(zonesBefore)), new Map(Object.entries(zonesAfter))),
    ...partDifferences('charge', new Map(Object.entries(chargesBefore)), new Map(Object.entries(chargesAfter))),
    ...partDifferences('rule', new Map(rulesBefore.map((rule) => [rule.id, rule])), new Map(rulesAfter.map((rule) => [rule.id, rule]))),
  ];
}

function partDifferences(kind: string, before: ReadonlyMap<string, object>, after: ReadonlyMap<string, object>): readonly TableDifference[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((name): readonly TableDifference[] => {
    const [old, now] = [before.get(name), after.get(name)];
    const part = `${kind} ${name}`;
    if (old === undefined) return [{ part, change: 'added', field: null, before: null, after: JSON.stringify(now) }];
    if (now === undefined) return [{ part, change: 'removed', field: null, before: JSON.stringify(old), after: null }];
    return fieldDifferences(part, old, now);
  });
}

function fieldDifferences(part: string, before: object, after: object): readonly TableDifference[] {
  const [old, now] = [leavesOf(before), leavesOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].filter((field) => old.get(field) !== now.get(field)).map((field): TableDifference =>
    ({ part, change: 'changed', field: field === '' ? null : field, before: old.get(field) ?? null, after: now.get(field) ?? null }));
}

/** The texts of a value by their path; lists are one text, the one of a list of one is that of its element. */
function leavesOf(value: unknown, path = ''): ReadonlyMap<string, string> {
  if (typeof value !== 'object' || value === null) return new Map([[path, String(value)]]);
  if (Array.isArray(value)) return new Map([[path, value.every((element) => typeof element !== 'object') ? value.join(', ') : JSON.stringify(value)]]);
  return new Map(Object.entries(value).flatMap(([name, part]) => [...leavesOf(part, path === '' ? name : `${path}.${name}`)]));
}
