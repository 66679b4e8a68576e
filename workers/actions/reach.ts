import { emailOf, phoneOf } from '../domain/match/contacts.js';
import { audit } from '../store/audit.js';
import { markDeliverable } from '../store/contacts.js';
import type { Database } from '../store/database.js';
import { liftMailingBlocks, saveMailingBlocks } from '../store/mailing-blocks.js';
import { selvesOf } from '../store/merges.js';
import { CustomerRefused } from './merge-customers.js';

interface Doing {
  readonly actor: string;
  readonly now: Date;
}

/** Whose blocks people set. */
const byHand = 'cli';

/** No advertising to a customer up to and with a day (null: for ever). Mail about its bookings goes on. @throws CustomerRefused */
export async function blockMailing(database: Database, { customer, until, reason, actor, now }: Doing & { readonly customer: string; readonly until: string | null; readonly reason: string }): Promise<void> {
  if (until !== null && until < now.toISOString().slice(0, 10)) throw new CustomerRefused(`${until} is over: a block ends with its last day`);
  await database.transaction(async (tx) => {
    await saveMailingBlocks(tx, [{ customerId: customer, source: byHand, until, reason, at: now, by: actor }]);
    await audit(tx, actor, 'customers block-mail', customer, { until }, now);
  });
}

/** Lifts what people have blocked, of the customer and everybody who is one with it. What the master data blocks stays. @throws CustomerRefused */
export async function unblockMailing(database: Database, { customer, reason, actor, now }: Doing & { readonly customer: string; readonly reason: string | null }): Promise<void> {
  await database.transaction(async (tx) => {
    const lifted = await liftMailingBlocks(tx, await selvesOf(tx, [customer]), byHand, { at: now, by: actor, reason });
    if (lifted === 0) throw new CustomerRefused(`nobody has blocked mailings to customer ${customer} by hand; what the master data says is lifted there`);
    await audit(tx, actor, 'customers unblock-mail', customer, { lifted }, now);
  });
}

export interface DeliverabilityRequest extends Doing {
  readonly contact: string;
  readonly country: string | null;
  readonly deliverable: boolean;
  readonly reason: string | null;
}

/** Notes that a contact point reaches nobody, or that it does. How many customers have it. @throws CustomerRefused */
export async function noteDeliverability(database: Database, { contact, country, deliverable, reason, actor, now }: DeliverabilityRequest): Promise<number> {
  const [email, phone] = [emailOf(contact), phoneOf(contact, country)];
  const [kind, value] = email !== undefined ? ['email', email] as const : phone !== undefined ? ['phone', phone] as const : ['address', contact.trim()] as const;
  return database.transaction(async (tx) => {
    const customers = await markDeliverable(tx, kind, value, { deliverable, at: now, reason });
    if (customers === 0) throw new CustomerRefused(`nobody has the contact point ${value}; write it as midline customers show prints it`);
    await audit(tx, actor, deliverable ? 'customers deliverable' : 'customers undeliverable', kind, { customers }, now);
    return customers;
  });
}
