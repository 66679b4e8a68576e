import { type Command, InvalidArgumentError } from 'commander';
import { chargeFee, type ManualFeeResult, type ManualFeeTools, revokeFee, waiveFee } from '../actions/manual-fees.js';
import { withDatabase, actor } from './connect.js';
import { ratingTools } from './fees-tools.js';
import { examples, formatTable, printResult } from './output.js';

interface ManualOptions {
  readonly charge?: string;
  readonly unit?: string;
  readonly reason: string;
  readonly by?: string;
  readonly role?: string;
  readonly revoke?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface WaiveOptions extends ManualOptions {
  readonly transaction?: string;
}

interface ChargeOptions extends ManualOptions {
  readonly gross?: string;
  readonly vat: string;
  readonly currency?: string;
}

function manualCommand(fees: Command, name: string, description: string): Command {
  return fees
    .command(name)
    .description(description)
    .argument('<order>', 'source:bookingRef, or the bare booking reference')
    .option('--charge <name>', 'the charge')
    .option('--unit <unit>', 'order, transaction:EVENT, item:ID, traveller:ID or document:ID')
    .requiredOption('--reason <text>', 'why; noted in the ledger')
    .option('--by <name>', 'who (else your login)')
    .option('--revoke <id>', 'take this earlier one back instead')
    .option('--dry-run', 'show the lines that the ledger would get and change nothing')
    .option('--json', 'print one JSON document');
}

export function registerWaive(fees: Command): void {
  manualCommand(fees, 'waive', 'waive what stands for a charge on a unit, now and after any later rating; manual charges stay')
    .option('--transaction <event>', 'only what this event charged')
    .option('--role <role>', 'in which you do it; fee tables may limit how much it may waive (else MIDLINE_ROLE)')
    .addHelpText('after', examples(
      'midline fees waive gds:ABC123 --charge service-fee --unit document:220-1234567890 --reason goodwill', 'midline fees waive gds:ABC123 --charge service-fee --unit order --role agent --reason goodwill --dry-run', 'midline fees waive gds:ABC123 --revoke 17 --reason "waived by mistake"',
    ))
    .action(async (order: string, { transaction = '', role, ...options }: WaiveOptions) => {
      await perform(options, 'waiver', order, (tools, common) => waiveFee(tools, { ...common, transaction: transaction === '' ? null : transaction, role: role ?? process.env['MIDLINE_ROLE'] ?? null }));
    });
}

export function registerCharge(fees: Command): void {
  manualCommand(fees, 'charge', 'add a charge to an order as you type it; no rule, cap or waiver touches it')
    .option('--gross <amount>', 'what the customer owes, VAT included')
    .option('--vat <amount>', 'the VAT in it', '0')
    .option('--currency <code>', 'of both')
    .addHelpText('after', examples('midline fees charge gds:ABC123 --charge courier --unit order --gross 25.00 --vat 3.99 --currency EUR --reason "visa by courier"', 'midline fees charge gds:ABC123 --revoke 18 --reason "typed twice"'))
    .action(async (order: string, { gross, vat, currency, ...options }: ChargeOptions) => {
      await perform(options, 'charge', order, (tools, common) => {
        if (gross === undefined || currency === undefined) throw new InvalidArgumentError('say how much: --gross AMOUNT --currency EUR');
        return chargeFee(tools, { ...common, gross, vat, currency, role: null });
      });
    });
}

type Common = Parameters<typeof waiveFee>[1] extends infer Request ? Omit<Request, 'transaction' | 'role'> : never;

async function perform(options: ManualOptions, kind: 'waiver' | 'charge', order: string, add: (tools: ManualFeeTools, common: Common) => Promise<ManualFeeResult>): Promise<void> {
  const { charge, unit, reason, revoke, dryRun = false, json } = options;
  const doing = { order, reason, by: options.by ?? actor(), now: new Date(), dryRun };
  const result = await withDatabase(async (database) => {
    const tools = await ratingTools(database);
    if (revoke !== undefined) return revokeFee(tools, { ...doing, kind, id: revoke });
    if (charge === undefined || unit === undefined) throw new InvalidArgumentError('say what: --charge NAME --unit UNIT (midline orders show lists what stands)');
    return add(tools, { ...doing, charge, unit });
  });
  printResult({ dryRun, ...result }, { json }, () => [
    dryRun ? `${result.order}: nothing was changed; the ledger would get` : `${result.order}: ${kind === 'waiver' ? 'waiver' : 'manual charge'} ${result.id ?? ''}${revoke === undefined ? '' : ' is taken back'}; the ledger got`,
    formatTable(['type', 'charge', 'unit', 'rule', 'net', 'VAT', 'gross', ''], result.appended.map((one) => [one.type, one.charge, one.unit, one.rule, one.net, one.vat, one.gross, one.currency]), 'no line: nothing changes.'),
  ].join('\n'));
}
