import type { FeeTable } from '../../schemas/fee-table.js';
import { currencyDigits, decimalsOf, Exact, isCurrency, isDecimal, moneyText } from '../domain/money.js';
import type { LedgerEntry, ManualFee } from '../domain/fees/types.js';
import { standingOf } from '../domain/fees/ledger.js';
import { isWaivable } from '../domain/fees/manual.js';
import type { Transaction } from '../domain/order.js';
import { archivedSince } from '../store/archive.js';
import { audit } from '../store/audit.js';
import type { Queryable } from '../store/database.js';
import { shareFacts } from '../store/facts-lock.js';
import { versionsOf } from '../store/fee-tables.js';
import { factsVersion } from '../store/fence.js';
import { ledgerOf } from '../store/ledger.js';
import { insertManualFee, revokeManualFee } from '../store/manual-fees.js';
import { lockOrders, type StoredOrder } from '../store/orders.js';
import { archivedText } from './archive/archived.js';
import { findOrder } from './orders.js';
import { ratableOrders } from './ratable-orders.js';
import { isOpen, rateAgain, type RerateDependencies } from './rerate.js';
import { saveDecisions } from './settle/save.js';

/** What somebody asked for about the fees of one order cannot be done; the message says why and what to do. */
class ManualFeeRefused extends Error {
  override readonly name = 'ManualFeeRefused';
}

export type ManualFeeTools = RerateDependencies;

interface ManualFeeRequest {
  /** `source:bookingRef`, or the bare reference. */
  readonly order: string;
  readonly charge: string;
  readonly unit: string;
  readonly reason: string;
  readonly by: string;
  /** In which they do it: waivers may be limited by it. */
  readonly role: string | null;
  readonly now: Date;
  /** Say what would be appended and change nothing. */
  readonly dryRun: boolean;
}

export interface WaiveRequest extends ManualFeeRequest {
  /** Only what this event charged; null: whatever stands on the unit, now and after any rating. */
  readonly transaction: string | null;
}

export interface ChargeRequest extends ManualFeeRequest {
  readonly gross: string;
  readonly vat: string;
  readonly currency: string;
}

export interface RevokeRequest extends Pick<ManualFeeRequest, 'order' | 'by' | 'reason' | 'now' | 'dryRun'> {
  readonly kind: ManualFee['kind'];
  readonly id: string;
}

export interface ManualFeeResult {
  readonly order: string;
  /** Null in a dry run of a new one. */
  readonly id: string | null;
  /** The lines that the ledger got, or would get. */
  readonly appended: readonly LedgerEntry[];
}

/** Waives what stands for a charge on a unit, and whatever a later rating puts there. @throws ManualFeeRefused */
export async function waiveFee(tools: ManualFeeTools, request: WaiveRequest): Promise<ManualFeeResult> {
  const { charge, unit, transaction, reason, by } = request;
  return change(tools, request, 'waiver', async (tx, order, { ledger }) => {
    const lines = standingOf(ledger);
    const standing = lines.filter(isWaivable);
    const meant = standing.filter((entry) => entry.charge === charge && entry.unit === unit && (transaction === null || entry.eventId === transaction));
    if (meant.length === 0) throw new ManualFeeRefused(`nothing stands for ${charge} on ${unit}${transaction === null ? '' : ` of ${transaction}`} that could be waived; there stand: ${linesText(standing)}`);
    const isWaived = (entry: LedgerEntry): boolean => lines.some((line) => line.kind === 'waiver' && line.charge === entry.charge && line.unit === entry.unit && line.eventId === entry.eventId);
    if (meant.every(isWaived)) throw new ManualFeeRefused(`${charge} on ${unit} is waived already`);
    await assertAllowed(tx, meant, request);
    return insertManualFee(tx, order.id, { kind: 'waiver', charge, unit, transaction, by, reason }, request.role, request.now);
  });
}

const linesText = (entries: readonly LedgerEntry[]): string => entries.map(({ charge, unit, eventId, gross, currency }) => `${charge} on ${unit} of ${eventId} (${gross} ${currency})`).join(', ') || 'no fees';

