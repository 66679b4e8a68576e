import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine, type Machine } from '../../bench/machine.js';
import { projectRoot } from '../../services/places.js';
import { type RunningServices, startServices } from '../../services/start.js';
import { createDatabase } from '../../workers/store/database.js';
import { chaos } from './chaos/chaos.js';
import { customers } from './customers.js';
import { fees } from './fees.js';
import { fuzz } from './fuzz/fuzz.js';
import { hotelBookings } from './hotel-bookings.js';
import { identities } from './identities.js';
import { matching } from './matching.js';
import { unprotected } from './chaos/unprotected.js';
import { permutations } from './permutations.js';
import type { Claim, Proof, ProofTools } from './proof.js';

/** Everything that takes longer than a test may. To add one: a file beside this, and its name here. */
const proofs: readonly Proof[] = [permutations, identities, hotelBookings, fees, matching, customers, chaos, unprotected, fuzz];

const usage = `npm run proof -- [NAME…] [OPTION…]

Proofs, all of them when none is named:
${proofs.map(helpOf).join('\n')}

Examples:
  npm run proof -- permutations
  npm run proof -- chaos --seeds 50
  npm run proof -- fuzz --inputs 5000 --seed 7

Results are written to bench/results/proof-<name>.json. Exit code 1: something did not hold.`;

const { positionals, values: { help, ...options } } = read();
const unknown = positionals.filter((name) => !proofs.some((proof) => proof.name === name));
if (help === true || unknown.length > 0) {
  process.stdout.write(`${unknown.length > 0 ? `There is no proof ${unknown.join(', ')}.\n\n` : ''}${usage}\n`);
  process.exit(unknown.length > 0 ? 2 : 0);
}

// Ended from outside, a proof takes its processes along: those that it started go when it exits.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => { process.exit(1); });

const chosen = proofs.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
for (const proof of chosen) await prove(proof);
process.exit(); // kafkajs may leave a timer behind that never ends

function helpOf({ name, meaning, options: own = {} }: Proof): string {
  return [`  ${name.padEnd(16)} ${meaning}`, ...Object.entries(own).map(([option, { value, meaning: about }]) => `    --${option} ${value}: ${about}`)].join('\n');
}

/** The words of the command. An option that no proof has is told with the help: exit code 2. */
function read() {
  const own = proofs.flatMap((proof) => Object.keys(proof.options ?? {}));
  try {
    return parseArgs({ allowPositionals: true, options: { help: { type: 'boolean' }, ...Object.fromEntries(own.map((name) => [name, { type: 'string' as const }])) } });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}\n`);
    return process.exit(2);
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Each proof has servers of its own: none reads what another has published. */
async function prove(proof: Proof): Promise<void> {
  say(`\n${proof.name}: ${proof.meaning}`);
  const loadBefore = loadavg()[0] ?? 0;
  const services = await startServices({ environment: {}, onProgress: say });
  try {
    const began = performance.now();
    const result = await proof.run(services.environment, say, { services, options: optionsOf(proof) });
    const { claims, details } = 'claims' in result ? result : { claims: result, details: {} };
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    await write(proof, claims, { seconds, machine: await machineOf(services, loadBefore), ...details });
    for (const { claim, ok, found } of claims) say(`  ${ok ? 'holds ' : 'FAILED'}  ${claim}: ${found}`);
    if (claims.length === 0 || claims.some(({ ok }) => !ok)) process.exitCode = 1;
  } finally {
    await services.stop();
  }
}

function optionsOf(proof: Proof): ProofTools['options'] {
  return Object.fromEntries(Object.entries(options).filter((entry): entry is [string, string] => entry[0] in (proof.options ?? {}) && typeof entry[1] === 'string'));
}

async function machineOf({ environment }: RunningServices, loadBefore: number): Promise<Machine> {
  const database = createDatabase(environment.DATABASE_URL);
  try {
    return await describeMachine(database, environment.REDIS_URL, loadBefore);
  } finally {
    await database.close();
  }
}

async function write({ name, meaning }: Proof, claims: readonly Claim[], circumstances: object): Promise<void> {
  const folder = join(projectRoot(), 'bench', 'results');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `proof-${name}.json`), `${JSON.stringify({ proof: name, meaning, date: new Date().toISOString(), ...circumstances, claims }, null, 2)}\n`);
}
