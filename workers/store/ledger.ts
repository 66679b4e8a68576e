import type { LedgerEntry } from '../domain/fees/types.js';
import type { Queryable } from './database.js';
import type { EntryRow } from './settlement.js';

interface LedgerRow extends Omit<Required<EntryRow>, 'fee_table' | 'version' | 'rule' | 'account' | 'reason' | 'occurred_at'> {
  readonly fee_table: string | null;
  readonly version: number | null;
  readonly rule: string | null;
  readonly account: string | null;
  readonly reason: string | null;
  readonly occurred_at: Date;
  readonly details: Details;
}

/** What rating needs to know of an earlier line beyond the columns of the ledger; what is usual is left out. */
type Details = Pick<LedgerEntry, 'day' | 'life'> & { readonly [Field in 'kind' | 'origin' | 'amount' | 'vatCode' | 'vatRate' | 'reverseCharge' | 'waived']?: LedgerEntry[Field] };

/** Named one by one: a prepared statement whose result changes (a column more) fails from then on. */
const columns = `f.order_id, f.charge, f.event_id, f.transaction_type, f.unit, f.seq, f.type, f.fee_table, f.version, f.rule, f.net, f.vat, f.gross, f.currency,
  f.account, f.occurred_at, f.details, f.reason`;

/** All ledger lines of these orders, by order, oldest first. */
export async function ledgerOf(tx: Queryable, orderIds: readonly string[]): Promise<ReadonlyMap<string, readonly LedgerEntry[]>> {
  const rows = await tx.query<LedgerRow>(
    `select ${columns} from unnest($1::uuid[]) as k (id) join fee_entry f on f.order_id = k.id order by f.recorded_at, f.seq`,
    [orderIds],
  );
  const byOrder = new Map<string, LedgerEntry[]>();
  for (const row of rows) {
    const entries = byOrder.get(row.order_id);
    if (entries === undefined) byOrder.set(row.order_id, [toEntry(row)]);
    else entries.push(toEntry(row));
  }
  return byOrder;
}

function toEntry(row: LedgerRow): LedgerEntry {
  return {
    kind: 'charge', origin: null, amount: row.gross, vatCode: null, vatRate: null, reverseCharge: false, waived: false,
    ...row.details,
    eventId: row.event_id, transactionType: row.transaction_type, unit: row.unit, charge: row.charge, seq: row.seq,
    type: row.type as LedgerEntry['type'], table: row.fee_table, version: row.version, rule: row.rule ?? '',
    net: row.net, vat: row.vat, gross: row.gross, currency: row.currency, account: row.account,
    occurredAt: row.occurred_at.getTime(), reason: row.reason,
  };
}

/** The row of a new ledger line. Written out field by field, usual ones left undefined: this runs for every line, and what is undefined is not sent. */
export function entryRow(orderId: string, entry: LedgerEntry): EntryRow {
  return {
    order_id: orderId, charge: entry.charge, event_id: entry.eventId, transaction_type: entry.transactionType, unit: entry.unit, seq: entry.seq,
    type: entry.type, fee_table: entry.table ?? undefined, version: entry.version ?? undefined, rule: entry.rule, net: entry.net, vat: entry.vat, gross: entry.gross,
    currency: entry.currency, account: entry.account ?? undefined, occurred_at: new Date(entry.occurredAt).toISOString(), reason: entry.reason ?? undefined,
  };
}

/** What its row does not say. */
export function entryDetails(entry: LedgerEntry): object {
  return {
    day: entry.day, life: entry.life,
    kind: entry.kind === 'charge' ? undefined : entry.kind,
    origin: entry.origin ?? undefined,
    amount: entry.amount === entry.gross ? undefined : entry.amount,
    vatCode: entry.vatCode ?? undefined,
    vatRate: entry.vatRate ?? undefined,
    reverseCharge: entry.reverseCharge || undefined,
    waived: entry.waived || undefined,
  };
}
