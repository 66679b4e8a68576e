import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine, type Machine } from '../../bench/machine.js';
import { projectRoot } from '../../services/places.js';
import { type RunningServices, startServices } from '../../services/start.js';
import { createDatabase } from '../../workers/store/database.js';
import { hotelBookings } from './hotel-bookings.js';
import { identities } from './identities.js';
import { permutations } from './permutations.js';
import type { Proof, ProofResult } from './proof.js';

/** Everything that takes longer than a test may. To add one: a file beside this, and its name here. */
const proofs: readonly Proof[] = [permutations, identities, hotelBookings];

const usage = `npm run proof -- [NAME…]

Proofs, all of them when none is named:
${proofs.map(({ name, meaning }) => `  ${name.padEnd(16)} ${meaning}`).join('\n')}

Results are written to bench/results/proof-<name>.json. Exit code 1: something did not hold.`;

const { positionals, values } = parseArgs({ allowPositionals: true, options: { help: { type: 'boolean' } } });
const unknown = positionals.filter((name) => !proofs.some((proof) => proof.name === name));
if (values.help === true || unknown.length > 0) {
  process.stdout.write(`${unknown.length > 0 ? `There is no proof ${unknown.join(', ')}.\n\n` : ''}${usage}\n`);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const chosen = proofs.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
for (const proof of chosen) await prove(proof);

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
    const claims = await proof.run(services.environment, say);
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    await write(proof, claims, { seconds, machine: await machineOf(services, loadBefore) });
    for (const { claim, ok, found } of claims) say(`  ${ok ? 'holds ' : 'FAILED'}  ${claim}: ${found}`);
    if (claims.length === 0 || claims.some(({ ok }) => !ok)) process.exitCode = 1;
  } finally {
    await services.stop();
  }
}

async function machineOf({ environment }: RunningServices, loadBefore: number): Promise<Machine> {
  const database = createDatabase(environment.DATABASE_URL);
  try {
    return await describeMachine(database, environment.REDIS_URL, loadBefore);
  } finally {
    await database.close();
  }
}

async function write({ name, meaning }: Proof, claims: ProofResult, circumstances: object): Promise<void> {
  const folder = join(projectRoot(), 'bench', 'results');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `proof-${name}.json`), `${JSON.stringify({ proof: name, meaning, date: new Date().toISOString(), ...circumstances, claims }, null, 2)}\n`);
}
