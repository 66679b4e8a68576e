import { CustomerRefused } from '../actions/merge-customers.js';
import { findCustomerByName } from '../store/customers.js';
import type { Database } from '../store/database.js';

/** The id of the very customer that a person names by id or as `source:id`, not of the one it was merged into. @throws CustomerRefused */
export async function namedCustomer(database: Database, name: string): Promise<string> {
  const [id, ...others] = await findCustomerByName(database, name);
  if (id === undefined) throw new CustomerRefused(`there is no customer ${name}: look with midline customers find`);
  if (others.length > 0) throw new CustomerRefused(`${name} names the customers ${[id, ...others].join(' and ')}: say which by its id`);
  const [{ erased } = { erased: null }] = await database.query<{ readonly erased: Date | null }>('select erased_at as erased from customer where id = $1', [id]);
  if (erased !== null) throw new CustomerRefused(`customer ${id} was erased on ${erased.toISOString().slice(0, 10)}`);
  return id;
}
