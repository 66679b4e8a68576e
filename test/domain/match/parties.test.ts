import { describe, expect, test } from '@jest/globals';
import type { Booking } from '../../../schemas/booking-event.js';
import { matchKeys } from '../../../workers/domain/match/keys.js';
import { partiesOf, sameIdentity } from '../../../workers/domain/match/parties.js';

const booking = (fields: Partial<Booking>): Booking => ({ references: [{ type: 'Debitor', value: '10 023' }], ...fields });
const people = { payer: { familyName: 'Weber' }, booker: { familyName: 'Maier' } };

describe('a reference', () => {
  test.each([
    ['the corporate account', booking({ ...people, corporateAccount: { id: 'A-1' } }), 'corporate'],
    ['the payer', booking(people), 'payer'],
    ['the booker where nobody else pays', booking({ booker: people.booker }), 'booker'],
  ])('of type debitor is the number of %s', (_, given, role) => {
    expect(partiesOf(given).filter(({ debitorNumber }) => debitorNumber !== undefined).map((party) => party.role)).toEqual([role]);
    expect(partiesOf(given).flatMap((party) => matchKeys(party.party, party.role, { source: 'gds', country: null }, party)).filter(({ kind }) => kind === 'debitor'))
      .toEqual([{ kind: 'debitor', value: '10023', strong: true }]);
  });

  test('that changes is another identity', () => {
    expect(sameIdentity(booking(people), booking(people))).toBe(true);
    expect(sameIdentity(booking(people), booking({ ...people, references: [{ type: 'debitor', value: '10024' }] }))).toBe(false);
    expect(sameIdentity(booking(people), booking({ ...people, references: [] }))).toBe(false);
  });

  test('of type register is the number of the corporate account alone', () => {
    const given = booking({ ...people, corporateAccount: { id: 'A-1' }, references: [{ type: 'Register', value: 'HRB 1234, Bonn' }] });
    expect(partiesOf(given).filter(({ registerNumber }) => registerNumber !== undefined)).toMatchObject([{ role: 'corporate', registerNumber: 'HRB 1234, Bonn' }]);
    expect(sameIdentity(given, { ...given, references: [{ type: 'register', value: 'HRB 1235, Bonn' }] })).toBe(false);
  });

  test.each(['0000', 'none', ' '])('%j is none', (value) => {
    expect(matchKeys({}, 'payer', { source: 'gds', country: null }, { debitorNumber: value })).toEqual([]);
  });
});
