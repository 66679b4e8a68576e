import type { FeeScope } from '../../../schemas/fee-table.js';
import type { Instant, LocalDate } from '../../../schemas/scalars.js';
import type { CompiledFeeTable } from './compile.js';

/** A row that holds from day to day, both included, in the zone that its owner says; missing: without limit. */
export interface Dated {
  readonly from?: LocalDate | null | undefined;
  readonly until?: LocalDate | null | undefined;
}

/** An org unit as it was for a time; several rows with one id are its history. */
export interface OrgUnitRow extends Dated {
  readonly id: string;
  readonly parent?: string | null | undefined;
  readonly timeZone?: string | null | undefined;
  readonly country?: string | null | undefined;
  /** Of the country, for public holidays: `BY`. */
  readonly region?: string | null | undefined;
}

/** A company as it was for a time; several rows with one id are its history. */
export interface CompanyRow extends Dated {
  readonly id: string;
  readonly parent?: string | null | undefined;
  readonly country?: string | null | undefined;
  readonly vatId?: string | null | undefined;
}

/** A customer; `id` is the root of merges. Rows with one id add up. */
export interface CustomerRow {
  readonly id: string;
  readonly companies?: readonly (Dated & { readonly company: string })[];
  readonly attributes?: readonly (Dated & { readonly name: string; readonly value: string })[];
}

export interface AssignmentRow extends Dated {
  readonly subject: { readonly kind: 'customer' | 'company' | 'orgUnit' | 'default'; readonly id?: string | null };
  readonly table: string;
}

/** An approved version of a table. */
export interface TableVersionRow {
  readonly table: string;
  readonly version: number;
  /** See `validFromInstant`. */
  readonly validFrom: Instant;
  readonly compiled: CompiledFeeTable;
}

export interface TaxCodeRow {
  readonly code: string;
  readonly country?: string | null;
  readonly rates: readonly { readonly from?: LocalDate | null; readonly percent: string }[];
}

export interface FeeSourceRow {
  readonly id: string;
  readonly orgUnit?: string | null;
  readonly timeZone?: string | null;
  /** Whose fees count: ours (missing), the delivered ones, or both. */
  readonly feePolicy?: 'ours' | 'theirs' | 'both' | null;
  readonly kinds?: readonly string[] | null;
}

/** What a batch adds to the shared facts: only the rows of its own customers and companies. */
export interface CustomerFactRows {
  readonly customers?: readonly CustomerRow[];
  readonly companies?: readonly CompanyRow[];
  readonly assignments?: readonly AssignmentRow[];
}

/** Everything that rating reads besides the order: dated facts, as of the transaction's time. */
export interface FeeWorldRows extends CustomerFactRows {
  /** The zone of the root org unit, in which days of dated rows are read; missing: that of the root's row, else UTC. */
  readonly ownerZone?: string | null;
  readonly orgUnits?: readonly OrgUnitRow[];
  readonly taxCodes?: readonly TaxCodeRow[];
  readonly tables?: readonly TableVersionRow[];
  readonly sources?: readonly FeeSourceRow[];
  /** Country (alpha-2 or alpha-3) of IATA places. */
  readonly places?: Readonly<Record<string, string>>;
  /** Public holidays by country (`DE`) or country and region (`DE-BY`), instead of the pinned library for that country. */
  readonly holidays?: Readonly<Record<string, readonly LocalDate[]>>;
}

/** What matching found about an order; the rest is in its transactions. */
export interface OrderFacts {
  readonly orderId?: string | null;
  readonly source: string;
  /** The payer, else the booker; root of merges. */
  readonly customerId: string | null;
  /** The corporate account. */
  readonly companyId: string | null;
  /** The default of the source, for bookings without one of their own. */
  readonly orgUnit: string | null;
  /** Waivers and manual charges of the order. */
  readonly manual?: readonly ManualFee[];
}