/** The limit of the tables that charged it: it binds the role that it names, and everybody where it names none. */
async function assertAllowed(tx: Queryable, entries: readonly LedgerEntry[], { charge, role }: WaiveRequest): Promise<void> {
  for (const table of new Set(entries.flatMap((entry) => (entry.table === null ? [] : [entry.table])))) {
    const own = entries.filter((entry) => entry.table === table);
    const [{ version } = { version: null }] = own;
    const limit = await waiverLimit(tx, table, version, charge);
    if (limit === null) continue;
    if (limit.role !== null && role === null) throw new ManualFeeRefused(`${table} limits who may waive ${charge}: say in which role, --role ${limit.role} or another one`);
    if (limit.role !== null && limit.role !== role) continue;
    const other = own.find(({ currency }) => currency !== limit.currency);
    if (other !== undefined) throw new ManualFeeRefused(`${table} limits waivers of ${charge} to ${limit.upTo} ${limit.currency}, and the fee is in ${other.currency}: somebody without that limit has to waive it`);
    const sum = own.reduce((total, { gross }) => total.plus(gross), new Exact(0));
    if (sum.gt(limit.upTo)) throw new ManualFeeRefused(`${limit.role ?? 'nobody'} may ${limit.role === null ? 'waive more than' : 'waive up to'} ${limit.upTo} ${limit.currency} of ${charge} (fee table ${table}); this is ${moneyText(sum, limit.currency)} ${limit.currency}`);
  }
}

interface WaiverLimit {
  readonly upTo: string;
  readonly currency: string;
  readonly role: string | null;
}

/** What the version, else the newest version of the tables that it extends, says at the charge. */
async function waiverLimit(tx: Queryable, table: string, version: number | null, charge: string): Promise<WaiverLimit | null> {
  let wanted = version;
  for (let name: string | undefined = table; name !== undefined; ) {
    const versions: Awaited<ReturnType<typeof versionsOf>> = await versionsOf(tx, name);
    const definition: FeeTable | undefined = versions.find((one) => (wanted === null ? one.state === 'approved' : one.version === wanted))?.definition;
    const limit = definition?.charges?.[charge]?.waive;
    if (definition !== undefined && limit !== undefined) return { upTo: limit.upTo, currency: definition.currency, role: limit.role ?? null };
    name = definition?.extends;
    wanted = null;
  }
  return null;
}

/** Adds a charge as it is typed; no rule, cap or waiver touches it. @throws ManualFeeRefused */
export async function chargeFee(tools: ManualFeeTools, request: ChargeRequest): Promise<ManualFeeResult> {
  const { charge, unit, reason, by, gross, vat, currency } = request;
  assertMoney(request);
  return change(tools, request, 'manual', async (tx, order, { transactions }) => {
    const units = unitNames(transactions);
    if (!units.includes(unit)) throw new ManualFeeRefused(`the order has no unit ${unit}; it has ${units.join(', ')}`);
    return insertManualFee(tx, order.id, { kind: 'charge', charge, unit, gross, vat, currency, by, reason }, request.role, request.now);
  });
}

function assertMoney({ gross, vat, currency }: ChargeRequest): void {
  const digits = currencyDigits(currency);
  if (!isCurrency(currency)) throw new ManualFeeRefused(`${currency} is no currency of ISO 4217`);
  for (const amount of [gross, vat]) if (!isDecimal(amount) || decimalsOf(amount) > digits) throw new ManualFeeRefused(`${amount} is no amount in ${currency}: write at most ${digits} decimals, for example ${new Exact(12).toFixed(digits)}`);
  if (new Exact(gross).eq(0)) throw new ManualFeeRefused('an amount of zero charges nothing');
  if (new Exact(vat).abs().gt(new Exact(gross).abs()) || new Exact(vat).times(gross).lt(0)) throw new ManualFeeRefused(`the VAT ${vat} is not part of the gross amount ${gross}`);
}

