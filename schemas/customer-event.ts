// Written by generate.ts from customer-event.avsc: change that and run `npm run generate`.
import type { RecordSchema } from './avro.js';
import type { Party, Address, Consent } from './booking-event.js';
import type { Instant, LocalDate } from './scalars.js';

/** A customer as its source knows it now: what the event does not say is not so. A message without a value deactivates the customer that its key names. */
export interface CustomerEvent {
  /** the id of the customer in the source */
  readonly externalId: string;
  /** id of the CRM or reservation system */
  readonly source: string;
  /** when the source changed it; older ones than what is known count no more */
  readonly updatedAt: Instant;
  readonly party?: Party | null;
  readonly relations?: readonly CustomerRelation[] | null;
  /** what fee rules may read; an empty text: it has ended */
  readonly attributes?: Readonly<Record<string, string>> | null;
  readonly consents?: readonly Consent[] | null;
  /** the day from which attributes, company and parent hold; missing: always */
  readonly validFrom?: LocalDate | null;
  readonly profile?: CustomerProfile | null;
}

/** Somebody that the customer belongs to. */
export interface CustomerRelation {
  /** company (that a person works for), parent (of a company), family, agency, branch or mediator */
  readonly type?: string | null;
  /** of that company or, of family, of that person, in the same source */
  readonly externalId?: string | null;
  /** of family, who the other one is to the customer: spouse, partner, parent, child, sibling, guardian or other */
  readonly role?: string | null;
}

/** What is known of a customer beyond who it is. Never special-category data such as allergies. */
export interface CustomerProfile {
  readonly maritalStatus?: string | null;
  /** of the accounts, whatever the source */
  readonly debitorNumber?: string | null;
  /** of a company in its register, with the court where each counts its own */
  readonly registerNumber?: string | null;
  readonly interests?: readonly string[] | null;
  readonly hobbies?: readonly string[] | null;
  readonly wishes?: readonly string[] | null;
  /** where the customer likes to go */
  readonly destinations?: readonly string[] | null;
  /** types that the customer likes: hotel, camping, … */
  readonly accommodation?: readonly string[] | null;
  readonly externalIds?: readonly ExternalId[] | null;
  readonly contacts?: readonly ContactPoint[] | null;
  readonly mailingBlock?: MailingBlock | null;
}

/** What another system knows the customer by. */
export interface ExternalId {
  readonly source?: string | null;
  readonly externalId?: string | null;
}

/** A contact point with what is known of it, also one that the party has already. */
export interface ContactPoint {
  /** email, phone or address */
  readonly kind?: string | null;
  /** of an e-mail or phone */
  readonly value?: string | null;
  readonly address?: Address | null;
  /** home, work, invoice, … */
  readonly label?: string | null;
  /** the source has seen that it reaches the customer */
  readonly verified?: boolean | null;
  /** what the source noted about being allowed to write there; no consent */
  readonly consentHint?: string | null;
}

/** No advertising for the time being. */
export interface MailingBlock {
  /** the last day of it; missing: for ever */
  readonly until?: LocalDate | null;
  readonly reason?: string | null;
}

/** Every record of the contract by its name. */
export interface CustomerEventRecords {
  readonly CustomerEvent: CustomerEvent;
  readonly CustomerRelation: CustomerRelation;
  readonly CustomerProfile: CustomerProfile;
  readonly ExternalId: ExternalId;
  readonly ContactPoint: ContactPoint;
  readonly MailingBlock: MailingBlock;
}

