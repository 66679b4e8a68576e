import { isDeepStrictEqual } from 'node:util';
import { createCandidateIndex, type Candidate } from '../domain/match/candidates.js';
import type { KeyKind } from '../domain/match/keys.js';
import type { MatchRequest } from '../domain/match/match-batch.js';
import { newCustomer } from '../domain/match/new-customer.js';
import { kindOf, partyIn, type Role, type RoleParty } from '../domain/match/parties.js';
import { decideMatch, type JudgedCandidate } from '../domain/match/decide.js';
import { populationOf } from '../domain/match/model.js';
import { audit } from '../store/audit.js';
import { customerNames } from '../store/customer-view.js';
import { allocateCustomerIds, claimIdentities, currentLinks, findCandidates, insertCustomers, insertLinks, rootsOf, type CustomerLink } from '../store/customers.js';
import type { Queryable } from '../store/database.js';
import { ordersOfCustomers } from '../store/customer-master.js';
import { markStale, raiseFactsVersion, shareFacts, takeFactsLockExclusively } from '../store/facts-lock.js';
import { factsVersion } from '../store/fence.js';
import { lockOrders, type StoredOrder } from '../store/orders.js';
import { deactivate, endMerge, insertMerge, lockCustomers, setMergedInto, type MergeableCustomer } from '../store/merges.js';
import { forgetNotSame, insertNotSame, openReviews } from '../store/reviews.js';
import { lookAgain, type LookedAgain } from './look-again.js';
import { CustomerRefused } from './merge-customers.js';
import { findOrder } from './orders.js';
import { createDifferences, isOpen, rateAgain, type RerateDependencies } from './rerate.js';
import type { Facts } from './settle/facts.js';
import { contextOf, isHuman, requestFor } from './settle/link-orders.js';
import { saveDecisions } from './settle/save.js';

/** A place in an order: `source:bookingRef/role`, of a traveller with its id behind another stroke. */
export const placeName = ({ source, bookingRef, role, position }: { readonly source: string; readonly bookingRef: string; readonly role: Role; readonly position: string }): string =>
  `${source}:${bookingRef}/${role}${position === '' ? '' : `/${position}`}`;

const placePattern = /^(.+)\/(payer|booker|corporate|traveller)(?:\/(.+))?$/;

function placeIn(name: string): { readonly order: string; readonly role: Role; readonly position: string } {
  const [, order, role, position = ''] = placePattern.exec(name) ?? [];
  if (order === undefined || (role !== 'payer' && role !== 'booker' && role !== 'corporate' && role !== 'traveller')) {
    throw new CustomerRefused(`${name} names no place of an order; write for example gds:ABC123/booker, or gds:ABC123/traveller/t1 (midline match review lists them)`);
  }
  return { order, role, position };
}

/** A candidate as it is shown: with its name as it is now. */
export interface ShownCandidate extends JudgedCandidate {
  readonly name: string;
}

/** A decision as it is shown. */
export interface ShownDecision {
  readonly id: string;
  readonly decision: CustomerLink['decision'];
  readonly customerId: string | null;
  readonly decidedBy: string;
  /** Of the party in the booking. */
  readonly party: RoleParty['party'] | null;
  readonly candidates: readonly ShownCandidate[];
  /** Kinds of keys that too many customers share. */
  readonly overflowed: readonly string[];
}

/** What is kept with a link. */
interface KeptEvidence {
  readonly candidates?: readonly Partial<JudgedCandidate>[];
  readonly overflowed?: readonly string[];
  /** The customer that was made of the party, and merged into the one that was accepted. */
  readonly learned?: string;
}

/** Whom a decision looked at. */
const candidatesOf = (link: CustomerLink | undefined): readonly Partial<JudgedCandidate>[] => ((link?.evidence ?? {}) as KeptEvidence).candidates ?? [];

/** Reviews that wait for a person, the oldest first. */
export async function listReviews(db: Queryable, limit: number): Promise<{ readonly open: number; readonly reviews: readonly ShownDecision[] }> {
  const { reviews, open } = await openReviews(db, limit);
  const orders = new Map((await Promise.all([...new Set(reviews.map(({ orderId }) => orderId))].map((id) => findOrder(db, id)))).map((order) => [order.id, order]));
  const shown = await named(db, reviews.flatMap((review) => {
    const order = orders.get(review.orderId);
    return order === undefined ? [] : [{ order, link: { ...review, decision: 'review' as const, customerId: null, decidedBy: '' } }];
  }));
  return { open, reviews: shown };
}

