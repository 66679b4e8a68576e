import { priorModel, type MatchModel } from './model.js';

/** The model that ingest decides by, and `midline match` where no other is named. */
export const shippedModel: MatchModel = { ...priorModel, version: 'model-1' };
