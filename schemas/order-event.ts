// Written by generate.ts from order-event.avsc: change that and run `npm run generate`.
import type { RecordSchema } from './avro.js';
import type { Price } from './booking-event.js';
import type { Decimal, Instant, LocalDate } from './scalars.js';

/** An order as it stands after a change. It carries ids, never personal data. */
export interface OrderEvent {
  /** uuid */
  readonly orderId: string;
  /** grows with every change of the order; ignore what is not newer */
  readonly revision: number;
  readonly source: string;
  readonly bookingRef: string;
  /** booked, option, ticketed, cancelled, no-show, travelled */
  readonly status: string;
  /** the booking event that changed the order */
  readonly causeEventId?: string | null;
  /** its type, or the action: merge, rerate, waiver, … */
  readonly causeType?: string | null;
  readonly customerId?: string | null;
  /** linked, review, new, none */
  readonly link?: string | null;
  readonly corporateAccountId?: string | null;
  readonly orgUnit?: string | null;
  readonly travelFrom?: LocalDate | null;
  readonly travelUntil?: LocalDate | null;
  readonly price?: Price | null;
  /** what stands in the ledger, per currency */
  readonly fees?: readonly OrderEventFee[] | null;
  readonly feeEntries?: readonly OrderEventFeeEntry[] | null;
  /** when it was written */
  readonly at: Instant;
}

/** What stands in the fee ledger in one currency. */
export interface OrderEventFee {
  readonly currency?: string | null;
  readonly net?: Decimal | null;
  readonly vat?: Decimal | null;
  readonly gross?: Decimal | null;
}

/** A line that this change appended to the fee ledger. */
export interface OrderEventFeeEntry {
  readonly entryId?: string | null;
  /** charge, reversal, waiver, manual */
  readonly type?: string | null;
  readonly charge?: string | null;
  readonly unit?: string | null;
  readonly rule?: string | null;
  readonly table?: string | null;
  /** of the fee table */
  readonly version?: number | null;
  readonly net?: Decimal | null;
  readonly vat?: Decimal | null;
  readonly gross?: Decimal | null;
  readonly currency?: string | null;
  readonly account?: string | null;
}

/** Every record of the contract by its name. */
export interface OrderEventRecords {
  readonly OrderEvent: OrderEvent;
  readonly OrderEventFee: OrderEventFee;
  readonly OrderEventFeeEntry: OrderEventFeeEntry;
}

/** The contract itself, as order-event.avsc has it. */
export const orderEventSchema: RecordSchema = {
  "type": "record",
  "name": "OrderEvent",
  "namespace": "midline.booking.v1",
  "doc": "An order as it stands after a change. It carries ids, never personal data.",
  "fields": [
    {"name": "orderId", "type": "string", "doc": "uuid"},
    {"name": "revision", "type": "long", "doc": "grows with every change of the order; ignore what is not newer"},
    {"name": "source", "type": "string"},
    {"name": "bookingRef", "type": "string"},
    {"name": "status", "type": "string", "doc": "booked, option, ticketed, cancelled, no-show, travelled"},
    {"name": "causeEventId", "type": ["null", "string"], "default": null, "doc": "the booking event that changed the order"},
    {"name": "causeType", "type": ["null", "string"], "default": null, "doc": "its type, or the action: merge, rerate, waiver, …"},
    {"name": "customerId", "type": ["null", "string"], "default": null},
    {"name": "link", "type": ["null", "string"], "default": null, "doc": "linked, review, new, none"},
    {"name": "corporateAccountId", "type": ["null", "string"], "default": null},
    {"name": "orgUnit", "type": ["null", "string"], "default": null},
    {"name": "travelFrom", "type": ["null", {"type": "int", "logicalType": "date"}], "default": null},
    {"name": "travelUntil", "type": ["null", {"type": "int", "logicalType": "date"}], "default": null},
    {
      "name": "price",
      "type": [
        "null",
        {
          "type": "record",
          "name": "Price",
          "doc": "An amount with its parts.",
          "fields": [
            {"name": "currency", "type": "string", "doc": "ISO 4217"},
            {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}},
            {"name": "base", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}], "default": null},
            {"name": "taxes", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}], "default": null},
            {"name": "commission", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}], "default": null}
          ]
        }
      ],
      "default": null
    },
    {
      "name": "fees",
      "type": [
        "null",
        {
          "type": "array",
          "items": {
            "type": "record",
            "name": "OrderEventFee",
            "doc": "What stands in the fee ledger in one currency.",
            "fields": [
              {"name": "currency", "type": ["null", "string"], "default": null},
              {"name": "net", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}], "default": null},
              {"name": "vat", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}], "default": null},
              {"name": "gross", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}], "default": null}
            ]
          }
        }
      ],
      "default": null,
      "doc": "what stands in the ledger, per currency"
    },
    {
      "name": "feeEntries",
      "type": [
        "null",
        {
          "type": "array",
          "items": {
            "type": "record",
            "name": "OrderEventFeeEntry",
            "doc": "A line that this change appended to the fee ledger.",
            "fields": [
              {"name": "entryId", "type": ["null", "string"], "default": null},
              {"name": "type", "type": ["null", "string"], "default": null, "doc": "charge, reversal, waiver, manual"},
              {"name": "charge", "type": ["null", "string"], "default": null},
              {"name": "unit", "type": ["null", "string"], "default": null},
              {"name": "rule", "type": ["null", "string"], "default": null},
              {"name": "table", "type": ["null", "string"], "default": null},
              {"name": "version", "type": ["null", "int"], "default": null, "doc": "of the fee table"},
              {"name": "net", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}], "default": null},
              {"name": "vat", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}], "default": null},
              {"name": "gross", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}], "default": null},
              {"name": "currency", "type": ["null", "string"], "default": null},
              {"name": "account", "type": ["null", "string"], "default": null}
            ]
          }
        }
      ],
      "default": null
    },
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}, "doc": "when it was written"}
  ]
};
