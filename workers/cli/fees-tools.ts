import type { RerateDependencies } from '../actions/rerate.js';
import { createFactsCache } from '../actions/settle/facts.js';
import { createWire } from '../actions/settle/wire.js';
import type { Database } from '../store/database.js';
import { createCodec } from '../topics/codec.js';
import { configOf, encryptionOf } from './connect.js';

/** What commands need that rate orders and write what comes of it. */
export async function ratingTools(database: Database): Promise<RerateDependencies> {
  const codec = createCodec({ registryUrl: configOf('SCHEMA_REGISTRY_URL').SCHEMA_REGISTRY_URL });
  await codec.register();
  return { database, codec, wire: createWire(codec, encryptionOf()), factsAt: createFactsCache() };
}