/** Everything that a charge may be for. */
function unitNames(transactions: readonly Transaction[]): readonly string[] {
  const bookings = transactions.flatMap(({ after }) => after ?? []);
  const ids = (prefix: string, things: readonly { readonly id: string }[]): readonly string[] => [...new Set(things.map(({ id }) => `${prefix}:${id}`))];
  return [
    'order', ...new Set(transactions.map(({ eventId }) => `transaction:${eventId}`)),
    ...ids('item', bookings.flatMap(({ items }) => items ?? [])), ...ids('traveller', bookings.flatMap(({ travellers }) => travellers ?? [])), ...ids('document', bookings.flatMap(({ documents }) => documents ?? [])),
  ];
}

/** Takes a waiver or a manual charge back: the ledger is as if it had never been, by new lines. @throws ManualFeeRefused */
export async function revokeFee(tools: ManualFeeTools, request: RevokeRequest): Promise<ManualFeeResult> {
  const { kind, id, by, now } = request;
  return change(tools, request, kind === 'waiver' ? 'waiver' : 'manual', async (tx, order) => {
    const revoked = /^\d{1,18}$/.test(id) && await revokeManualFee(tx, order.id, kind, id, by, now);
    if (!revoked) throw new ManualFeeRefused(`the order has no ${kind === 'waiver' ? 'waiver' : 'manual charge'} ${id} that stands; its lines in the ledger are ${kind === 'waiver' ? 'waiver' : 'manual'}:ID (midline orders show)`);
    return id;
  });
}

/** Rolls a dry run back. */
class DryRun extends Error {
  override readonly name = 'DryRun';
  readonly result: ManualFeeResult;
  constructor(result: ManualFeeResult) {
    super('nothing was changed');
    this.result = result;
  }
}

interface Ground {
  readonly ledger: readonly LedgerEntry[];
  readonly transactions: readonly Transaction[];
}

/** In one transaction, under the order's lock: the change, and what it makes of the ledger. */
async function change(
  { database, codec, wire, factsAt }: ManualFeeTools, { order: name, reason, by, now, dryRun }: Pick<ManualFeeRequest, 'order' | 'reason' | 'by' | 'now' | 'dryRun'>, causeType: 'waiver' | 'manual',
  write: (tx: Queryable, order: StoredOrder, ground: Ground) => Promise<string>,
): Promise<ManualFeeResult> {
  if (reason.trim() === '') throw new ManualFeeRefused('a reason is needed: --reason "…"');
  try {
    return await database.transaction(async (tx) => {
      await shareFacts(tx);
      const facts = await factsAt(tx, await factsVersion(tx));
      const { id } = await findOrder(tx, name);
      const [order] = await lockOrders(tx, [id]);
      if (order === undefined) throw new ManualFeeRefused(`the order ${name} is gone`);
      await assertOpen(tx, order);
      const ledger = (await ledgerOf(tx, [id])).get(id) ?? [];
      const { orders: [ratable] } = await ratableOrders(tx, wire, [order], facts.feeWorld);
      const written = await write(tx, order, { ledger, transactions: ratable?.transactions ?? [] });
      const changed = (await rateAgain(tx, wire, facts, [order], reason)).map((one) => ({ ...one, causeType })).filter(({ appended }) => appended.length > 0);
      await saveDecisions(tx, { orders: changed, links: { drafts: [], links: [], contacts: [] }, events: [], messages: [] }, wire, codec, now.getTime());
      await audit(tx, by, `fees ${causeType === 'waiver' ? 'waive' : 'charge'}`, `${order.source}:${order.bookingRef}`, { id: written, reason }, now);
      const result = { order: `${order.source}:${order.bookingRef}`, id: dryRun ? null : written, appended: changed.flatMap(({ appended }) => appended) };
      if (dryRun) throw new DryRun(result);
      return result;
    });
  } catch (error) {
    if (error instanceof DryRun) return error.result;
    throw error;
  }
}

async function assertOpen(tx: Queryable, order: StoredOrder): Promise<void> {
  if (isOpen(order)) return;
  const since = (await archivedSince(tx, [order.id])).get(order.id);
  throw new ManualFeeRefused(`${order.source}:${order.bookingRef} is ${since === undefined ? 'archived' : archivedText(order, since)}`);
}
