import type { BookingEvent } from '../../schemas/booking-event.js';

/** An event of about 500 bytes on the wire, with every kind of field. */
export const bookedEvent: BookingEvent = {
  eventId: '0f8fad5b-d9cb-469f-a165-70867728950e',
  source: 'hotel-pms',
  type: 'booked',
  bookingRef: 'AB12CD-2026-05-01',
  version: 3,
  occurredAt: Date.UTC(2026, 4, 1, 10),
  office: 'MUC01',
  workMinutes: 5,
  touches: { items: ['1'] },
  booking: {
    bookedAt: Date.UTC(2026, 4, 1, 10),
    isOption: false,
    corporateAccount: { id: 'C-223' },
    booker: {
      kind: 'person',
      givenName: 'Jörg',
      familyName: 'Müller',
      emails: ['joerg.mueller@example.com'],
      addresses: [{ street: 'Hauptstr.', houseNumber: '5', postalCode: '80331', city: 'München', country: 'DE' }],
      consents: [{ purpose: 'newsletter', channel: 'email', given: false, at: 0 }],
    },
    travellers: [{ id: 't1', type: 'ADT', givenName: 'Jörg', familyName: 'Müller' }],
    travellerCounts: { ADT: 1, CHD: 2 },
    items: [
      {
        id: '1',
        product: 'flight',
        carrier: 'LH',
        start: '2026-06-10',
        end: '2026-06-20',
        nights: 10,
        travellers: ['t1'],
        childAges: [3, 7],
        price: { currency: 'EUR', total: '1082.5', taxes: '-200.1125' },
      },
      { id: '2', product: 'hotel', start: '2026-06-10', price: { currency: 'EUR', total: '1500' } },
    ],
    documents: [{ id: '2201234567890', type: 'TICKET', item: '1', traveller: 't1', issuedAt: Date.UTC(2026, 4, 1, 11) }],
    attributes: { market: 'DE' },
  },
};

/** The smallest event that the contract allows. */
export const smallestEvent: BookingEvent = { eventId: 'e-1', source: 'hotel-pms', type: 'cancelled', bookingRef: 'R1', occurredAt: 0 };

/** The value without fields that are null: in events missing and null mean the same. */
export function withoutNulls(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, field: unknown) => field ?? undefined));
}
