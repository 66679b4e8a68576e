// Written by generate.ts from booking-event.avsc: change that and run `npm run generate`.
import type { RecordSchema } from './avro.js';
import type { Decimal, Instant, LocalDate } from './scalars.js';

/** One thing that happened to a booking, with the whole state of the booking after it. */
export interface BookingEvent {
  /** unique within the source; a re-sent event has the same */
  readonly eventId: string;
  /** id of the reservation system */
  readonly source: string;
  /** booked, confirmed, changed, ticketed, reissued, refunded, voided, cancelled, no-show, travelled, or a kind that the source's map declares */
  readonly type: string;
  /** the booking within the source, unique for ever */
  readonly bookingRef: string;
  /** the source's sequence within the booking */
  readonly version?: number | null;
  /** when it happened at the source */
  readonly occurredAt: Instant;
  /** where this transaction was done; missing: the booking's */
  readonly orgUnit?: string | null;
  readonly office?: string | null;
  readonly agent?: string | null;
  readonly channel?: string | null;
  readonly initiator?: string | null;
  /** work that is charged by time */
  readonly workMinutes?: number | null;
  readonly refund?: Refund | null;
  readonly touches?: Touches | null;
  /** W3C trace context */
  readonly traceparent?: string | null;
  /** null where the source sends none (a bare cancellation) */
  readonly booking?: Booking | null;
}

/** Money of a refund. */
export interface Refund {
  readonly amount?: Decimal | null;
  readonly penalty?: Decimal | null;
  readonly currency?: string | null;
}

/** What the transaction is about: ids. */
export interface Touches {
  readonly items?: readonly string[] | null;
  readonly documents?: readonly string[] | null;
  readonly travellers?: readonly string[] | null;
}

/** The whole state of the booking after the event. */
export interface Booking {
  readonly references?: readonly Reference[] | null;
  readonly isOption?: boolean | null;
  readonly isRequest?: boolean | null;
  readonly bookedAt?: Instant | null;
  readonly ticketingDeadline?: Instant | null;
  /** missing: from the items */
  readonly travelFrom?: LocalDate | null;
  /** missing: from the items */
  readonly travelUntil?: LocalDate | null;
  /** of the agency; missing: the default of the source */
  readonly orgUnit?: string | null;
  readonly corporateAccount?: CorporateAccount | null;
  readonly booker?: Party | null;
  readonly payer?: Party | null;
  readonly travellers?: readonly Traveller[] | null;
  /** by the codes of Traveller.type, where the source has no names */
  readonly travellerCounts?: Readonly<Record<string, number>> | null;
  readonly items?: readonly Item[] | null;
  readonly documents?: readonly Document[] | null;
  /** missing: the sum of the items that are not cancelled */
  readonly price?: Price | null;
  readonly payments?: readonly Payment[] | null;
  readonly agencyFees?: readonly AgencyFee[] | null;
  readonly remarks?: readonly Remark[] | null;
  readonly sensitive?: readonly Sensitive[] | null;
  /** free; fee conditions read them */
  readonly attributes?: Readonly<Record<string, string>> | null;
}

/** A number that somebody knows the booking by: locator, supplier, client, group. */
export interface Reference {
  readonly type?: string | null;
  readonly value?: string | null;
  readonly system?: string | null;
}

/** The company that the booking is made under. */
export interface CorporateAccount {
  readonly id?: string | null;
  readonly name?: string | null;
  readonly vatId?: string | null;
  readonly costCentre?: string | null;
  readonly project?: string | null;
  readonly personnelNumber?: string | null;
}

/** A person or company as the source knows it. */
export interface Party {
  /** person or company */
  readonly kind?: string | null;
  /** the id that this person or company has in the source */
  readonly externalId?: string | null;
  readonly salutation?: string | null;
  readonly title?: string | null;
  readonly givenName?: string | null;
  readonly familyName?: string | null;
  /** raw, e.g. MUELLER/ANNA MRS */
  readonly fullName?: string | null;
  readonly companyName?: string | null;
  readonly vatId?: string | null;
  /** as the source writes it; parsed when it is matched */
  readonly birthDate?: string | null;
  readonly gender?: string | null;
  readonly language?: string | null;
  readonly nationality?: string | null;
  readonly emails?: readonly string[] | null;
  readonly phones?: readonly string[] | null;
  readonly addresses?: readonly Address[] | null;
  readonly loyalty?: readonly Loyalty[] | null;
  readonly consents?: readonly Consent[] | null;
}

