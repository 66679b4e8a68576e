import { compileFeeTable } from '../../domain/fees/compile.js';
import type { TableVersionRow } from '../../domain/fees/types.js';
import { createFeeWorld, type FeeWorld } from '../../domain/fees/world.js';
import type { MatchModel } from '../../domain/match/model.js';
import type { EventTrigger } from '../../domain/outreach/due.js';
import type { Queryable } from '../../store/database.js';
import { sharedFeeFacts } from '../../store/fee-facts.js';
import { revisionBase } from '../../store/restores.js';
import { enabledTriggers } from '../../store/triggers.js';
import { modelInUse } from '../match-model.js';

/** What is known of a source besides what rating reads; one that was never applied declares no kinds. */
export interface SourceFacts {
  readonly kinds: ReadonlySet<string>;
}

/** Facts that hardly ever change, as they stood at one `facts_version`. */
export interface Facts {
  readonly sources: ReadonlyMap<string, SourceFacts>;
  readonly triggers: readonly EventTrigger[];
  readonly feeWorld: FeeWorld;
  /** What people are matched by. */
  readonly matchModel: MatchModel;
  /** Above what the revisions of new orders begin. */
  readonly revisionBase: number;
}

/** The facts at a version, read within a transaction. */
export type FactsCache = (tx: Queryable, version: string) => Promise<Facts>;

/**
 * Reads the facts from within a transaction that shares the facts lock, again only when `version` has changed. Compiled fee-table versions are kept for ever: they are immutable.
 * @param tablesAsIf puts other fee-table versions in the place of the approved ones, to see what would be
 */
export function createFactsCache(tablesAsIf: (approved: readonly TableVersionRow[]) => readonly TableVersionRow[] = (approved) => approved): FactsCache {
  const compiled = new Map<string, ReturnType<typeof compileFeeTable>>();
  let held: { readonly version: string; readonly facts: Facts } | null = null;

  async function load(tx: Queryable): Promise<Facts> {
    const fees = await sharedFeeFacts(tx);
    const tables = fees.versions.map((row) => {
      const name = `${row.table} ${row.version}`;
      const known = compiled.get(name) ?? compileFeeTable(row.definition, row.version);
      compiled.set(name, known);
      return { table: row.table, version: row.version, validFrom: row.validFrom, compiled: known };
    });
    const { orgUnits, taxCodes, sources, assignments } = fees;
    return {
      sources: new Map(sources.map((row) => [row.id, { kinds: new Set(row.kinds ?? []) }])),
      triggers: await enabledTriggers(tx),
      feeWorld: createFeeWorld({ orgUnits, taxCodes, sources, assignments, tables: tablesAsIf(tables) }),
      matchModel: await modelInUse(tx),
      revisionBase: await revisionBase(tx),
    };
  }

  return async (tx, version) => {
    if (held?.version !== version) held = { version, facts: await load(tx) };
    return held.facts;
  };
}
