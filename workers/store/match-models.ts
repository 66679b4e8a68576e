import { matchModelSchema, type MatchModel } from '../../schemas/match-model.js';
import type { Queryable } from './database.js';

/** A model that was put to use. */
export interface UsedModel {
  /** Null: the one that midline ships. */
  readonly model: MatchModel | null;
  readonly hash: string | null;
  readonly reason: string;
  readonly actor: string;
  readonly usedFrom: Date;
}

/** The models that were put to use, the newest first; the first is the one in use. Empty: the shipped one, ever since. */
export async function usedModels(db: Queryable, limit: number): Promise<readonly UsedModel[]> {
  const rows = await db.query<UsedModel>('select model, hash, reason, actor, used_from as "usedFrom" from match_model order by id desc limit $1', [limit]);
  return rows.map((row) => ({ ...row, model: row.model === null ? null : matchModelSchema.parse(row.model) }));
}

export async function insertUsedModel(tx: Queryable, { model, hash, reason, actor, usedFrom }: UsedModel): Promise<void> {
  await tx.query('insert into match_model (model, hash, reason, actor, used_from) values ($1, $2, $3, $4, $5)', [model === null ? null : JSON.stringify(model), hash, reason, actor, usedFrom]);
}