/** Who the people of an order were found to be, and why. */
export async function explainLinks(db: Queryable, name: string): Promise<{ readonly order: string; readonly decisions: readonly ShownDecision[] }> {
  const order = await findOrder(db, name);
  const links = await currentLinks(db, [order.id]);
  return { order: `${order.source}:${order.bookingRef}`, decisions: await named(db, links.map((link) => ({ order, link }))) };
}

interface Told {
  readonly order: StoredOrder;
  readonly link: Pick<CustomerLink, 'role' | 'position' | 'decision' | 'customerId' | 'decidedBy' | 'evidence'>;
}

async function named(db: Queryable, told: readonly Told[]): Promise<readonly ShownDecision[]> {
  const kept = told.map(({ link }) => link.evidence as KeptEvidence);
  const names = await customerNames(db, kept.flatMap(({ candidates = [] }) => candidates.flatMap(({ customerId }) => customerId ?? [])));
  return told.map(({ order, link }, place) => ({
    id: placeName({ ...order, ...link }), decision: link.decision, customerId: link.customerId, decidedBy: link.decidedBy, party: partyAt(order, link)?.party ?? null, overflowed: kept[place]?.overflowed ?? [],
    candidates: (kept[place]?.candidates ?? []).map(({ customerId = '', rootId = customerId, verdict = 'review', reason = '', weightBits = 0, vetoes = [], evidence = [] }) =>
      ({ customerId, rootId, verdict, reason, weightBits, vetoes, evidence, name: names.get(customerId) ?? '' })),
  }));
}

const partyAt = ({ state }: StoredOrder, { role, position }: Pick<CustomerLink, 'role' | 'position'>): RoleParty | undefined => partyIn(state.booking, role, position);

export interface ReviewRequest {
  /** `source:bookingRef/role`, of a traveller `…/traveller/ID`. */
  readonly place: string;
  readonly reason: string;
  /** Decide anew what a person has decided already. */
  readonly replace?: boolean;
  readonly actor: string;
  readonly now: Date;
}

export interface Reviewed {
  readonly place: string;
  readonly decision: 'link' | 'new' | 'none';
  readonly customerId: string | null;
  /** What the ledger of the order got, in sum, by currency. */
  readonly difference: Readonly<Record<string, string>>;
  /** Others who waited with the same candidates, and wait no more: now it can be told who they are. */
  readonly others: LookedAgain;
}

/** Says who somebody in an order is; it stands for ever, whatever the model thinks later. @throws CustomerRefused */
export async function acceptCustomer(tools: RerateDependencies, request: ReviewRequest & { readonly customer: string }): Promise<Reviewed> {
  return decideByHand(tools, 'accept', request, async (tx, ground) => {
    const { order, role, made } = ground;
    const [customer] = await rootsOf(tx, [request.customer]);
    if (customer === undefined) throw new CustomerRefused(`there is no customer ${request.customer}: look with midline customers find`);
    const isCompany = (await tx.query<{ kind: string }>('select kind from customer where id = $1', [request.customer]))[0]?.kind === 'company';
    if (role === 'corporate' && !isCompany) throw new CustomerRefused(`customer ${request.customer} is a person: the corporate account of ${order.source}:${order.bookingRef} is a company`);
    if (made !== null && (made.kind === 'company') !== isCompany) {
      await moveMade(tx, made.id, null, request);
      await deactivate(tx, made.id); // a person is no company: with the next booking of these words somebody is asked
      return { decision: 'link', customerId: request.customer };
    }
    const learned = made === null ? await learn(tx, ground, customer, isCompany, request) : await moveMade(tx, made.id, customer, request);
    return { decision: 'link', customerId: request.customer, ...(learned !== null && { learned }) };
  });
}