/** The contract itself, as customer-event.avsc has it. */
export const customerEventSchema: RecordSchema = {
  "type": "record",
  "name": "CustomerEvent",
  "namespace": "midline.booking.v1",
  "doc": "A customer as its source knows it now: what the event does not say is not so. A message without a value deactivates the customer that its key names.",
  "fields": [
    {"name": "externalId", "type": "string", "doc": "the id of the customer in the source"},
    {"name": "source", "type": "string", "doc": "id of the CRM or reservation system"},
    {"name": "updatedAt", "type": {"type": "long", "logicalType": "timestamp-millis"}, "doc": "when the source changed it; older ones than what is known count no more"},
    {
      "name": "party",
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
    {
      "name": "relations",
      "type": [
        "null",
        {
          "type": "array",
          "items": {
            "type": "record",
            "name": "CustomerRelation",
            "doc": "Somebody that the customer belongs to.",
            "fields": [
              {"name": "type", "type": ["null", "string"], "default": null, "doc": "company (that a person works for), parent (of a company), family, agency, branch or mediator"},
              {"name": "externalId", "type": ["null", "string"], "default": null, "doc": "of that company or, of family, of that person, in the same source"},
              {"name": "role", "type": ["null", "string"], "default": null, "doc": "of family, who the other one is to the customer: spouse, partner, parent, child, sibling, guardian or other"}
            ]
          }
        }
      ],
      "default": null
    },
    {"name": "attributes", "type": ["null", {"type": "map", "values": "string"}], "default": null, "doc": "what fee rules may read; an empty text: it has ended"},
    {"name": "consents", "type": ["null", {"type": "array", "items": "Consent"}], "default": null},
    {"name": "validFrom", "type": ["null", {"type": "int", "logicalType": "date"}], "default": null, "doc": "the day from which attributes, company and parent hold; missing: always"},
    {
      "name": "profile",
      "type": [
        "null",
        {
          "type": "record",
          "name": "CustomerProfile",
          "doc": "What is known of a customer beyond who it is. Never special-category data such as allergies.",
          "fields": [
            {"name": "maritalStatus", "type": ["null", "string"], "default": null},
            {"name": "debitorNumber", "type": ["null", "string"], "default": null, "doc": "of the accounts, whatever the source"},
            {"name": "registerNumber", "type": ["null", "string"], "default": null, "doc": "of a company in its register, with the court where each counts its own"},
            {"name": "interests", "type": ["null", {"type": "array", "items": "string"}], "default": null},
            {"name": "hobbies", "type": ["null", {"type": "array", "items": "string"}], "default": null},
            {"name": "wishes", "type": ["null", {"type": "array", "items": "string"}], "default": null},
            {"name": "destinations", "type": ["null", {"type": "array", "items": "string"}], "default": null, "doc": "where the customer likes to go"},
            {"name": "accommodation", "type": ["null", {"type": "array", "items": "string"}], "default": null, "doc": "types that the customer likes: hotel, camping, …"},
            {
              "name": "externalIds",
              "type": [
                "null",
                {
                  "type": "array",
                  "items": {
                    "type": "record",
                    "name": "ExternalId",
                    "doc": "What another system knows the customer by.",
                    "fields": [{"name": "source", "type": ["null", "string"], "default": null}, {"name": "externalId", "type": ["null", "string"], "default": null}]
                  }
                }
              ],
              "default": null
            },
            {
              "name": "contacts",
              "type": [
                "null",
                {
                  "type": "array",
                  "items": {
                    "type": "record",
                    "name": "ContactPoint",
                    "doc": "A contact point with what is known of it, also one that the party has already.",
                    "fields": [
                      {"name": "kind", "type": ["null", "string"], "default": null, "doc": "email, phone or address"},
                      {"name": "value", "type": ["null", "string"], "default": null, "doc": "of an e-mail or phone"},
                      {"name": "address", "type": ["null", "Address"], "default": null},
                      {"name": "label", "type": ["null", "string"], "default": null, "doc": "home, work, invoice, …"},
                      {"name": "verified", "type": ["null", "boolean"], "default": null, "doc": "the source has seen that it reaches the customer"},
                      {"name": "consentHint", "type": ["null", "string"], "default": null, "doc": "what the source noted about being allowed to write there; no consent"}
                    ]
                  }
                }
              ],
              "default": null
            },
            {
              "name": "mailingBlock",
              "type": [
                "null",
                {
                  "type": "record",
                  "name": "MailingBlock",
                  "doc": "No advertising for the time being.",
                  "fields": [
                    {"name": "until", "type": ["null", {"type": "int", "logicalType": "date"}], "default": null, "doc": "the last day of it; missing: for ever"},
                    {"name": "reason", "type": ["null", "string"], "default": null}
                  ]
                }
              ],
              "default": null
            }
          ]
        }
      ],
      "default": null
    }
  ]
};
