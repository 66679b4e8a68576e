import type { FeeTable } from '../../../../schemas/fee-table.js';
import { compileFeeTable, effectiveTable, mergeTables } from '../compile.js';
import { lintRule, lintZones } from './conditions.js';
import type { FeeFinding } from './finding.js';
import { lintRules } from './rules.js';

/**
 * Everything in a table that has no effect or another one than it seems to have. The table must have passed `parseFeeTable` and `checkFeeTable`.
 * Told are the table's own parts; the rules of those it extends compete with them.
 *
 * @param bases the tables that it extends, nearest first
 */
export function lintFeeTable(table: FeeTable, bases: readonly FeeTable[]): readonly FeeFinding[] {
  const [own, ...others] = [table, ...bases].map((each) => compileFeeTable(each, 1));
  if (own === undefined) return [];
  const merged = mergeTables([own, ...others]);
  const zones = new Map(Object.entries(merged.zones));
  const ids = new Set((table.rules ?? []).map(({ id }) => id));
  const ofCharges = [...effectiveTable(own, others).charges].flatMap(([name, { scope, rules }]): readonly FeeFinding[] => {
    const placed = rules.flatMap((compiled) => {
      const rule = merged.rules.get(compiled.id)?.rule;
      return rule === undefined ? [] : [{ rule, compiled }];
    });
    if (placed.length === 0) return table.charges?.[name] === undefined ? [] : [{ kind: 'charge-without-rules', level: 'warning', rule: null, field: `charges.${name}`, problem: 'no rule is for this charge', remedy: 'write one, or remove the charge' }];
    return lintRules(scope, placed).filter(({ rule }) => rule === null || ids.has(rule));
  });
  return [...(table.rules ?? []).flatMap((rule) => lintRule(rule, table, zones)), ...ofCharges, ...lintZones(table), ...unusedZones(table, merged.rules)];
}

function unusedZones({ zones = {} }: FeeTable, rules: ReturnType<typeof mergeTables>['rules']): readonly FeeFinding[] {
  const written = JSON.stringify([...rules.values()].map(({ rule }) => rule.when ?? {}));
  const isUsed = (zone: string): boolean => written.includes(JSON.stringify(zone)) || ((zone === 'home' || zone === 'near') && written.includes('"geography"'));
  return Object.keys(zones).filter((zone) => !isUsed(zone)).map((zone) => ({ kind: 'unused-zone', level: 'warning', rule: null, field: `zones.${zone}`, problem: 'no rule asks for this zone', remedy: 'remove it' }));
}
