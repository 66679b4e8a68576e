import type { FeeScope } from '../../../schemas/fee-table.js';
import { compareCodePoints } from '../event-order.js';
import type { EffectiveCharge, EffectiveTable } from './compile.js';

/** A charge with the tables of a chain that have it, nearest first: the first decides. */
export interface PlannedCharge {
  readonly name: string;
  readonly scope: FeeScope;
  readonly tables: readonly { readonly table: EffectiveTable; readonly charge: EffectiveCharge }[];
  /** Transaction types that some rule names. */
  readonly types: ReadonlySet<string>;
}

/** The charges of a chain of tables in the order of rating. */
export type ChargePlan = readonly PlannedCharge[];

/** Charges are rated after those of which they take percentages, else by name. */
export function planCharges(chain: readonly EffectiveTable[]): ChargePlan {
  const names = [...new Set(chain.flatMap(({ charges }) => [...charges.keys()]))].sort(compareCodePoints);
  const planned = names.flatMap((name) => planCharge(name, chain) ?? []);
  const left = new Map(planned.map((charge) => [charge.name, charge]));
  const ordered: PlannedCharge[] = [];
  while (left.size > 0) {
    const [first] = left.values();
    const next = [...left.values()].find((charge) => !namesOf(charge).some((name) => name !== charge.name && left.has(name))) ?? first;
    if (next === undefined) break;
    ordered.push(next);
    left.delete(next.name);
  }
  return ordered;
}

function planCharge(name: string, chain: readonly EffectiveTable[]): PlannedCharge | null {
  const tables = chain.flatMap((table) => {
    const charge = table.charges.get(name);
    return charge === undefined ? [] : [{ table, charge }];
  });
  const [nearest] = tables;
  return nearest === undefined ? null : { name, scope: nearest.charge.scope, tables, types: new Set(tables.flatMap(({ charge }) => [...charge.byType.keys()])) };
}

const namesOf = ({ tables }: PlannedCharge): readonly string[] => tables.flatMap(({ charge }) => [...charge.names]);
