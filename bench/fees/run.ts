import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../services/places.js';
import { compileFeeTable } from '../../workers/domain/fees/compile.js';
import { createFeeWorld } from '../../workers/domain/fees/world.js';
import { describeHost, loadNow, type Machine } from '../machine.js';
import { spreadOf, type Spread } from '../statistics.js';
import { type Decide, inPrecedence, jsonRulesEngine, midlineEngine, zenEngine } from './engines.js';
import { benchOrders, type BenchOrder } from './points.js';
import { benchRules, tableOf } from './table.js';

export interface FeeBenchSettings {
  readonly rules: number;
  /** Items that are charged; each is a fee point. */
  readonly points: number;
  readonly rounds: number;
  readonly seed: number;
}

export interface EngineSpeed {
  readonly engine: string;
  readonly pointsPerSecond: Spread;
  /** How many times as fast midline is, median by median. */
  readonly ratio: number;
}

export interface FeeBenchResult {
  readonly date: string;
  readonly machine: Machine;
  readonly settings: FeeBenchSettings;
  readonly points: number;
  readonly orders: number;
  /** Rules that won at least once. */
  readonly winners: number;
  readonly engines: readonly EngineSpeed[];
}

/** An engine measured for less than this decides the same points again, in milliseconds. */
const atLeast = 1_000;

/**
 * How many fee points a second three engines decide by the same rules, in turns, on the same orders. midline also computes amount, VAT and ledger entry; the
 * others only name the winner, get the facts prepared and the rules sorted by precedence.
 * @throws Error where two engines name different winners
 */
export async function benchFees(settings: FeeBenchSettings, onProgress: (text: string) => void): Promise<FeeBenchResult> {
  const loadBefore = loadNow();
  const rules = benchRules(settings.rules, settings.seed);
  const compiled = compileFeeTable(tableOf(rules), 1);
  const orders = benchOrders(settings.points, settings.seed);
  const world = createFeeWorld({
    ownerZone: 'Europe/Berlin', tables: [{ table: 'bench', version: 1, validFrom: 0, compiled }], assignments: [{ subject: { kind: 'default' }, table: 'bench' }],
    taxCodes: [{ code: 'standard', rates: [{ percent: '19' }] }],
  });
  const sorted = inPrecedence(rules, compiled);
  const engines = { midline: midlineEngine(world), 'json-rules-engine': jsonRulesEngine(sorted), '@gorules/zen-engine': zenEngine(sorted) };
  const winners = await sameWinners(engines, orders);
  const speeds = new Map<string, number[]>();
  for (let round = 1; round <= settings.rounds; round += 1) {
    for (const [engine, decide] of Object.entries(engines)) {
      const speed = await speedOf(decide, orders, winners.length);
      speeds.set(engine, [...speeds.get(engine) ?? [], speed]);
      onProgress(`round ${round} of ${settings.rounds}: ${engine} ${speed} fee points a second`);
    }
  }
  const own = spreadOf(speeds.get('midline') ?? []).median;
  return {
    date: new Date().toISOString(), machine: describeHost(loadBefore, ['json-rules-engine', '@gorules/zen-engine']), settings, points: winners.length, orders: orders.length, winners: new Set(winners).size,
    engines: [...speeds].map(([engine, values]) => {
      const pointsPerSecond = spreadOf(values);
      return { engine, pointsPerSecond, ratio: Math.round(own / pointsPerSecond.median * 10) / 10 };
    }),
  };
}

async function sameWinners(engines: Readonly<Record<'midline' | 'json-rules-engine' | '@gorules/zen-engine', Decide>>, orders: readonly BenchOrder[]): Promise<readonly (string | null)[]> {
  const own = await engines.midline(orders);
  for (const [engine, decide] of Object.entries(engines)) {
    const winners = await decide(orders);
    const at = own.findIndex((winner, place) => winner === null || winners[place] !== winner);
    if (at >= 0 || winners.length !== own.length) throw new Error(`fee point ${at}: midline says ${own[at]}, ${engine} ${winners[at]} (${own.length} and ${winners.length} points)`);
  }
  return own;
}

async function speedOf(decide: Decide, orders: readonly BenchOrder[], points: number): Promise<number> {
  const began = performance.now();
  let decided = 0;
  while (performance.now() - began < atLeast) {
    await decide(orders);
    decided += points;
  }
  return Math.round(decided / (performance.now() - began) * 1_000);
}

/** Writes the result beside those of the pipeline and returns the file's path. */
export async function saveFeeBench(result: FeeBenchResult): Promise<string> {
  const folder = join(projectRoot(), 'bench', 'results');
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'bench-fees.json');
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
  return file;
}