/** A country alone is a country of origin; it identifies nobody. */
export interface Address {
  readonly street?: string | null;
  readonly houseNumber?: string | null;
  readonly postalCode?: string | null;
  readonly city?: string | null;
  readonly region?: string | null;
  /** ISO 3166 alpha-2 or alpha-3, as the source writes it */
  readonly country?: string | null;
}

/** A membership in a loyalty programme. */
export interface Loyalty {
  readonly program?: string | null;
  readonly number?: string | null;
}

/** What a person agreed to, or refused, at the source. */
export interface Consent {
  readonly purpose?: string | null;
  readonly channel?: string | null;
  readonly given?: boolean | null;
  readonly at?: Instant | null;
}

/** A party that travels. */
export interface Traveller {
  /** within the booking */
  readonly id: string;
  /** canonical code: ADT, CHD, INF, … */
  readonly type?: string | null;
  /** person or company */
  readonly kind?: string | null;
  /** the id that this person or company has in the source */
  readonly externalId?: string | null;
  readonly salutation?: string | null;
  readonly title?: string | null;
  readonly givenName?: string | null;
  readonly familyName?: string | null;
  /** raw, e.g. MUELLER/ANNA MRS */
  readonly fullName?: string | null;
  readonly companyName?: string | null;
  readonly vatId?: string | null;
  /** as the source writes it; parsed when it is matched */
  readonly birthDate?: string | null;
  readonly gender?: string | null;
  readonly language?: string | null;
  readonly nationality?: string | null;
  readonly emails?: readonly string[] | null;
  readonly phones?: readonly string[] | null;
  readonly addresses?: readonly Address[] | null;
  readonly loyalty?: readonly Loyalty[] | null;
  readonly consents?: readonly Consent[] | null;
}

/** One service of a booking. */
export interface Item {
  /** names the item for ever: fee units hang on it */
  readonly id: string;
  /** flight, hotel, rail, car, cruise, package, insurance, transfer, event, other */
  readonly product: string;
  /** open, cancelled or the word of the source */
  readonly status?: string | null;
  readonly supplier?: string | null;
  readonly supplierGroup?: string | null;
  readonly carrier?: string | null;
  /** the first, where it differs by segment */
  readonly bookingClass?: string | null;
  readonly fareType?: string | null;
  /** the first, where it differs by segment */
  readonly tariff?: string | null;
  readonly tripType?: string | null;
  readonly origin?: string | null;
  /** the turning point of a return trip */
  readonly destination?: string | null;
  readonly country?: string | null;
  readonly segments?: readonly Segment[] | null;
  readonly start?: LocalDate | null;
  readonly end?: LocalDate | null;
  /** end of a request window */
  readonly latestStart?: LocalDate | null;
  readonly nights?: number | null;
  /** rooms, cars, … */
  readonly quantity?: number | null;
  /** ids of travellers */
  readonly travellers?: readonly string[] | null;
  /** by the codes of Traveller.type */
  readonly travellerCounts?: Readonly<Record<string, number>> | null;
  readonly childAges?: readonly number[] | null;
  readonly price?: Price | null;
  readonly travellerPrices?: readonly TravellerPrice[] | null;
  readonly ancillaries?: readonly Ancillary[] | null;
  readonly commissionPercent?: Decimal | null;
  readonly cancelUntil?: Instant | null;
  readonly attributes?: Readonly<Record<string, string>> | null;
}

/** One leg of an item. */
export interface Segment {
  readonly origin?: string | null;
  readonly destination?: string | null;
  readonly carrier?: string | null;
  readonly number?: string | null;
  /** local time as text, offset optional */
  readonly departure?: string | null;
  /** local time as text, offset optional */
  readonly arrival?: string | null;
  readonly bookingClass?: string | null;
}

/** An amount with its parts. */
export interface Price {
  /** ISO 4217 */
  readonly currency: string;
  readonly total: Decimal;
  readonly base?: Decimal | null;
  readonly taxes?: Decimal | null;
  readonly commission?: Decimal | null;
}

