import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceEnvironment } from '../../../services/start.js';
import { generateFiles } from '../../../workers/actions/generate.js';
import { importCustomers } from '../../../workers/actions/import-customers.js';
import { createDatabase } from '../../../workers/store/database.js';
import { midline } from '../proof.js';

export const population = { customers: 150, companies: 12 };

/** Encrypts what is stored of special-category data: any key will do. */
export const encryptionKey = Buffer.alloc(32, 7).toString('base64');

/** Puts into an empty database what is the same in every world: schema, org units, fee tables and who has them. */
export async function prepareTemplate(environment: ServiceEnvironment): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'midline-chaos-'));
  const past = ['--backdate', '--reason', 'chaos'];
  try {
    await generateFiles(folder, { ...population, seed: 1, bookings: 0, now: 0, late: 0, doubled: 0, shuffled: 0, bad: 0 });
    await midline({ ...environment }, 'migrate');
    await midline({ ...environment }, 'org-units', 'import', join(folder, 'org-units.yaml'));
    await midline({ ...environment }, 'fees', 'apply', join(folder, 'fees-standard.yaml'));
    await midline({ ...environment }, 'fees', 'approve', 'standard', ...past);
    await midline({ ...environment }, 'fees', 'assign', 'standard', '--default', '--from', '2020-01-01', '--reason', 'chaos');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Adds the customers that bookings of this seed are made by. @param folder for the file of them */
export async function addCustomers(databaseUrl: string, folder: string, seed: number): Promise<void> {
  await generateFiles(folder, { ...population, seed, bookings: 0, now: 0, late: 0, doubled: 0, shuffled: 0, bad: 0 });
  const database = createDatabase(databaseUrl);
  try {
    await importCustomers(database, { file: join(folder, 'customers.csv'), source: 'crm', country: 'DE', actor: 'chaos', now: new Date(), onProblem: () => undefined, onProgress: () => undefined });
  } finally {
    await database.close();
  }
}