/** What a person typed: a waiver, or a charge as it is. */
export interface ManualFee {
  readonly id: string;
  readonly kind: 'waiver' | 'charge';
  readonly charge: string;
  readonly unit: string;
  /** Event id; missing: all transactions of the unit. */
  readonly transaction?: string | null;
  readonly by: string;
  readonly reason: string;
  readonly gross?: string | null;
  readonly vat?: string | null;
  readonly currency?: string | null;
  readonly at?: Instant | null;
}

export type EntryKind = 'charge' | 'waiver' | 'manual' | 'source';

export interface TableRef {
  readonly table: string;
  readonly version: number;
}

/** A line that should stand in the ledger. Money is text with the currency's digits; plain JSON data. */
export interface StandingEntry {
  readonly eventId: string;
  readonly transactionType: string;
  /** `order`, `transaction:EVENT`, `item:ID`, `traveller:ID` or `document:ID`. */
  readonly unit: string;
  readonly charge: string;
  readonly kind: EntryKind;
  /** The deciding table; null for waivers, manual charges and delivered fees. */
  readonly table: string | null;
  readonly version: number | null;
  /** The table that holds the rule, where it is another. */
  readonly origin: TableRef | null;
  /** The rule's id, or `waiver:ID`, `manual:ID`, `source:ID-or-code`. */
  readonly rule: string;
  readonly net: string;
  readonly vat: string;
  readonly gross: string;
  /** As it was before VAT was split off or added: caps and percentages of charges count it. */
  readonly amount: string;
  readonly currency: string;
  readonly account: string | null;
  readonly vatCode: string | null;
  readonly vatRate: string | null;
  readonly reverseCharge: boolean;
  readonly occurredAt: Instant;
  /** The transaction's local day. */
  readonly day: LocalDate;
  readonly life: number;
  /** A waiver takes this line away. */
  readonly waived: boolean;
  readonly reason: string | null;
}

/** A line of the append-only ledger of an order. */
export interface LedgerEntry extends StandingEntry {
  readonly type: 'charge' | 'reversal' | 'waiver' | 'manual';
  /** Counts the lines of one (charge, event id, transaction type, unit), from 1. */
  readonly seq: number;
}

export type NewLedgerEntry = LedgerEntry;

/** Why a rule does not hold. */
export interface FailedCondition {
  readonly condition: string;
  readonly wanted: string;
  /** null: unknown. */
  readonly actual: string | null;
}

export interface CandidateTrace {
  readonly rule: string;
  /** Where the rule stands, if not in the deciding table itself. */
  readonly origin: TableRef | null;
  readonly result: 'won' | 'beaten' | 'failed' | 'unknown' | 'amount unknown';
  readonly failed?: FailedCondition;
  /** Of the beaten: what the winner has more, for example `priority 5 > 0`. */
  readonly beatenBy?: string;
}

export interface TableTrace extends TableRef {
  readonly candidates: readonly CandidateTrace[];
}

export interface ArithmeticStep {
  readonly step: string;
  readonly value: string;
}

export interface PointTrace {
  readonly charge: string;
  readonly scope: FeeScope;
  readonly unit: string;
  /** Those that were asked, nearest first. */
  readonly tables: readonly TableTrace[];
  readonly outcome: 'entry' | 'none' | 'zero' | 'no rule matched' | 'already charged' | 'once' | 'cap used up';
  readonly winner: { readonly table: string; readonly version: number; readonly rule: string } | null;
  readonly arithmetic: readonly ArithmeticStep[];
  readonly entry: StandingEntry | null;
}

interface ChainLink {
  readonly subject: string;
  readonly table: string;
  /** null: no version was valid, as if not assigned. */
  readonly version: number | null;
}

export interface TransactionTrace {
  readonly eventId: string;
  readonly type: string;
  readonly derived: boolean;
  readonly at: Instant;
  readonly localTime: string;
  readonly chain: readonly ChainLink[];
  readonly points: readonly PointTrace[];
  readonly delivered: readonly StandingEntry[];
}

export interface RatingTrace {
  readonly transactions: readonly TransactionTrace[];
}
