import { audit } from '../store/audit.js';
import { belongsToOrder, closeCase, insertCase, lockCase, openCaseAgain, type CaseKind, type CustomerCase } from '../store/cases.js';
import type { Database, Queryable } from '../store/database.js';
import { CustomerRefused } from './merge-customers.js';
import { findOrder } from './orders.js';

interface Doing {
  readonly actor: string;
  readonly now: Date;
}

export interface OpenCaseRequest extends Doing {
  readonly customer: string;
  /** `source:bookingRef`; null: it is about no order. */
  readonly order: string | null;
  readonly kind: CaseKind;
  readonly subject: string;
  readonly body: string | null;
}

/** Opens a case. The audit log says that, not what it is about. @throws CustomerRefused, OrderNotFound */
export async function openCase(database: Database, { customer, order: ref, kind, subject, body, actor, now }: OpenCaseRequest): Promise<{ readonly case: string }> {
  if (subject.trim() === '') throw new CustomerRefused('a case needs a subject');
  return database.transaction(async (tx) => {
    const order = ref === null ? null : await findOrder(tx, ref);
    if (order !== null && !await belongsToOrder(tx, customer, order.id)) throw new CustomerRefused(`customer ${customer} has no place in ${order.source}:${order.bookingRef}: open the case for one of its people (midline match explain ${order.source}:${order.bookingRef})`);
    const id = await insertCase(tx, { customerId: customer, orderId: order?.id ?? null, kind, subject: subject.trim(), body, at: now, by: actor });
    await audit(tx, actor, 'customers case open', id, { customer, kind, order: order?.id ?? null }, now);
    return { case: id };
  });
}

/** Closes a case with what the customer was answered. @throws CustomerRefused */
export async function answerCase(database: Database, { case: id, answer, actor, now }: Doing & { readonly case: string; readonly answer: string }): Promise<CustomerCase> {
  if (answer.trim() === '') throw new CustomerRefused('say what the customer was answered');
  return changeCase(database, id, 'open', 'customers case close', { actor, now }, (tx) => closeCase(tx, id, { answer: answer.trim(), at: now, by: actor }));
}

/** Opens a closed case again: it has no answer until it is closed again, the one before is kept as an earlier one. @throws CustomerRefused */
export async function reopenCase(database: Database, { case: id, actor, now }: Doing & { readonly case: string }): Promise<CustomerCase> {
  return changeCase(database, id, 'closed', 'customers case reopen', { actor, now }, (tx) => openCaseAgain(tx, id));
}

async function changeCase(database: Database, id: string, from: CustomerCase['state'], action: string, { actor, now }: Doing, change: (tx: Queryable) => Promise<void>): Promise<CustomerCase> {
  return database.transaction(async (tx) => {
    const found = /^\d{1,18}$/.test(id) ? await lockCase(tx, id) : undefined;
    if (found === undefined) throw new CustomerRefused(`there is no case ${id}: look with midline customers case list`);
    if (found.state !== from) throw new CustomerRefused(`case ${id} is ${found.state} already`);
    await change(tx);
    await audit(tx, actor, action, id, { customer: found.customerId }, now);
    return (await lockCase(tx, id)) ?? found;
  });
}
