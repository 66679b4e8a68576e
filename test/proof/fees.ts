import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabase as createEmptyDatabase } from '../../services/database.js';
import type { Rerated } from '../../workers/actions/rerate.js';
import type { Simulated } from '../../workers/actions/simulate.js';
import { createDatabase } from '../../workers/store/database.js';
import { bookings, cancellations, changes, events, hotelFeeTable, hotelFile, settleHotelBookings } from './hotel-data.js';
import { type Claim, midline, type Proof, same } from './proof.js';

/** Longest time that a simulation over all orders may take, in seconds. */
const simulationLimit = 60;

/** What the fee engine makes of a long history: it can be tried, rated again, and a new version leaves it as it is. */
export const fees: Proof = {
  name: 'fees',
  meaning: `${events} events of ${bookings} real hotel bookings: a draft simulated over all of them within ${simulationLimit} s, all rated again to the same ledger, a new version that changes nothing of before`,
  async run(servers, say) {
    if (!existsSync(hotelFile)) return [{ claim: 'the data is there', ok: false, found: `${hotelFile} is missing` }];
    const database = await createEmptyDatabase(servers.DATABASE_URL);
    const environment = { ...servers, DATABASE_URL: database.url, LOG_LEVEL: 'error' };
    const folder = await mkdtemp(join(tmpdir(), 'midline-proof-'));
    const timed = async (...words: readonly string[]): Promise<{ readonly printed: string; readonly seconds: number }> => {
      const began = performance.now();
      const printed = await midline(environment, ...words);
      const seconds = Math.round((performance.now() - began) / 100) / 10;
      say(`  midline ${words.slice(0, 3).join(' ')} (${seconds} s)`);
      return { printed, seconds };
    };
    const step = async (...words: readonly string[]): Promise<string> => (await timed(...words)).printed;
    const db = createDatabase(database.url, { max: 1 });
    try {
      await settleHotelBookings(folder, step);
      const before = await ledgerHash(db);
      const own: Simulated = JSON.parse(await step('fees', 'simulate', 'standard', '--json'));

      const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
      await writeFile(join(folder, 'standard.yaml'), hotelFeeTable(['16.00', '12.00', '20.00'], tomorrow));
      await step('fees', 'apply', join(folder, 'standard.yaml'));
      const { printed, seconds } = await timed('fees', 'simulate', 'standard', '--json');
      const draft: Simulated = JSON.parse(printed);
      const afterSimulation = await ledgerHash(db);

      await writeFile(join(folder, 'large.yaml'), largeTable());
      const large = await timed('fees', 'simulate', '--file', join(folder, 'large.yaml'), '--instead-of', 'standard', '--json');
      const simulatedLarge: Simulated = JSON.parse(large.printed);
      const leaks = await timed('fees', 'leakage', '--json');

      await step('fees', 'approve', 'standard');
      await db.query(`insert into rating_stale (order_id, cause) select id, 'proof' from orders`);
      const rerated: { readonly orders: number; readonly changed: number } = JSON.parse(await step('fees', 'rerate', '--json')) as Rerated;
      const difference = (bookings + 2 * changes).toFixed(2);
      return [
        same('the approved version over its own period: orders, and those that change', [own.orders, own.changedOrders], [bookings, 0]),
        { claim: `the draft over all orders ends within ${simulationLimit} s`, ok: seconds < simulationLimit, found: `${seconds} s` },
        { claim: `a table of ${largeRules} rules over all orders ends within ${simulationLimit} s`, ok: large.seconds < simulationLimit, found: `${large.seconds} s` },
        same('the table of many rules: orders, and what it charges for a booking', [simulatedLarge.orders, simulatedLarge.total[0]?.after], [bookings, (3 * bookings).toFixed(2)]),
        { claim: `leakage over all orders ends within ${simulationLimit} s`, ok: leaks.seconds < simulationLimit, found: `${leaks.seconds} s` },
        same('the draft in all: difference, and orders that change', [draft.total[0]?.difference, draft.orders, draft.changedOrders], [difference, bookings, bookings]),
        same('the draft by rule', draft.byRule.toSorted((one, other) => String(one.rule).localeCompare(String(other.rule))).map(({ rule, before: old, after }) => [rule, old, after]), [
          ['booking', (15 * bookings).toFixed(2), (16 * bookings).toFixed(2)], ['cancellation', (20 * cancellations).toFixed(2), (20 * cancellations).toFixed(2)], ['change', (10 * changes).toFixed(2), (12 * changes).toFixed(2)],
        ]),
        same('the ledger after simulating', afterSimulation, before),
        same('everything rated again after a version was approved for tomorrow: orders, and those that change', [rerated.orders, rerated.changed], [bookings, 0]),
        same('the ledger after rating everything again', await ledgerHash(db), before),
      ] satisfies readonly Claim[];
    } finally {
      await db.close();
      await rm(folder, { recursive: true, force: true });
      await database.drop();
    }
  },
};

const [priceBands, leadBands] = [40, 25];
const largeRules = priceBands * leadBands;

/** A rule for each band of price and of days before arrival, all to the same amount: every booking meets exactly one of them. */
function largeTable(): string {
  const band = (n: number, count: number, width: number): string => [...(n === 0 ? [] : [`from: ${n * width}`]), ...(n === count - 1 ? [] : [`to: ${n * width + width - 1}`])].join(', ');
  const prices = (n: number): string => [...(n === 0 ? [] : [`from: ${n * 25}`]), ...(n === priceBands - 1 ? [] : [`to: ${n * 25 + 24}.99`])].join(', ');
  const rules = Array.from({ length: largeRules }, (_, n) => {
    const [price, lead] = [Math.floor(n / leadBands), n % leadBands];
    return `  - { id: r${n}, charge: file-fee, on: booked, when: { price: { ${prices(price)} }, leadDays: { ${band(lead, leadBands, 20)} } }, amount: { fixed: 3 } }`;
  });
  return ['feeTable: large', 'currency: EUR', 'validFrom: 2010-01-01', 'charges: { file-fee: { scope: item } }', 'rules:', ...rules].join('\n');
}

/** Of all ledger lines, without ids and clock times. */
async function ledgerHash(db: ReturnType<typeof createDatabase>): Promise<string | undefined> {
  const [row] = await db.query<{ readonly hash: string }>(
    `select md5(string_agg(concat_ws('/', o.source, o.booking_ref, f.charge, f.event_id, f.transaction_type, f.unit, f.seq, f.type, f.fee_table, f.version, f.rule, f.net, f.vat, f.gross, f.currency, extract(epoch from f.occurred_at)), ','
       order by o.source, o.booking_ref, f.charge, f.event_id, f.transaction_type, f.unit, f.seq)) as hash
     from fee_entry f join orders o on o.id = f.order_id`,
  );
  return row?.hash;
}
