import { CustomerRefused } from '../actions/merge-customers.js';
import { findCustomerByName } from '../store/customers.js';
import type { Database } from '../store/database.js';

/** The id of the very customer that a person names by id or as `source:id`, not of the one it was merged into. @throws CustomerRefused */
export async function namedCustomer(database: Database, name: string): Promise<string> {
  const [id, ...others] = await findCustomerByName(database, name);
  if (id === undefined) throw new CustomerRefused(`there is no customer ${name}: look with midline customers find`);
  if (others.length > 0) throw new CustomerRefused(`${name} names the customers ${[id, ...others].join(' and ')}: say which by its id`);
  return id;
}
