import { matchKeys, type KeyContext } from '../../domain/match/keys.js';
import type { MatchRequest, MatchResult } from '../../domain/match/match-batch.js';
import { contactsOf, type CustomerDraft } from '../../domain/match/new-customer.js';
import { partiesOf, sameIdentity, type Role, type RoleParty } from '../../domain/match/parties.js';
import type { OrderState } from '../../domain/order.js';
import { currentLinks, rootsOf, type CustomerLink, type ObservedContact } from '../../store/customers.js';
import type { Queryable } from '../../store/database.js';
import type { LinkStatus } from '../../store/orders.js';
import { matchParties } from '../match-parties.js';
import type { Facts } from './facts.js';
import type { FoldedOrder } from './fold-orders.js';

/** Whose order it is. */
export interface OrderOwner {
  readonly link: LinkStatus;
  /** Root of the payer's customer, else of the booker's. */
  readonly customerId: string | null;
  readonly corporateAccountId: string | null;
}

/** An order with its customers. */
export interface LinkedOrder extends OrderOwner {
  readonly folded: FoldedOrder;
}

export interface LinkedOrders {
  readonly orders: readonly LinkedOrder[];
  /** Customers to insert. */
  readonly drafts: readonly CustomerDraft[];
  /** Decisions to keep: those that are new or other than what stands. */
  readonly links: readonly CustomerLink[];
  /** Contact points that known customers showed for the first time. */
  readonly contacts: readonly ObservedContact[];
}

/** A request, and the order and place it is for. */
export interface Asked extends MatchRequest {
  readonly orderId: string;
}

/**
 * Matches the parties of orders that are new or whose identity facts changed; the others keep their links, and so does every place that a person has decided.
 */
export async function linkOrders(tx: Queryable, folded: readonly FoldedOrder[], facts: Facts): Promise<LinkedOrders> {
  const moved = folded.filter(({ stored, state }) => stored === null || !sameIdentity(stored.state.booking, state.booking));
  const standing = linksByOrder(await currentLinks(tx, moved.flatMap(({ stored, id }) => (stored === null ? [] : [id]))));
  const asked = moved.flatMap((order) => requestsOf(order, facts, standing.get(order.id) ?? []));
  const { results, drafts } = await matchParties(tx, facts.matchModel, asked);

  const decided = new Map<string, CustomerLink[]>();
  asked.forEach((request, index) => {
    const result = results[index];
    if (result === undefined) return;
    const links = decided.get(request.orderId) ?? [];
    links.push(linkOf(request, result, facts.matchModel.version));
    decided.set(request.orderId, links);
  });
  const current = new Map(moved.map((order) => [order.id, linksAfter(order, standing.get(order.id) ?? [], decided.get(order.id) ?? [], facts.matchModel.version)]));
  const roots = await rootsAfter(tx, [...current.values()].flatMap((links) => links.standing), results, drafts);
  return {
    orders: folded.map((order) => linkedOrder(order, current.get(order.id)?.standing ?? null, roots)),
    drafts,
    links: [...current.values()].flatMap((links) => links.changed),
    contacts: asked.flatMap((request, index) => observedContacts(request, results[index])),
  };
}

function requestsOf(order: FoldedOrder, facts: Facts, standing: readonly CustomerLink[]): readonly Asked[] {
  const { booking } = order.state;
  if (booking === null) return [];
  const context = contextOf(order, facts);
  return partiesOf(booking)
    .filter(({ role, position }) => !standing.some((link) => isAt(link, role, position) && isHuman(link)))
    .map((party) => ({ ...requestFor(party, context), orderId: order.id }));
}

/** How somebody in a booking is looked for. */
export const requestFor = (party: RoleParty, context: KeyContext): MatchRequest => ({ ...party, context, keys: matchKeys(party.party, party.role, context, party) });

/** What the keys of a booking's people are read with: the country is that of the org unit, or of the nearest above it, on the day of the booking. */
export function contextOf({ source, state }: { readonly source: string; readonly state: Pick<OrderState, 'booking' | 'firstBookedAt' | 'last'> }, { feeWorld }: Facts): KeyContext {
  const { booking, firstBookedAt, last } = state;
  return { source, country: feeWorld.orgPlace(booking?.orgUnit ?? feeWorld.defaultOrgUnit(source), feeWorld.rootDay(firstBookedAt ?? last.occurredAt)).country };
}

const isAt = (link: CustomerLink, role: Role, position: string): boolean => link.role === role && link.position === position;

/** Whatever is no version of a model is a person: human decisions outrank the model for ever. Links of older builds were decided by rules. */
export const isHuman = (link: CustomerLink): boolean => !/^(?:model|rules)-/.test(link.decidedBy);

