import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../services/places.js';

/** 119,390 real hotel bookings (doi 10.1016/j.dib.2018.11.126); the file lies beside the project. */
export const hotelFile = join(projectRoot(), '..', 'shared', 'data', 'bookings', 'hotel_bookings.csv.zip');

const orgUnits = '- { id: group, name: Group, timeZone: Europe/Lisbon, country: PT }\n';
/** @param amounts of a booking, a change and a cancellation, in euro */
export const hotelFeeTable = ([booking, change, cancellation]: readonly [string, string, string], validFrom = '2010-01-01'): string => `feeTable: standard
currency: EUR
validFrom: ${validFrom}
charges:
  booking-fee: { scope: transaction }
  change-fee: { scope: transaction }
  cancellation-fee: { scope: transaction }
rules:
  - { id: booking, charge: booking-fee, on: booked, amount: { fixed: ${booking} } }
  - { id: change, charge: change-fee, on: changed, amount: { fixed: ${change} } }
  - { id: cancellation, charge: cancellation-fee, on: cancelled, amount: { fixed: ${cancellation} } }
`;

export const [bookings, changes, cancellations] = [119_390, 26_400, 43_017];
export const events = 2 * bookings + changes;

/** Everything up to the ledger of all events. @param step runs a command of midline in the environment */
export async function settleHotelBookings(folder: string, step: (...words: readonly string[]) => Promise<string>): Promise<void> {
  await writeFile(join(folder, 'org-units.yaml'), orgUnits);
  await writeFile(join(folder, 'standard.yaml'), hotelFeeTable(['15.00', '10.00', '20.00']));
  await step('migrate');
  await step('topics', 'create');
  await step('org-units', 'import', join(folder, 'org-units.yaml'));
  await step('fees', 'apply', join(folder, 'standard.yaml'));
  await step('fees', 'approve', 'standard', '--backdate', '--reason', 'proof');
  await step('fees', 'assign', '--default', 'standard', '--from', '2010-01-01', '--reason', 'proof');
  await step('publish', '--map', 'hotel-pms', hotelFile);
  await step('worker', 'ingest', '--group', 'first', '--drain');
}
