import { join } from 'node:path';
import { projectRoot } from '../../../services/places.js';
import { createRandom } from '../../../workers/domain/generate/random.js';
import { type Claim, type Proof, same } from '../proof.js';
import { type Scenario, scenarios } from './scenarios.js';
import { measureSpeed } from './speed.js';
import { createStage, runWorld, sessionTimeout, type WorldReport } from './world.js';

const faultsOfSeed = 4;
const fewSeeds = 3;
/** The contract: session timeout and five seconds. */
const recoveryLimit = sessionTimeout / 1_000 + 5;
const workerKills = ['kill-ingest', 'kill-relay', 'kill-outreach'];

/** Kills, freezes, cuts and slows everything that there is, and looks whether anything was lost or doubled. */
export const chaos: Proof = {
  name: 'chaos',
  meaning: `${scenarios.length} ways to kill, freeze, cut off and slow down workers and servers under load: nothing lost, nothing doubled, work goes on by itself`,
  options: {
    seeds: { value: 'N', meaning: `worlds, each with ${faultsOfSeed} faults; ${fewSeeds} when left out` },
    seed: { value: 'N', meaning: 'the first seed; 1 when left out' },
    scenario: { value: 'NAME', meaning: `only this one, once a world: ${scenarios.map(({ name }) => name).join(', ')}` },
  },
  async run(_environment, say, { services, options }) {
    const chosen = options['scenario'] === undefined ? scenarios : scenarios.filter(({ name }) => name === options['scenario']);
    if (chosen.length === 0) throw new Error(`There is no scenario ${options['scenario']}; npm run proof -- --help lists them.`);
    const [seeds, first] = [Number(options['seeds'] ?? fewSeeds), Number(options['seed'] ?? 1)];
    const dist = join(projectRoot(), 'dist');
    const reports: WorldReport[] = [];
    const stage = await createStage(services);
    try {
      const speed = options['scenario'] === undefined ? await measureSpeed(stage, dist, say) : null;
      for (let seed = first; seed < first + seeds; seed += 1) {
        const drawn = scenariosOf(seed, chosen);
        say(`  seed ${seed} (${seed - first + 1} of ${seeds}): ${drawn.map(({ name }) => name).join(', ')}`);
        const report = await runWorld(stage, { dist, seed, scenarios: drawn, say });
        reports.push(report);
        say(`    ${report.messages} messages in ${report.seconds} s: ${report.differences.length === 0 ? 'nothing lost, nothing doubled' : `DIFFERENT; logs in ${report.folder}`}`);
        for (const difference of report.differences) say(`      ${difference}`);
      }
      const rows = rowsOf(reports);
      say(tableOf(rows));
      return {
        claims: [...claimsOf(reports, rows), ...(speed?.claims ?? [])],
        details: { scenarios: rows, worlds: reports.map(({ seed, scenarios: endured, messages, seconds, differences }) => ({ seed, scenarios: endured, messages, seconds, differences })), speeds: speed?.speeds ?? null },
      };
    } finally {
      await stage.close();
    }
  },
};

/** All come equally often over many seeds, in an order of the seed's own. */
function scenariosOf(seed: number, chosen: readonly Scenario[]): readonly Scenario[] {
  const random = createRandom(seed, 'scenarios');
  const drawn = Array.from({ length: Math.min(faultsOfSeed, chosen.length) }, (_, n) => chosen[((seed - 1) * faultsOfSeed + n) * stride(chosen.length) % chosen.length]).filter((one) => one !== undefined);
  return drawn.map((scenario) => ({ scenario, place: random.next() })).sort((a, b) => a.place - b.place).map(({ scenario }) => scenario);
}

/** How far apart in the list those of one seed are: a number that has no divisor in common with the length, so that all are reached. */
function stride(length: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  for (let step = Math.floor(length / faultsOfSeed) + 1; ; step += 1) if (divisor(step, length) === 1) return step;
}

interface Row {
  readonly scenario: string;
  readonly meaning: string;
  readonly runs: number;
  /** Seconds; null where none recovered. */
  readonly median: number | null;
  readonly max: number | null;
  readonly notRecovered: number;
}

function rowsOf(reports: readonly WorldReport[]): readonly Row[] {
  const endured = reports.flatMap((report) => report.scenarios);
  return scenarios.flatMap(({ name, meaning }) => {
    const own = endured.filter(({ scenario }) => scenario === name);
    if (own.length === 0) return [];
    const times = own.flatMap(({ recoverySeconds }) => recoverySeconds ?? []).sort((a, b) => a - b);
    return [{ scenario: name, meaning, runs: own.length, median: times[Math.floor(times.length / 2)] ?? null, max: times.at(-1) ?? null, notRecovered: own.length - times.length }];
  });
}

function tableOf(rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string => `  ${cells[0]?.padEnd(32)}${cells.slice(1).map((cell) => cell.padStart(9)).join('')}`;
  return [line(['recovery in seconds', 'runs', 'median', 'max']), ...rows.map(({ scenario, runs, median, max, notRecovered }) => line([scenario, String(runs), String(median ?? '-'), notRecovered > 0 ? 'never' : String(max)]))].join('\n');
}

function claimsOf(reports: readonly WorldReport[], rows: readonly Row[]): readonly Claim[] {
  const kills = rows.filter(({ scenario }) => workerKills.includes(scenario));
  return [
    same('worlds in which something was lost, doubled or left unexplained', reports.filter(({ differences }) => differences.length > 0).map(({ seed, differences }) => `seed ${seed}: ${differences[0]}`), []),
    same('scenarios after which work did not go on', rows.filter(({ notRecovered }) => notRecovered > 0).map(({ scenario }) => scenario), []),
    ...kills.map(({ scenario, runs, max, notRecovered }): Claim => ({
      claim: `${scenario}: the next commit within session timeout + 5 s (${recoveryLimit} s)`, ok: notRecovered === 0 && max !== null && max <= recoveryLimit, found: `at most ${max} s in ${runs} runs`,
    })),
  ];
}