/** What a decision made that is replaced belongs to another customer now, though somebody said that they are two, or (null) to itself; its orders are linked again. */
async function moveMade(tx: Queryable, learned: string, into: { readonly id: string; readonly rootId: string } | null, { reason, actor, now }: ReviewRequest): Promise<string> {
  const orders = await ordersOfCustomers(tx, [learned]); // as long as they are those of the customer before
  await setMergedInto(tx, learned, into);
  await endMerge(tx, { customerId: learned, reason, actor, at: now });
  if (into !== null) {
    await forgetNotSame(tx, learned, into.id);
    await insertMerge(tx, { customerId: learned, intoId: into.id, reason, actor, at: now });
  }
  await markStale(tx, orders, `customer ${learned} is ${into === null ? 'itself' : `customer ${into.id}`}: ${reason}`);
  await raiseFactsVersion(tx);
  return learned;
}

/**
 * So that nobody is asked twice: the customer as this booking names it is a customer of its own, merged into the one it is, and found by the next booking of that kind.
 * Nothing is learned where one of its ids is somebody else's, or where somebody is known by these very words: the customer itself, or one that has to be merged with it.
 */
async function learn(tx: Queryable, ground: Ground, { id: intoId, rootId }: { readonly id: string; readonly rootId: string }, isCompany: boolean, { reason, actor, now }: ReviewRequest): Promise<string | null> {
  const met = someoneIn(ground);
  if (met === undefined || (met.role === 'corporate' || kindOf(met.party) === 'company') !== isCompany) return null;
  await claimIdentities(tx, met.keys.filter(({ strong }) => strong));
  const { candidates } = await findCandidates(tx, met.keys.filter(({ strong }) => strong));
  const draft = newCustomer(met, met.keys, met.context, '');
  const isKnown = (candidate: Candidate): boolean => isDeepStrictEqual(candidate.party, JSON.parse(JSON.stringify(draft.party)));
  if (!met.keys.some(({ strong }) => strong) || candidates.some((candidate) => isKnown(candidate) || candidate.keys.some(({ kind }) => idKinds.has(kind)))) return null;
  const [id = ''] = await allocateCustomerIds(tx, 1);
  await insertCustomers(tx, [{ ...draft, id }]);
  await setMergedInto(tx, id, { id: intoId, rootId });
  await insertMerge(tx, { customerId: id, intoId, reason, actor, at: now });
  return id;
}

/** Keys that name one customer and no other. */
const idKinds: ReadonlySet<KeyKind> = new Set<KeyKind>(['external', 'external-company', 'debitor', 'loyalty', 'vat', 'register']);

/** Who the booking says somebody is; undefined where it does not. */
function someoneIn({ order, role, position, facts }: Ground): MatchRequest | undefined {
  const met = partyAt(order, { role, position });
  return met === undefined ? undefined : requestFor(met, contextOf(order, facts));
}

/** Says that somebody in an order is none of the candidates: a customer is made of them, where the booking says enough; else they stay nobody. @throws CustomerRefused */
export async function rejectCandidates(tools: RerateDependencies, request: ReviewRequest): Promise<Reviewed> {
  return decideByHand(tools, 'reject', request, async (tx, ground) => {
    const met = someoneIn(ground);
    const others = candidatesOf(ground.link).flatMap(({ customerId }) => customerId ?? []);
    if (ground.made !== null) {
      const { id } = ground.made;
      await moveMade(tx, id, null, request);
      const accepted = ground.link?.customerId ?? id;
      await insertNotSame(tx, { customerId: id, others: [...new Set([...others, accepted])].filter((other) => other !== id), reason: request.reason, actor: request.actor, at: request.now });
      return { decision: 'new', customerId: id };
    }
    if (met === undefined || !met.keys.some(({ strong }) => strong)) return { decision: 'none', customerId: null };
    await claimIdentities(tx, met.keys.filter(({ strong }) => strong));
    const known = await somebodyElse(tx, met, others, ground.facts);
    const id = known ?? (await allocateCustomerIds(tx, 1))[0] ?? '';
    if (known === null) await insertCustomers(tx, [newCustomer(met, met.keys, met.context, id)]);
    await insertNotSame(tx, { customerId: id, others, reason: request.reason, actor: request.actor, at: request.now });
    return { decision: known === null ? 'new' : 'link', customerId: id };
  });
}

