import { sumOfMoney } from '../domain/money.js';
import { companyTree } from '../store/company-tree.js';
import { historyOrders, historyStatistics, type HistoryOrder, type HistoryStatistics } from '../store/customer-history.js';
import { readAtOneMoment, type Database } from '../store/database.js';
import { selvesOf } from '../store/merges.js';

export interface HistoryRequest {
  readonly customer: string;
  /** Of a company: with what stands below it today. */
  readonly withSubsidiaries: boolean;
  readonly limit: number;
  /** From 1. */
  readonly page: number;
  readonly now: Date;
}

export interface CustomerHistory {
  /** Whom it is about: the surviving customer, and with it its subsidiaries. */
  readonly customers: readonly string[];
  readonly statistics: HistoryStatistics;
  readonly orders: readonly HistoryOrder[];
  readonly page: number;
  readonly pages: number;
}

/** Every order in which a customer, or somebody who is one with it, has a place, the newest first; and what they come to. As of one moment. */
export async function customerHistory(database: Database, { customer, withSubsidiaries, limit, page, now }: HistoryRequest): Promise<CustomerHistory> {
  const today = now.toISOString().slice(0, 10);
  return database.transaction(async (tx) => {
    await readAtOneMoment(tx);
    const [root = customer] = await tx.query<{ readonly id: string }>('select root_id::text as id from customer where id = $1', [customer]).then((rows) => rows.map(({ id }) => id));
    const below = withSubsidiaries ? (await companyTree(tx, root, today)).below.map(({ id }) => id) : [];
    const roots = [root, ...below];
    const selves = await selvesOf(tx, roots);
    const statistics = await historyStatistics(tx, roots, selves, today);
    return {
      customers: roots, statistics: withMinorUnits(statistics), page, pages: Math.max(1, Math.ceil(statistics.orders / limit)),
      orders: await historyOrders(tx, roots, selves, { limit, offset: (page - 1) * limit }),
    };
  });
}

/** Sums with the decimals of their currency. */
function withMinorUnits(statistics: HistoryStatistics): HistoryStatistics {
  const written = <Sum extends { readonly currency: string; readonly total: string }>(sums: readonly Sum[]): readonly Sum[] => sums.map((sum) => ({ ...sum, total: sumOfMoney([sum.total], sum.currency) }));
  return { ...statistics, prices: written(statistics.prices), fees: written(statistics.fees), years: statistics.years.map((year) => ({ ...year, prices: written(year.prices) })) };
}
