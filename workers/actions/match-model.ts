import { createHash } from 'node:crypto';
import type { MatchModel } from '../domain/match/model.js';
import { shippedModel } from '../domain/match/shipped-model.js';
import { audit } from '../store/audit.js';
import type { Database, Queryable } from '../store/database.js';
import { raiseFactsVersion, takeFactsLockExclusively } from '../store/facts-lock.js';
import { insertUsedModel, usedModels } from '../store/match-models.js';

/** The hash by which a model is named in decisions. */
export const modelHash = (model: MatchModel): string => createHash('sha256').update(JSON.stringify(model)).digest('hex').slice(0, 16);

/** The model that bookings are matched by. */
export async function modelInUse(db: Queryable): Promise<MatchModel> {
  const [newest] = await usedModels(db, 1);
  return newest?.model ?? shippedModel;
}

/** A model cannot be used; the message says why. */
class ModelRefused extends Error {
  override readonly name = 'ModelRefused';
}

/**
 * Bookings are matched by this model from the next batch on, in every process; links that stand stay.
 * @param model null: the one that midline ships
 * @throws ModelRefused
 */
export async function putModelToUse(database: Database, { model, reason, actor, now }: { readonly model: MatchModel | null; readonly reason: string; readonly actor: string; readonly now: Date }): Promise<{ readonly version: string; readonly hash: string }> {
  const hash = modelHash(model ?? shippedModel);
  const version = (model ?? shippedModel).version;
  if (model?.version === shippedModel.version && hash !== modelHash(shippedModel)) throw new ModelRefused(`the model calls itself ${version}, which is the one that midline ships, and is another: give it a version of its own`);
  await database.transaction(async (tx) => {
    await takeFactsLockExclusively(tx);
    await insertUsedModel(tx, { model, hash, reason, actor, usedFrom: now });
    await raiseFactsVersion(tx);
    await audit(tx, actor, 'match use', version, { hash, reason }, now);
  });
  return { version, hash };
}