/** The share of one traveller in the price of an item. */
export interface TravellerPrice {
  /** id of the traveller */
  readonly traveller?: string | null;
  readonly price?: Price | null;
}

/** An extra that was sold with an item: bag, seat, meal. */
export interface Ancillary {
  readonly type?: string | null;
  readonly text?: string | null;
  /** id of the traveller */
  readonly traveller?: string | null;
  readonly price?: Price | null;
}

/** What is issued for an item. */
export interface Document {
  /** its number */
  readonly id: string;
  /** TICKET, EMD, VOUCHER, … */
  readonly type: string;
  /** id of the item */
  readonly item?: string | null;
  /** id of the traveller */
  readonly traveller?: string | null;
  readonly issuedAt?: Instant | null;
  /** the document that this one was issued in exchange for */
  readonly originalId?: string | null;
  readonly price?: Price | null;
  readonly status?: string | null;
}

/** How the booking is paid. */
export interface Payment {
  readonly type?: string | null;
  readonly brand?: string | null;
  readonly amount?: Decimal | null;
  readonly currency?: string | null;
}

/** A service fee that the source has computed. */
export interface AgencyFee {
  readonly id?: string | null;
  readonly code?: string | null;
  /** id of the item */
  readonly item?: string | null;
  readonly gross?: Decimal | null;
  readonly vat?: Decimal | null;
  readonly currency?: string | null;
}

/** Free text. */
export interface Remark {
  readonly type?: string | null;
  readonly text?: string | null;
}

/** Special-category data: encrypted at rest. */
export interface Sensitive {
  /** allergy, diet, accessibility, medical */
  readonly kind?: string | null;
  /** id of the traveller */
  readonly traveller?: string | null;
  readonly text?: string | null;
}

/** Every record of the contract by its name. */
export interface BookingEventRecords {
  readonly BookingEvent: BookingEvent;
  readonly Refund: Refund;
  readonly Touches: Touches;
  readonly Booking: Booking;
  readonly Reference: Reference;
  readonly CorporateAccount: CorporateAccount;
  readonly Party: Party;
  readonly Address: Address;
  readonly Loyalty: Loyalty;
  readonly Consent: Consent;
  readonly Traveller: Traveller;
  readonly Item: Item;
  readonly Segment: Segment;
  readonly Price: Price;
  readonly TravellerPrice: TravellerPrice;
  readonly Ancillary: Ancillary;
  readonly Document: Document;
  readonly Payment: Payment;
  readonly AgencyFee: AgencyFee;
  readonly Remark: Remark;
  readonly Sensitive: Sensitive;
}