/** A decision of a model as it is kept. */
export function linkOf(request: Asked, { decision, customerId, evidence, candidates, overflowed }: MatchResult, decidedBy: string): CustomerLink {
  return {
    orderId: request.orderId, role: request.role, position: request.position, decision, customerId, decidedBy,
    evidence: { evidence, candidates, ...(overflowed.length > 0 && { overflowed: overflowed.map((key) => key.kind) }) },
  };
}

/** What stands after this batch, and which decisions have to be written for it. A place that is gone, or never had an identity, stands as none. */
function linksAfter(order: FoldedOrder, standing: readonly CustomerLink[], decided: readonly CustomerLink[], decidedBy: string): { readonly standing: readonly CustomerLink[]; readonly changed: readonly CustomerLink[] } {
  const kept = standing.filter((link) => isHuman(link) && order.state.booking !== null);
  const before = (link: CustomerLink): CustomerLink | undefined => standing.find((other) => isAt(other, link.role, link.position));
  const settled = decided.map((link) => {
    const earlier = before(link);
    return earlier !== undefined && earlier.customerId !== null && earlier.customerId === link.customerId ? earlier : link;
  });
  const gone = standing
    .filter((link) => !isHuman(link) && link.decision !== 'none' && !decided.some((other) => isAt(other, link.role, link.position)))
    .map((link): CustomerLink => ({ ...link, decision: 'none', customerId: null, decidedBy, evidence: { evidence: [], candidates: [] } }));
  return {
    standing: [...kept, ...settled],
    changed: [...settled.filter((link) => link !== before(link) && (link.decision !== 'none' || before(link) !== undefined)), ...gone],
  };
}

/** The root of every linked customer: known from matching where it looked at them, else from the database. */
async function rootsAfter(tx: Queryable, links: readonly CustomerLink[], results: readonly MatchResult[], drafts: readonly CustomerDraft[]): Promise<ReadonlyMap<string, string>> {
  const roots = new Map<string, string>(drafts.map((draft) => [draft.id, draft.id]));
  for (const { candidates } of results) for (const candidate of candidates) roots.set(candidate.customerId, candidate.rootId);
  const unknown = [...new Set(links.flatMap(({ customerId }) => (customerId === null || roots.has(customerId) ? [] : [customerId])))];
  for (const { id, rootId } of await rootsOf(tx, unknown)) roots.set(id, rootId);
  return roots;
}

/** Whose orders they are by the links that stand and the merges as they are now. */
export async function relink(tx: Queryable, orderIds: readonly string[]): Promise<ReadonlyMap<string, OrderOwner>> {
  const links = linksByOrder(await currentLinks(tx, orderIds));
  const roots = await rootsAfter(tx, [...links.values()].flat(), [], []);
  return new Map(orderIds.map((id) => [id, ownerOf(links.get(id) ?? [], roots)]));
}

function linkedOrder(folded: FoldedOrder, links: readonly CustomerLink[] | null, roots: ReadonlyMap<string, string>): LinkedOrder {
  const { stored } = folded;
  if (links === null) {
    return { folded, link: stored?.link ?? 'none', customerId: stored?.customerId ?? null, corporateAccountId: stored?.corporateAccountId ?? null };
  }
  return { folded, ...ownerOf(links, roots) };
}

function ownerOf(links: readonly CustomerLink[], roots: ReadonlyMap<string, string>): OrderOwner {
  const at = (role: Role): CustomerLink | undefined => links.find((link) => link.role === role && link.decision !== 'none');
  const rootOf = (link: CustomerLink | undefined): string | null => (link?.customerId == null ? null : (roots.get(link.customerId) ?? link.customerId));
  const own = at('payer') ?? at('booker');
  return {
    link: own === undefined ? 'none' : own.decision === 'link' ? 'linked' : own.decision,
    customerId: rootOf(own),
    corporateAccountId: rootOf(at('corporate')),
  };
}

function linksByOrder(links: readonly CustomerLink[]): ReadonlyMap<string, readonly CustomerLink[]> {
  const byOrder = new Map<string, CustomerLink[]>();
  for (const link of links) byOrder.set(link.orderId, [...(byOrder.get(link.orderId) ?? []), link]);
  return byOrder;
}

/** A booking never overwrites the master data; what it shows of a customer found by something else is kept as observed. */
export function observedContacts(request: Asked, result: MatchResult | undefined): readonly ObservedContact[] {
  if (result?.decision !== 'link' || result.customerId === null) return [];
  const { customerId } = result;
  return contactsOf(request.party, request.context.country).map((contact) => ({ ...contact, customerId, origin: request.context.source }));
}
