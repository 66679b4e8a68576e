import { applyFeeTable, approveFeeTable, readFeeTable } from '../../workers/actions/fee-tables.js';
import type { RerateDependencies } from '../../workers/actions/rerate.js';
import { createFactsCache } from '../../workers/actions/settle/facts.js';
import { createWire } from '../../workers/actions/settle/wire.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { createCodec } from '../../workers/topics/codec.js';
import { migratedDatabase, servers } from '../servers.js';

/** A database of its own, and what actions need that rate orders. */
export async function createRatingWorld(): Promise<{ readonly tools: RerateDependencies; readonly drop: () => Promise<void> }> {
  const created = await migratedDatabase();
  const database = createDatabase(created.url, { max: 4 });
  const codec = createCodec({ registryUrl: (await servers()).registryUrl });
  await codec.register();
  return {
    tools: { database, codec, wire: createWire(codec, null), factsAt: createFactsCache() },
    drop: async () => {
      await database.close();
      await created.drop();
    },
  };
}

/** Applies a fee table (YAML) and approves it for the past as well; it is assigned to nobody. */
export async function approvedFeeTable(database: Database, text: string): Promise<void> {
  const doing = { actor: 'anna', now: new Date() };
  const read = readFeeTable(text, 'table.yaml');
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  await applyFeeTable(database, read.table, text, doing);
  await approveFeeTable(database, { ...doing, table: read.table.feeTable, backdate: true, reason: 'test', fourEyes: false });
}
