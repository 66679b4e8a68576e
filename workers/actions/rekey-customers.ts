import { foreignKeys } from '../domain/customer-profile.js';
import { matchKeys, type Key } from '../domain/match/keys.js';
import { audit } from '../store/audit.js';
import { addKeys, lockCustomersBehind, type KeyableCustomer } from '../store/customer-master.js';
import type { Database } from '../store/database.js';

export interface RekeyOptions {
  readonly actor: string;
  readonly now: Date;
  readonly onProgress: (customers: number) => void;
}

export interface Rekeyed {
  readonly customers: number;
  /** Keys that were missing. */
  readonly added: number;
}

const atOnce = 1000;

/**
 * Adds the keys that this build looks for and older builds did not make, so that customers are found by them before anything about them changes.
 * In transactions of a thousand customers; nothing is taken away, and doing it again adds nothing.
 */
export async function rekeyCustomers(database: Database, { actor, now, onProgress }: RekeyOptions): Promise<Rekeyed> {
  const total = { customers: 0, added: 0 };
  let page: readonly KeyableCustomer[];
  let last = '0';
  do {
    page = await database.transaction(async (tx) => {
      const customers = await lockCustomersBehind(tx, last, atOnce);
      total.added += await addKeys(tx, customers.flatMap((customer) => keysOf(customer).map((key) => ({ ...key, id: customer.id }))));
      return customers;
    });
    last = page.at(-1)?.id ?? last;
    onProgress(total.customers += page.length);
  } while (page.length === atOnce);
  await audit(database, actor, 'customers rekey', 'customers', total, now);
  return total;
}

/** What somebody is found by besides the external id, which nobody but its source can tell. */
function keysOf({ kind, party, profile }: KeyableCustomer): readonly Key[] {
  const { externalId: _externalId, ...rest } = party;
  return [...matchKeys(rest, 'payer', { source: '', country: party.addresses?.[0]?.country ?? null }, profile), ...foreignKeys(profile, kind)];
}