/** The customer that a party is who is none of some others: somebody who became known since they were asked about. Null: nobody. */
async function somebodyElse(tx: Queryable, met: MatchRequest, others: readonly string[], { matchModel }: Facts): Promise<string | null> {
  const strong = met.keys.filter((key) => key.strong);
  const refused = new Set((await rootsOf(tx, others)).map(({ rootId }) => rootId));
  const { candidates, overflowed, customers } = await findCandidates(tx, strong);
  const index = createCandidateIndex(candidates.filter(({ rootId }) => !refused.has(rootId)), overflowed, populationOf(customers));
  const used = strong.filter((key) => !index.overflowed([key]).includes(key));
  return decideMatch(matchModel, met, used, { candidates: index.find(used), usersOf: index.usersOf, population: index.population }).customerId;
}

interface Ground {
  readonly order: StoredOrder;
  readonly role: Role;
  readonly position: string;
  readonly link: CustomerLink | undefined;
  /** The customer that the decision before made, which is replaced: still as it was left, or itself again. */
  readonly made: MergeableCustomer | null;
  readonly facts: Facts;
}

/** What a person's decision made of the party: learned by an acceptance, new by a rejection. @throws CustomerRefused where somebody merged it elsewhere since */
async function madeBefore(tx: Queryable, link: CustomerLink | undefined): Promise<MergeableCustomer | null> {
  if (link === undefined || !isHuman(link)) return null;
  const id = (link.evidence as KeptEvidence).learned ?? (link.decision === 'new' ? link.customerId : null);
  const [made] = id === null ? [] : await lockCustomers(tx, [id]);
  if (made !== undefined && made.mergedInto !== null && made.mergedInto !== link.customerId) {
    throw new CustomerRefused(`customer ${made.id}, which the decision before made of it, was merged into ${made.mergedInto} since: take that back first (midline customers unmerge ${made.id})`);
  }
  return made ?? null;
}

/** In one transaction, under the order's lock: the decision, and what it makes of the ledger. */
async function decideByHand(
  tools: RerateDependencies, what: 'accept' | 'reject', { place, reason, replace = false, actor, now }: ReviewRequest, decide: (tx: Queryable, ground: Ground) => Promise<Pick<Reviewed, 'decision' | 'customerId'> & { readonly learned?: string }>,
): Promise<Reviewed> {
  const { database, codec, wire, factsAt } = tools;
  const { order: name, role, position } = placeIn(place);
  const { candidates, ...reviewed } = await database.transaction(async (tx) => {
    await (replace ? takeFactsLockExclusively(tx) : shareFacts(tx));
    const facts = await factsAt(tx, await factsVersion(tx));
    const { id } = await findOrder(tx, name);
    const [order] = await lockOrders(tx, [id]);
    if (order === undefined || !isOpen(order)) throw new CustomerRefused(`${name} is archived: who its people are stays as it is`);
    const link = (await currentLinks(tx, [id])).find((one) => one.role === role && one.position === position);
    if (link === undefined && partyAt(order, { role, position }) === undefined) throw new CustomerRefused(`${name} has no ${role}${position === '' ? '' : ` ${position}`}`);
    if (!replace && link !== undefined && isHuman(link)) {
      throw new CustomerRefused(`${link.decidedBy.replace(/^person:/, '')} has decided already that it is ${link.customerId === null ? 'nobody who is known' : `customer ${link.customerId}`}; to decide anew: --replace`);
    }
    const { learned, ...decided } = await decide(tx, { order, role, position, link, made: replace ? await madeBefore(tx, link) : null, facts });
    await insertLinks(tx, [{ orderId: id, role, position, ...decided, evidence: { reason, ...(learned !== undefined && { learned }), candidates: candidatesOf(link) }, decidedBy: `person:${actor}` }]);
    const rated = (await rateAgain(tx, wire, facts, [order], reason)).map((one) => ({ ...one, causeType: 'match' }));
    await saveDecisions(tx, { orders: rated, links: { drafts: [], links: [], contacts: [] }, events: [], messages: [] }, wire, codec, now.getTime());
    await audit(tx, actor, `match ${what}`, placeName({ ...order, role, position }), { customer: decided.customerId, reason }, now);
    const differences = createDifferences();
    rated.forEach(differences.add);
    const candidates = candidatesOf(link).flatMap(({ customerId }) => customerId ?? []);
    return { place: placeName({ ...order, role, position }), ...decided, difference: differences.total().difference, candidates };
  });
  return { ...reviewed, others: await lookAgain(tools, { candidates, reason, now }) };
}
