import { audit } from '../store/audit.js';
import { ordersOfCustomers } from '../store/customer-master.js';
import type { Database, Queryable } from '../store/database.js';
import { markStale, raiseFactsVersion, takeFactsLockExclusively } from '../store/facts-lock.js';
import { endMerge, insertMerge, lockCustomers, setMergedInto, type MergeableCustomer } from '../store/merges.js';
import { forgetNotSame, notSame } from '../store/reviews.js';

/** What somebody asked for about customers cannot be done; the message says why and what to do. */
export class CustomerRefused extends Error {
  override readonly name = 'CustomerRefused';
}

interface UnmergeRequest {
  /** Id of the customer. */
  readonly customer: string;
  readonly reason: string;
  readonly actor: string;
  readonly now: Date;
  /** Called within the transaction, when the orders concerned are marked, before anything is committed; throwing takes everything back. */
  readonly preview?: (tx: Queryable) => Promise<void>;
}

export interface MergeRequest extends UnmergeRequest {
  /** Id of the customer that it is. */
  readonly into: string;
  /** Though a person said that they are two. */
  readonly replace?: boolean;
}

export interface Merged {
  readonly customer: string;
  /** The customer that it is merged into, or was. */
  readonly into: string;
  /** Whose orders the customer's orders are now. */
  readonly root: string;
  /** Orders that have to be linked and rated again. */
  readonly stale: number;
}

/**
 * Says that a customer is another one, which survives. Links stay with the customer that they found, so it can be taken back exactly;
 * orders are those of the surviving customer, and are rated by its fee tables.
 * @throws CustomerRefused
 */
export async function mergeCustomers(database: Database, { customer: id, into: intoId, replace = false, reason, actor, now, preview }: MergeRequest): Promise<Merged> {
  return database.transaction(async (tx) => {
    await takeFactsLockExclusively(tx);
    const [customer, into] = await found(tx, [id, intoId]);
    if (customer === undefined || into === undefined) throw new CustomerRefused('two customers are needed');
    if (customer.rootId === into.rootId) throw new CustomerRefused(`customer ${id} and customer ${intoId} are one already`);
    if (customer.mergedInto !== null) throw new CustomerRefused(`customer ${id} is merged into ${customer.mergedInto} already: take that back first (midline customers unmerge ${id}), or merge ${customer.rootId}`);
    if (customer.kind !== into.kind) throw new CustomerRefused(`a ${customer.kind} is no ${into.kind}: customer ${id} and customer ${intoId} cannot be one`);
    const told = await notSame(tx, id, intoId);
    if (told !== undefined && !replace) throw new CustomerRefused(`${told.actor} said that customer ${id} is not customer ${intoId}: ${told.reason}; to decide anew: --replace`);
    const replaced = told === undefined ? [] : await forgetNotSame(tx, id, intoId);
    await setMergedInto(tx, id, into);
    await insertMerge(tx, { customerId: id, intoId, reason, actor, at: now });
    const orders = await ordersOfCustomers(tx, [id]);
    await change(tx, orders, `customer ${id} is customer ${intoId}: ${reason}`);
    const merged = { customer: id, into: intoId, root: into.rootId, stale: orders.length };
    await audit(tx, actor, 'customers merge', id, { into: intoId, reason, stale: orders.length, ...(replaced.length > 0 && { replaced }) }, now);
    await preview?.(tx);
    return merged;
  });
}

/** Takes a merge back: the customer is itself again, with whoever was merged into it. @throws CustomerRefused */
export async function unmergeCustomer(database: Database, { customer: id, reason, actor, now, preview }: UnmergeRequest): Promise<Merged> {
  return database.transaction(async (tx) => {
    await takeFactsLockExclusively(tx);
    const [customer] = await found(tx, [id]);
    if (customer?.mergedInto == null) throw new CustomerRefused(`customer ${id} is not merged into another one (midline customers show ${id} tells who was merged into it)`);
    const orders = await ordersOfCustomers(tx, [id]);
    await setMergedInto(tx, id, null);
    await endMerge(tx, { customerId: id, reason, actor, at: now });
    await change(tx, orders, `customer ${id} is not customer ${customer.mergedInto}: ${reason}`);
    await audit(tx, actor, 'customers unmerge', id, { from: customer.mergedInto, reason, stale: orders.length }, now);
    await preview?.(tx);
    return { customer: id, into: customer.mergedInto, root: id, stale: orders.length };
  });
}

/** The customers in the order of `ids`. */
async function found(tx: Queryable, ids: readonly string[]): Promise<readonly MergeableCustomer[]> {
  const customers = new Map((await lockCustomers(tx, ids)).map((customer) => [customer.id, customer]));
  return ids.map((id) => {
    const customer = customers.get(id);
    if (customer === undefined) throw new CustomerRefused(`there is no customer ${id}: look with midline customers find`);
    return customer;
  });
}

async function change(tx: Queryable, orders: readonly string[], cause: string): Promise<void> {
  await markStale(tx, orders, cause);
  await raiseFactsVersion(tx);
}
