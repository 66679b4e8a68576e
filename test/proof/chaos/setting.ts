import type { ServiceEnvironment } from '../../../services/start.js';
import { createDatabase } from '../../../workers/store/database.js';
import { midline } from '../proof.js';
import { addAccounts, foundAgency } from './agency.js';

/** People and companies that travel. */
export const population = { customers: 150, companies: 4 };

/** Encrypts what is stored of special-category data: any key will do. */
export const encryptionKey = Buffer.alloc(32, 7).toString('base64');

/** Puts into an empty database what is the same in every world: schema, org units, fee tables and who has them. */
export async function prepareTemplate(environment: ServiceEnvironment): Promise<void> {
  await midline({ ...environment }, 'migrate');
  const database = createDatabase(environment.DATABASE_URL);
  try {
    await foundAgency(database);
  } finally {
    await database.close();
  }
}

/** Adds the corporate accounts that bookings of this seed name. Nobody else is known beforehand: the customers are made as they come. */
export async function addCustomers(databaseUrl: string, seed: number): Promise<void> {
  const database = createDatabase(databaseUrl);
  try {
    await addAccounts(database, { seed, ...population });
  } finally {
    await database.close();
  }
}
