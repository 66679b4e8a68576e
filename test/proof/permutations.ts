import fc from 'fast-check';
import { migrationSource } from '../../migrations/index.js';
import { createDatabase } from '../../workers/store/database.js';
import { migrate } from '../../workers/store/schema.js';
import { createCodec } from '../../workers/topics/codec.js';
import { prepareFees, scenario, settleScenario } from '../actions/disordered-histories.js';
import { type Proof, same } from './proof.js';

const [seeds, perSeed] = [10, 100];

/** The property that matters most, on the real database, with many seeds. */
export const permutations: Proof = {
  name: 'permutations',
  meaning: `${seeds * perSeed} random booking histories settled in order, and again in any order, doubled, cut into any batches, through two partitions: same orders, same ledger`,
  async run(environment, say) {
    await migrate(environment.DATABASE_URL, migrationSource);
    const db = createDatabase(environment.DATABASE_URL);
    const codec = createCodec({ registryUrl: environment.SCHEMA_REGISTRY_URL });
    await codec.register();
    await prepareFees(db);
    const different: string[] = [];
    const miscounted: string[] = [];
    let number = 0;
    for (let seed = 1; seed <= seeds; seed += 1) {
      for (const one of fc.sample(scenario, { numRuns: perSeed, seed })) {
        number += 1;
        const { calm, wild, counts, expected } = await settleScenario(db, codec, one, number);
        if (JSON.stringify(calm) !== JSON.stringify(wild)) different.push(`seed ${seed}, number ${number}`);
        if (JSON.stringify(counts) !== JSON.stringify(expected)) miscounted.push(`seed ${seed}, number ${number}`);
      }
      say(`  seed ${seed} of ${seeds}`);
    }
    await db.close();
    return [same('histories settled', number, seeds * perSeed), same('histories with another order or ledger', different, []), same('histories with wrong counts', miscounted, [])];
  },
};
