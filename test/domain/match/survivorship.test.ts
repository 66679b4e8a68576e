import { expect, test } from '@jest/globals';
import { survivor, type Self } from '../../../workers/domain/match/survivorship.js';

const self = (id: string, origin: string, updatedAt: string, party: Self['party']): Self => ({ id, origin, updatedAt, party });

test('each field is the best that is said: master data before bookings, then the newest; lists hold what all say, and nobody is changed', () => {
  const selves = [
    self('1', 'gds', '2026-03-01', { kind: 'person', givenName: 'A', familyName: 'Mueller', birthDate: '1980-05-10', emails: ['a@gds.example'] }),
    self('2', 'import', '2026-01-01', { kind: 'person', givenName: 'Anna', familyName: 'Müller', emails: ['anna@crm.example'], phones: [] }),
    self('3', 'import', '2026-02-01', { kind: 'person', familyName: 'Müller-Lang', emails: ['anna@crm.example', 'lang@crm.example'] }),
    self('4', 'gds', '2026-04-01', { kind: 'person', birthDate: '1980-05-11', phones: ['+4930123456'] }),
  ];
  const before = structuredClone(selves);
  expect(survivor(selves)).toEqual({
    party: {
      kind: 'person', givenName: 'Anna', familyName: 'Müller-Lang', birthDate: '1980-05-11', phones: ['+4930123456'],
      emails: ['anna@crm.example', 'lang@crm.example', 'a@gds.example'],
    },
    profile: {}, from: { givenName: '2', familyName: '3', birthDate: '4', phones: '4', emails: '3' },
  });
  expect(survivor(selves.toReversed())).toEqual(survivor(selves));
  expect(selves).toEqual(before);
});

test('a customer alone is who it is', () => {
  expect(survivor([self('1', 'gds', '2026-03-01', { kind: 'company', companyName: 'Acme GmbH' })])).toEqual({ party: { kind: 'company', companyName: 'Acme GmbH' }, profile: {}, from: { companyName: '1' } });
});

test('what is known beyond that survives in the same way', () => {
  expect(survivor([
    { ...self('1', 'import', '2026-03-01', { kind: 'person' }), profile: { interests: ['golf'], maritalStatus: 'married', ties: [{ type: 'agency', externalId: 'A' }] } },
    { ...self('2', 'import', '2026-02-01', { kind: 'person' }), profile: { interests: ['wine', 'golf'], maritalStatus: 'single', debitorNumber: '10023' } },
  ])).toMatchObject({
    profile: { interests: ['golf', 'wine'], maritalStatus: 'married', debitorNumber: '10023', ties: [{ type: 'agency', externalId: 'A' }] },
    from: { interests: '1', maritalStatus: '1', debitorNumber: '2', ties: '1' },
  });
});
