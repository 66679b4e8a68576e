import { previewRating } from '../actions/preview-rating.js';
import { rerateStale, type Rerated } from '../actions/rerate.js';
import type { Database, Queryable } from '../store/database.js';
import { withDatabase } from './connect.js';
import { ratingTools } from './fees-tools.js';
import { wireOf } from './orders.js';
import { printResult } from './output.js';
import { counting } from './progress.js';

/** Rolls a dry run back. */
class DryRun extends Error {
  override readonly name = 'DryRun';
}

/** Shows the difference before a change from the past is written, writes it, and rates the orders that it concerns. */
export async function changeFacts<Result extends { readonly stale: number }>(
  options: { readonly json?: boolean; readonly dryRun?: boolean }, change: (database: Database, preview: (tx: Queryable) => Promise<void>) => Promise<Result>, text: (result: Result) => string,
): Promise<void> {
  await withDatabase(async (database) => {
    let difference: Rerated | null = null;
    const preview = async (tx: Queryable): Promise<void> => {
      difference = await counting('orders looked at', (onProgress) => previewRating(tx, wireOf(), onProgress));
      if (options.json !== true && difference.orders > 0) process.stderr.write(`${reratedText(difference).replace('were rated again', 'have to be rated again')}\n`);
      if (options.dryRun === true) throw new DryRun();
    };
    try {
      const result = await change(database, preview);
      const rerated = result.stale > 0 ? await rerate(database) : null;
      printResult({ ...result, rerated }, options, () => [text(result), ...(rerated === null ? [] : [reratedText(rerated)])].join('\n'));
    } catch (error) {
      if (!(error instanceof DryRun)) throw error;
      printResult({ dryRun: true, difference }, options, () => `Nothing was changed; it would concern ${difference?.orders ?? 0} orders.`);
    }
  });
}

export async function rerate(database: Database): Promise<Rerated> {
  const tools = await ratingTools(database);
  return counting('orders rated again', (onProgress) => rerateStale(tools, Date.now, onProgress));
}

export function reratedText({ orders, archived, changed, difference }: Rerated): string {
  const sums = Object.entries(difference).map(([currency, sum]) => `${sum} ${currency}`);
  return `${orders - archived} orders were rated again; ${changed} change${sums.length > 0 ? `, in sum by ${sums.join(' and ')}` : ''}.${archived > 0 ? ` ${archived} are archived and keep their ledger.` : ''}`;
}
