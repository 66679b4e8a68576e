import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { migrationSource } from '../../migrations/index.js';
import type { Party } from '../../schemas/booking-event.js';
import { matchParties } from '../../workers/actions/match-parties.js';
import { createCandidateIndex } from '../../workers/domain/match/candidates.js';
import { matchKeys } from '../../workers/domain/match/keys.js';
import { matchBatch, withIds, type BatchMatch, type MatchRequest } from '../../workers/domain/match/match-batch.js';
import { newCustomer } from '../../workers/domain/match/new-customer.js';
import { shippedModel } from '../../workers/domain/match/shipped-model.js';
import { allocateCustomerIds, findCandidates, insertCustomers } from '../../workers/store/customers.js';
import { createDatabase, type Database, type Queryable } from '../../workers/store/database.js';
import { migrate } from '../../workers/store/schema.js';
import { smallWorld } from '../domain/match/people.js';
import { freshDatabase } from '../servers.js';

const context = { source: 'gds', country: 'DE' };
let db: Database;
let drop: () => Promise<void>;

beforeAll(async () => {
  const made = await freshDatabase();
  drop = made.drop;
  await migrate(made.url, migrationSource);
  db = createDatabase(made.url);
});

afterAll(async () => {
  await db.close();
  await drop();
});

const requestOf = (party: Party): MatchRequest => ({ role: 'payer', position: '', party, keys: matchKeys(party, 'payer', context), context });

async function insert(people: readonly Party[]): Promise<void> {
  const ids = await allocateCustomerIds(db, people.length);
  await insertCustomers(db, people.map((party, n) => newCustomer(requestOf(party), requestOf(party).keys, context, ids[n] ?? '')));
}

/** A connection that keeps what it was asked, by what the statements are. */
function listening(tx: Queryable, asked: string[]): Queryable {
  return {
    query: (text, values) => {
      const kinds = Array.isArray(values?.[0]) ? [...new Set(values[0].map(String))].join(' ') : '';
      asked.push(text.includes('from customer_key') ? `find ${kinds}` : text.includes('identity_claim') ? 'claim' : 'ids');
      return tx.query(text, values);
    },
  };
}

const shown = ({ results, drafts }: BatchMatch): readonly string[] => {
  const places = new Map(drafts.map(({ id }, place) => [id, `draft ${place}`]));
  return results.map(({ decision, customerId }) => `${decision} ${places.get(customerId ?? '') ?? customerId ?? ''}`);
};

describe('a batch', () => {
  // Fails when findAndMatch does not look for wanted keys, or gather loses the keys of an earlier lookup.
  test('is decided as if everybody had been looked for by every key', async () => {
    await fc.assert(fc.asyncProperty(smallWorld, async ({ known, parties }) => {
      await db.query('truncate customer, customer_key, customer_contact, identity_claim');
      await insert(known);
      const requests = parties.map(requestOf);
      const { candidates, overflowed } = await findCandidates(db, requests.flatMap(({ keys }) => keys));
      let made = 0;
      const expected = matchBatch(shippedModel, requests, createCandidateIndex(candidates, overflowed), () => `new-${++made}`);
      expect(shown(await matchParties(db, shippedModel, requests))).toEqual(shown(withIds(expected, [])));
    }), { numRuns: 150 });
  });

  test('asks once for those whom the strong keys settle, and for the others what they leave open', async () => {
    await db.query('truncate customer, customer_key, customer_contact, identity_claim');
    const anna: Party = { givenName: 'Anna', familyName: 'Müller', birthDate: '1980-05-10', emails: ['anna@one.de'], addresses: [{ street: 'Hauptstr.', houseNumber: '5', postalCode: '10115', city: 'Berlin' }] };
    const peter: Party = { givenName: 'Peter', familyName: 'Müller', birthDate: '1981-01-02' };
    await insert([anna, peter]);
    const asked: string[] = [];
    await matchParties(listening(db, asked), shippedModel, [requestOf(anna)]);
    expect(asked).toEqual(['find email name-birth']);
    asked.length = 0;
    await matchParties(listening(db, asked), shippedModel, [requestOf(anna), requestOf(peter)]);
    expect(asked).toEqual(['find email name-birth', 'find name-day name-year sound-birth word-birth']);
  });

  test('looks for somebody new by every key, claims the strong ones and looks for those again', async () => {
    const asked: string[] = [];
    await matchParties(listening(db, asked), shippedModel, [requestOf({ givenName: 'Nina', familyName: 'Weber', birthDate: '1990-03-04', phones: ['+49 30 7654321'] })]);
    expect(asked).toEqual(['find name-birth phone', 'find name-day name-year sound-birth word-birth', 'claim', 'find name-birth phone', 'ids']);
  });
});
