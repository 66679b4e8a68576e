import { randomUUID } from 'node:crypto';
import { survivor } from '../domain/match/survivorship.js';
import { checkAtSend, retryAt } from '../domain/outreach/check.js';
import { mailView, type MailView } from '../domain/outreach/mail-view.js';
import { isAddress, resolveRecipient, type Language, type Recipient } from '../domain/outreach/recipient.js';
import type { Database } from '../store/database.js';
import { claim, endClaim, readClaimed, type ClaimedMessage, type ClaimEnd } from '../store/messages.js';

export interface RenderedMail {
  readonly subject: string;
  readonly html: string;
  readonly text: string;
}

export interface OutgoingMail extends RenderedMail {
  /** The ledger's id: becomes the Message-ID, so that an unknown send can be looked up. */
  readonly messageId: string;
  readonly to: { readonly name: string; readonly address: string };
}

/** What the provider said. `unknown`: the mail may or may not have gone out. */
export type SendOutcome =
  | { readonly kind: 'accepted'; readonly response: string }
  | { readonly kind: 'refused' | 'temporary' | 'unknown'; readonly reason: string; /** The server knows no such recipient. */ readonly unreachable?: boolean };

export interface SendTools {
  readonly db: Database;
  readonly render: (template: string, language: Language, view: MailView) => Promise<RenderedMail>;
  readonly send: (mail: OutgoingMail) => Promise<SendOutcome>;
  /** Does `work` until it succeeds: between claim and answer a database that is away must not lose what happened. */
  readonly insist: <Result>(work: () => Promise<Result>) => Promise<Result>;
  readonly now: () => Date;
  /** Between 0 and 1. */
  readonly random: () => number;
}

/** How long a claim holds; longer than any attempt to send can take. */
export const lease = 120_000;

/** What became of a message: `unclaimed`: somebody else has it, or it is done; `late`: accepted after the sweeper had given up the claim. */
export type SendResult = 'unclaimed' | 'sent' | 'late' | 'failed' | 'skipped' | 'unknown' | 'retried';

/**
 * Claims a message, asks whether it is still right, sends it, and writes down what came of it.
 * The claim is committed before anything is sent, so nobody else sends it; a crash in between leaves it to the sweeper, which makes it unknown.
 */
export async function sendMessage(tools: SendTools, id: string): Promise<SendResult> {
  const token = randomUUID();
  const claimedAt = tools.now();
  if (!await claim(tools.db, id, token, new Date(claimedAt.getTime() + lease), claimedAt)) return 'unclaimed';
  const message = await tools.insist(() => readClaimed(tools.db, id));
  const end = await attempt(tools, message);
  const before = await tools.insist(() => endClaim(tools.db, id, token, end, tools.now()));
  if (end.state === 'sent' && before === 'unknown') return 'late';
  return end.state === 'due' ? 'retried' : end.state;
}

async function attempt(tools: SendTools, message: ClaimedMessage): Promise<ClaimEnd> {
  const { order, customer } = message;
  const check = checkAtSend({ ...message, expiresAt: message.expiresAt.getTime(), orderStatus: order?.status ?? null }, tools.now().getTime());
  if (!check.send) return { state: 'skipped', reason: check.reason };
  if (order === null) return { state: 'skipped', reason: 'order does not exist' };
  const recipient = resolveRecipient(customer === null ? null : { id: customer.id, party: survivor(customer.selves).party, emails: customer.emails, undeliverable: customer.undeliverable }, order.state.booking);
  if (recipient === null) return { state: 'skipped', reason: 'no address' };
  if (!isAddress(recipient.email)) return { state: 'failed', reason: 'invalid address' };
  const view = mailView({ bookingRef: order.bookingRef, booking: order.state.booking, price: order.state.price, fees: order.fees }, recipient.name, recipient.language);
  const mail = await rendered(tools, check.template, recipient.language, view);
  if ('problem' in mail) return { state: 'failed', reason: mail.problem };
  const outcome = await tools.send({ ...mail, messageId: message.id, to: { name: recipient.name ?? '', address: recipient.email } });
  return ending(tools, message, recipient, outcome);
}

/** A template that cannot be rendered fails the message, not the process: nothing has been sent, and the other templates are well. */
async function rendered(tools: SendTools, template: string, language: Language, view: MailView): Promise<RenderedMail | { readonly problem: string }> {
  try {
    return await tools.render(template, language, view);
  } catch (error) {
    return { problem: `template ${template}.${language}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function ending(tools: SendTools, message: ClaimedMessage, recipient: Recipient, outcome: SendOutcome): ClaimEnd {
  const said = impersonal(outcome.kind === 'accepted' ? outcome.response : outcome.reason, recipient.email);
  if (outcome.kind === 'accepted') return { state: 'sent', providerId: said, customerId: recipient.customerId };
  if (outcome.kind === 'refused') return { state: 'failed', reason: said, ...(outcome.unreachable === true && recipient.customerId !== null && { unreachable: { customerId: recipient.customerId, email: recipient.email } }) };
  if (outcome.kind === 'unknown') return { state: 'unknown', reason: said };
  const dueAt = new Date(retryAt(message.attempts, tools.now().getTime(), tools.random()));
  if (dueAt > message.expiresAt) return { state: 'failed', reason: `given up: ${said}` };
  return { state: 'due', reason: said, dueAt };
}

/** Servers repeat the address in what they say; the ledger does not keep it. */
const impersonal = (text: string, email: string): string => text.replaceAll(email, '…').replace(/[^\s<>]+@[^\s<>]+/g, '…').slice(0, 300);