/** The contract itself, as booking-event.avsc has it. */
export const bookingEventSchema: RecordSchema = {
  "type": "record",
  "name": "BookingEvent",
  "namespace": "midline.booking.v1",
  "doc": "One thing that happened to a booking, with the whole state of the booking after it.",
  "fields": [
    {"name": "eventId", "type": "string", "doc": "unique within the source; a re-sent event has the same"},
    {"name": "source", "type": "string", "doc": "id of the reservation system"},
    {
      "name": "type",
      "type": "string",
      "doc": "booked, confirmed, changed, ticketed, reissued, refunded, voided, cancelled, no-show, travelled, or a kind that the source's map declares"
    },
    {"name": "bookingRef", "type": "string", "doc": "the booking within the source, unique for ever"},
    {"name": "version", "type": ["null", "long"], "default": null, "doc": "the source's sequence within the booking"},
    {"name": "occurredAt", "type": {"type": "long", "logicalType": "timestamp-millis"}, "doc": "when it happened at the source"},
    {"name": "orgUnit", "type": ["null", "string"], "default": null, "doc": "where this transaction was done; missing: the booking's"},
    {"name": "office", "type": ["null", "string"], "default": null},
    {"name": "agent", "type": ["null", "string"], "default": null},
    {"name": "channel", "type": ["null", "string"], "default": null},
    {"name": "initiator", "type": ["null", "string"], "default": null},
    {"name": "workMinutes", "type": ["null", "int"], "default": null, "doc": "work that is charged by time"},
    {
      "name": "refund",
      "type": [
        "null",
        {
          "type": "record",
          "name": "Refund",
          "doc": "Money of a refund.",
          "fields": [
            {"name": "amount", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}], "default": null},
            {"name": "penalty", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}], "default": null},
            {"name": "currency", "type": ["null", "string"], "default": null}
          ]
        }
      ],
      "default": null
    },
    {
      "name": "touches",
      "type": [
        "null",
        {
          "type": "record",
          "name": "Touches",
          "doc": "What the transaction is about: ids.",
          "fields": [
            {"name": "items", "type": ["null", {"type": "array", "items": "string"}], "default": null},
            {"name": "documents", "type": ["null", {"type": "array", "items": "string"}], "default": null},
            {"name": "travellers", "type": ["null", {"type": "array", "items": "string"}], "default": null}
          ]
        }
      ],
      "default": null
    },
    {"name": "traceparent", "type": ["null", "string"], "default": null, "doc": "W3C trace context"},
    {
      "name": "booking",
      "type": [
        "null",
        {
          "type": "record",
          "name": "Booking",
          "doc": "The whole state of the booking after the event.",
          "fields": [
            {
              "name": "references",
              "type": [
                "null",
                {
                  "type": "array",
                  "items": {
                    "type": "record",
                    "name": "Reference",
                    "doc": "A number that somebody knows the booking by: locator, supplier, client, group.",
                    "fields": [
                      {"name": "type", "type": ["null", "string"], "default": null},
                      {"name": "value", "type": ["null", "string"], "default": null},
                      {"name": "system", "type": ["null", "string"], "default": null}
                    ]
                  }
                }
              ],
              "default": null
            },
            {"name": "isOption", "type": ["null", "boolean"], "default": null},
            {"name": "isRequest", "type": ["null", "boolean"], "default": null},
            {"name": "bookedAt", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}], "default": null},
            {"name": "ticketingDeadline", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}], "default": null},
            {"name": "travelFrom", "type": ["null", {"type": "int", "logicalType": "date"}], "default": null, "doc": "missing: from the items"},
            {"name": "travelUntil", "type": ["null", {"type": "int", "logicalType": "date"}], "default": null, "doc": "missing: from the items"},
            {"name": "orgUnit", "type": ["null", "string"], "default": null, "doc": "of the agency; missing: the default of the source"},
            {
              "name": "corporateAccount",
              "type": [
                "null",
                {
                  "type": "record",
                  "name": "CorporateAccount",
                  "doc": "The company that the booking is made under.",
                  "fields": [
                    {"name": "id", "type": ["null", "string"], "default": null},
                    {"name": "name", "type": ["null", "string"], "default": null},
                    {"name": "vatId", "type": ["null", "string"], "default": null},
                    {"name": "costCentre", "type": ["null", "string"], "default": null},
                    {"name": "project", "type": ["null", "string"], "default": null},
                    {"name": "personnelNumber", "type": ["null", "string"], "default": null}
                  ]
                }
              ],
              "default": null
            },
            {
              "name": "booker",
              "type": [
                "null",
                {
                  "type": "record",
                  "name": "Party",
                  "doc": "A person or company as the source knows it.",
                  "fields": [
                    {"name": "kind", "type": ["null", "string"], "default": null, "doc": "person or company"},
                    {"name": "externalId", "type": ["null", "string"], "default": null, "doc": "the id that this person or company has in the source"},
                    {"name": "salutation", "type": ["null", "string"], "default": null},
                    {"name": "title", "type": ["null", "string"], "default": null},
                    {"name": "givenName", "type": ["null", "string"], "default": null},
                    {"name": "familyName", "type": ["null", "string"], "default": null},
                    {"name": "fullName", "type": ["null", "string"], "default": null, "doc": "raw, e.g. MUELLER/ANNA MRS"},
                    {"name": "companyName", "type": ["null", "string"], "default": null},
                    {"name": "vatId", "type": ["null", "string"], "default": null},
                    {"name": "birthDate", "type": ["null", "string"], "default": null, "doc": "as the source writes it; parsed when it is matched"},
                    {"name": "gender", "type": ["null", "string"], "default": null},
                    {"name": "language", "type": ["null", "string"], "default": null},
                    {"name": "nationality", "type": ["null", "string"], "default": null},
                    {"name": "emails", "type": ["null", {"type": "array", "items": "string"}], "default": null},
                    {"name": "phones", "type": ["null", {"type": "array", "items": "string"}], "default": null},
                    {
                      "name": "addresses",
                      "type": [
                        "null",
                        {
                          "type": "array",
                          "items": {
                            "type": "record",
                            "name": "Address",
                            "doc": "A country alone is a country of origin; it identifies nobody.",
                            "fields": [
                              {"name": "street", "type": ["null", "string"], "default": null},
                              {"name": "houseNumber", "type": ["null", "string"], "default": null},
                              {"name": "postalCode", "type": ["null", "string"], "default": null},
                              {"name": "city", "type": ["null", "string"], "default": null},
                              {"name": "region", "type": ["null", "string"], "default": null},
                              {"name": "country", "type": ["null", "string"], "default": null, "doc": "ISO 3166 alpha-2 or alpha-3, as the source writes it"}
                            ]
                          }
                        }
                      ],
                      "default": null
                    },
                    {
                      "name": "loyalty",
                      "type": [
                        "null",
                        {
                          "type": "array",
                          "items": {
                            "type": "record",
                            "name": "Loyalty",
                            "doc": "A membership in a loyalty programme.",
                            "fields": [{"name": "program", "type": ["null", "string"], "default": null}, {"name": "number", "type": ["null", "string"], "default": null}]
                          }
                        }
                      ],
                      "default": null
                    },
                    {
                      "name": "consents",
                      "type": [
                        "null",
                        {
                          "type": "array",
                          "items": {
                            "type": "record",
                            "name": "Consent",
                            "doc": "What a person agreed to, or refused, at the source.",
                            "fields": [
                              {"name": "purpose", "type": ["null", "string"], "default": null},
                              {"name": "channel", "type": ["null", "string"], "default": null},
                              {"name": "given", "type": ["null", "boolean"], "default": null},
                              {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}], "default": null}
                            ]
                          }
                        }
                      ],
                      "default": null
                    }
                  ]
                }
              ],
              "default": null
            },
            {"name": "payer", "type": ["null", "Party"], "default": null},
            {
              "name": "travellers",
              "type": [
                "null",
                {
                  "type": "array",
                  "items": {
                    "type": "record",
                    "name": "Traveller",
                    "doc": "A party that travels.",
                    "fields": [
                      {"name": "id", "type": "string", "doc": "within the booking"},
                      {"name": "type", "type": ["null", "string"], "default": null, "doc": "canonical code: ADT, CHD, INF, …"},
                      {"name": "kind", "type": ["null", "string"], "default": null, "doc": "person or company"},
                      {"name": "externalId", "type": ["null", "string"], "default": null, "doc": "the id that this person or company has in the source"},
                      {"name": "salutation", "type": ["null", "string"], "default": null},
                      {"name": "title", "type": ["null", "string"], "default": null},
                      {"name": "givenName", "type": ["null", "string"], "default": null},
                      {"name": "familyName", "type": ["null", "string"], "default": null},
                      {"name": "fullName", "type": ["null", "string"], "default": null, "doc": "raw, e.g. MUELLER/ANNA MRS"},
                      {"name": "companyName", "type": ["null", "string"], "default": null},
                      {"name": "vatId", "type": ["null", "string"], "default": null},
                      {"name": "birthDate", "type": ["null", "string"], "default": null, "doc": "as the source writes it; parsed when it is matched"},
                      {"name": "gender", "type": ["null", "string"], "default": null},
                      {"name": "language", "type": ["null", "string"], "default": null},
                      {"name": "nationality", "type": ["null", "string"], "default": null},
                      {"name": "emails", "type": ["null", {"type": "array", "items": "string"}], "default": null},
                      {"name": "phones", "type": ["null", {"type": "array", "items": "string"}], "default": null},
                      {"name": "addresses", "type": ["null", {"type": "array", "items": "Address"}], "default": null},
                      {"name": "loyalty", "type": ["null", {"type": "array", "items": "Loyalty"}], "default": null},
                      {"name": "consents", "type": ["null", {"type": "array", "items": "Consent"}], "default": null}
                    ]
                  }
                }
              ],
              "default": null
            },
            {
              "name": "travellerCounts",
              "type": ["null", {"type": "map", "values": "int"}],
              "default": null,
              "doc": "by the codes of Traveller.type, where the source has no names"
            },
            {
              "name": "items",
              "type": [
                "null",
                {
                  "type": "array",
                  "items": {
                    "type": "record",
                    "name": "Item",
                    "doc": "One service of a booking.",
                    "fields": [
                      {"name": "id", "type": "string", "doc": "names the item for ever: fee units hang on it"},
                      {"name": "product", "type": "string", "doc": "flight, hotel, rail, car, cruise, package, insurance, transfer, event, other"},
                      {"name": "status", "type": ["null", "string"], "default": null, "doc": "open, cancelled or the word of the source"},
                      {"name": "supplier", "type": ["null", "string"], "default": null},
                      {"name": "supplierGroup", "type": ["null", "string"], "default": null},
                      {"name": "carrier", "type": ["null", "string"], "default": null},
                      {"name": "bookingClass", "type": ["null", "string"], "default": null, "doc": "the first, where it differs by segment"},
                      {"name": "fareType", "type": ["null", "string"], "default": null},
                      {"name": "tariff", "type": ["null", "string"], "default": null, "doc": "the first, where it differs by segment"},
                      {"name": "tripType", "type": ["null", "string"], "default": null},
                      {"name": "origin", "type": ["null", "string"], "default": null},
                      {"name": "destination", "type": ["null", "string"], "default": null, "doc": "the turning point of a return trip"},
                      {"name": "country", "type": ["null", "string"], "default": null},
                      {
                        "name": "segments",
                        "type": [
                          "null",
                          {
                            "type": "array",
                            "items": {
                              "type": "record",
                              "name": "Segment",
                              "doc": "One leg of an item.",
                              "fields": [
                                {"name": "origin", "type": ["null", "string"], "default": null},
                                {"name": "destination", "type": ["null", "string"], "default": null},
                                {"name": "carrier", "type": ["null", "string"], "default": null},
                                {"name": "number", "type": ["null", "string"], "default": null},
                                {"name": "departure", "type": ["null", "string"], "default": null, "doc": "local time as text, offset optional"},
                                {"name": "arrival", "type": ["null", "string"], "default": null, "doc": "local time as text, offset optional"},
                                {"name": "bookingClass", "type": ["null", "string"], "default": null}
                              ]
                            }
                          }
                        ],
                        "default": null
                      },
                      {"name": "start", "type": ["null", {"type": "int", "logicalType": "date"}], "default": null},
                      {"name": "end", "type": ["null", {"type": "int", "logicalType": "date"}], "default": null},
                      {"name": "latestStart", "type": ["null", {"type": "int", "logicalType": "date"}], "default": null, "doc": "end of a request window"},
                      {"name": "nights", "type": ["null", "int"], "default": null},
                      {"name": "quantity", "type": ["null", "int"], "default": null, "doc": "rooms, cars, …"},
                      {"name": "travellers", "type": ["null", {"type": "array", "items": "string"}], "default": null, "doc": "ids of travellers"},
                      {"name": "travellerCounts", "type": ["null", {"type": "map", "values": "int"}], "default": null, "doc": "by the codes of Traveller.type"},
                      {"name": "childAges", "type": ["null", {"type": "array", "items": "int"}], "default": null},
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
                        "name": "travellerPrices",
                        "type": [
                          "null",
                          {
                            "type": "array",
                            "items": {
                              "type": "record",
                              "name": "TravellerPrice",
                              "doc": "The share of one traveller in the price of an item.",
                              "fields": [
                                {"name": "traveller", "type": ["null", "string"], "default": null, "doc": "id of the traveller"},
                                {"name": "price", "type": ["null", "Price"], "default": null}
                              ]
                            }
                          }
                        ],
                        "default": null
                      },
                      {
                        "name": "ancillaries",
                        "type": [
                          "null",
                          {
                            "type": "array",
                            "items": {
                              "type": "record",
                              "name": "Ancillary",
                              "doc": "An extra that was sold with an item: bag, seat, meal.",
                              "fields": [
                                {"name": "type", "type": ["null", "string"], "default": null},
                                {"name": "text", "type": ["null", "string"], "default": null},
                                {"name": "traveller", "type": ["null", "string"], "default": null, "doc": "id of the traveller"},
                                {"name": "price", "type": ["null", "Price"], "default": null}
                              ]
                            }
                          }
                        ],
                        "default": null
                      },
                      {"name": "commissionPercent", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}], "default": null},
                      {"name": "cancelUntil", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}], "default": null},
                      {"name": "attributes", "type": ["null", {"type": "map", "values": "string"}], "default": null}
                    ]
                  }
                }
              ],
              "default": null
            },
            {
              "name": "documents",
              "type": [
                "null",
                {
                  "type": "array",
                  "items": {
                    "type": "record",
                    "name": "Document",
                    "doc": "What is issued for an item.",
                    "fields": [
                      {"name": "id", "type": "string", "doc": "its number"},
                      {"name": "type", "type": "string", "doc": "TICKET, EMD, VOUCHER, …"},
                      {"name": "item", "type": ["null", "string"], "default": null, "doc": "id of the item"},
                      {"name": "traveller", "type": ["null", "string"], "default": null, "doc": "id of the traveller"},
                      {"name": "issuedAt", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}], "default": null},
                      {"name": "originalId", "type": ["null", "string"], "default": null, "doc": "the document that this one was issued in exchange for"},
                      {"name": "price", "type": ["null", "Price"], "default": null},
                      {"name": "status", "type": ["null", "string"], "default": null}
                    ]
                  }
                }
              ],
              "default": null
            },
            {"name": "price", "type": ["null", "Price"], "default": null, "doc": "missing: the sum of the items that are not cancelled"},
            {
              "name": "payments",
              "type": [
                "null",
                {
                  "type": "array",
                  "items": {
                    "type": "record",
                    "name": "Payment",
                    "doc": "How the booking is paid.",
                    "fields": [
                      {"name": "type", "type": ["null", "string"], "default": null},
                      {"name": "brand", "type": ["null", "string"], "default": null},
                      {"name": "amount", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}], "default": null},
                      {"name": "currency", "type": ["null", "string"], "default": null}
                    ]
                  }
                }
              ],
              "default": null
            },
            {
              "name": "agencyFees",
              "type": [
                "null",
                {
                  "type": "array",
                  "items": {
                    "type": "record",
                    "name": "AgencyFee",
                    "doc": "A service fee that the source has computed.",
                    "fields": [
                      {"name": "id", "type": ["null", "string"], "default": null},
                      {"name": "code", "type": ["null", "string"], "default": null},
                      {"name": "item", "type": ["null", "string"], "default": null, "doc": "id of the item"},
                      {"name": "gross", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}], "default": null},
                      {"name": "vat", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}], "default": null},
                      {"name": "currency", "type": ["null", "string"], "default": null}
                    ]
                  }
                }
              ],
              "default": null
            },
            {
              "name": "remarks",
              "type": [
                "null",
                {
                  "type": "array",
                  "items": {
                    "type": "record",
                    "name": "Remark",
                    "doc": "Free text.",
                    "fields": [{"name": "type", "type": ["null", "string"], "default": null}, {"name": "text", "type": ["null", "string"], "default": null}]
                  }
                }
              ],
              "default": null
            },
            {
              "name": "sensitive",
              "type": [
                "null",
                {
                  "type": "array",
                  "items": {
                    "type": "record",
                    "name": "Sensitive",
                    "doc": "Special-category data: encrypted at rest.",
                    "fields": [
                      {"name": "kind", "type": ["null", "string"], "default": null, "doc": "allergy, diet, accessibility, medical"},
                      {"name": "traveller", "type": ["null", "string"], "default": null, "doc": "id of the traveller"},
                      {"name": "text", "type": ["null", "string"], "default": null}
                    ]
                  }
                }
              ],
              "default": null
            },
            {"name": "attributes", "type": ["null", {"type": "map", "values": "string"}], "default": null, "doc": "free; fee conditions read them"}
          ]
        }
      ],
      "default": null,
      "doc": "null where the source sends none (a bare cancellation)"
    }
  ]
};
