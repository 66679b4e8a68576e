import { join } from 'node:path';
import { projectRoot } from '../../../services/places.js';
import { type Claim, type Proof, same } from '../proof.js';
import { patchedBuild } from './patched-build.js';
import { protections, type Protection } from './protections.js';
import { provocations, scenarios } from './scenarios.js';
import { createStage, runWorld, type Stage } from './world.js';

interface Row {
  readonly protection: string;
  readonly meaning: string;
  readonly scenarios: readonly string[];
  readonly caught: boolean;
  /** What the harness said first of what it must say, else what it said. */
  readonly seen: string;
  readonly differences: number;
  readonly seconds: number;
}

/** A harness that finds nothing proves nothing: each protection is taken out of a copy of the build, and its absence must be noticed. */
export const unprotected: Proof = {
  name: 'unprotected',
  meaning: `${protections.length} protections, each taken out of a copy of the build: the harness of the proof chaos must notice every one`,
  options: { protection: { value: 'NAME', meaning: `only this one: ${protections.map(({ name }) => name).join(', ')}` } },
  async run(_environment, say, { services, options }) {
    const chosen = protections.filter(({ name }) => options['protection'] === undefined || name === options['protection']);
    if (chosen.length === 0) throw new Error(`There is no protection ${options['protection']}; npm run proof -- --help lists them.`);
    const rows: Row[] = [];
    const stage = await createStage(services);
    let calm: readonly string[] = [];
    try {
      const needed = provocations.filter(({ name }) => chosen.some((protection) => protection.scenarios.includes(name)));
      say(`  with all protections: ${needed.map(({ name }) => name).join(', ')}`);
      calm = (await runWorld(stage, { dist: join(projectRoot(), 'dist'), seed, scenarios: needed, say })).differences;
      for (const difference of calm) say(`      ${difference}`);
      for (const [number, protection] of chosen.entries()) {
        say(`  without ${protection.name} (${number + 1} of ${chosen.length}): ${protection.meaning}`);
        const row = await runWithout(stage, protection, say);
        rows.push(row);
        say(`    ${row.caught ? 'noticed' : 'NOT NOTICED'} in ${row.seconds} s, ${row.differences} differences: ${row.seen}`);
      }
    } finally {
      await stage.close();
    }
    return { claims: [same('with all protections nothing is noticed', calm, []), ...rows.map(claimOf)], details: { protections: rows } };
  },
};

/** The load is that of the protection: any seed will do. */
const seed = 1;

async function runWithout(stage: Stage, protection: Protection, say: (text: string) => void): Promise<Row> {
  const { name, meaning, scenarios: needed, caught } = protection;
  const build = await patchedBuild(protection);
  try {
    const report = await runWorld(stage, { dist: build.dist, seed, scenarios: needed.map(scenarioOf), say });
    const notRecovered = report.scenarios.filter(({ recoverySeconds }) => recoverySeconds === null).map(({ scenario }) => `waited after ${scenario} in vain`);
    const said = [...report.differences, ...notRecovered];
    const seen = said.find((difference) => caught.test(difference));
    return { protection: name, meaning, scenarios: needed, caught: seen !== undefined, seen: seen ?? said[0] ?? 'nothing', differences: said.length, seconds: report.seconds };
  } finally {
    await build.delete();
  }
}

function scenarioOf(name: string) {
  const scenario = [...scenarios, ...provocations].find((one) => one.name === name);
  if (scenario === undefined) throw new Error(`There is no scenario ${name}`);
  return scenario;
}

const claimOf = ({ protection, meaning, caught, seen }: Row): Claim => ({ claim: `without ${protection} (${meaning}) something is noticed`, ok: caught, found: seen });
