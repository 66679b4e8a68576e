/** Booking events of all reservation systems: Avro `BookingEvent`, key `source:bookingRef`. In. */
export const bookingEventsTopic = 'booking-events';

/** Messages that could not be applied: original key, bytes and headers, and the headers that say why. Out. */
export const deadLetterTopic = 'booking-events.dead-letter';

/** Orders after each change: Avro `OrderEvent`, key order id. Out. */
export const orderEventsTopic = 'order-events';

/** Customers of a CRM: Avro `CustomerEvent`, key `source:externalId` or the external id alone. In, compacted. */
export const customerEventsTopic = 'customer-events';

/** The group that reads it for a group of ingest. */
export const customersGroup = (group: string): string => `${group}.customers`;

/** What begins the name of a topic that carries the raw records of one source. */
export const sourceTopicPrefix = 'source.';

/** Raw records of one source, as it sends them: `source.hotel-pms`. In. */
export const sourceTopic = (source: string): string => `${sourceTopicPrefix}${source}`;

/** The key of a booking's events: all of them go to one partition of a producer, in order. */
export const bookingKey = ({ source, bookingRef }: { readonly source: string; readonly bookingRef: string }): string => `${source}:${bookingRef}`;
