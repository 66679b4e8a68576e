import { readFile } from 'node:fs/promises';
import { parse as parseCsv } from 'csv-parse/sync';
import { type Command, InvalidArgumentError } from 'commander';
import { explainFees, type FeeExplanation } from '../actions/explain-fees.js';
import {
  applyFeeTable, approveFeeTable, assignFeeTable, FeeTableRefused, importTaxRates, listFeeTables, showFeeTable, type Applied, type Assigned,
} from '../actions/fee-tables.js';
import { formatExplanation } from '../domain/fees/explain.js';
import { findCustomerId } from '../store/customers.js';
import type { Database } from '../store/database.js';
import type { AssignmentSubject } from '../store/fee-tables.js';
import { dayOf, wholeNumber } from './arguments.js';
import { changeFacts, rerate, reratedText } from './changing-facts.js';
import { actor, withDatabase } from './connect.js';
import { registerFeeFileCommands } from './fees-files.js';
import { registerDiff, registerLint } from './fees-lint.js';
import { registerCharge, registerWaive } from './fees-manual.js';
import { registerLeakage, registerSimulate } from './fees-simulate.js';
import { readTable } from './fees-tables.js';
import { wireOf } from './orders.js';
import { examples, formatTable, printResult } from './output.js';

interface JsonOption {
  readonly json?: boolean;
}

interface PastOptions extends JsonOption {
  readonly reason?: string;
  readonly dryRun?: boolean;
}

interface ApproveOptions extends PastOptions {
  readonly version?: number;
  readonly backdate?: boolean;
}

interface AssignOptions extends PastOptions {
  readonly default?: boolean;
  readonly customer?: string;
  readonly company?: string;
  readonly orgUnit?: string;
  readonly file?: string;
  readonly from?: string;
  readonly until?: string;
}

/** `midline fees …` */
export function registerFees(program: Command): void {
  const fees = program.command('fees').description('fee tables, who is charged by them, and why an order costs what it costs');
  registerTables(fees);
  registerApprove(fees);
  registerAssign(fees);
  registerExplain(fees);
  registerRerate(fees);
  registerWaive(fees);
  registerCharge(fees);
  registerLint(fees);
  registerDiff(fees);
  registerSimulate(fees);
  registerLeakage(fees);
  registerTaxCodes(fees);
  registerFeeFileCommands(fees);
}

function registerTables(fees: Command): void {
  fees
    .command('apply')
    .description('check fee-table files and keep each as the draft of its next version; the same file again changes nothing')
    .argument('<file...>', 'YAML, JSON or CSV')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline fees apply corporate-2026.yaml'))
    .action(async (files: readonly string[], options: JsonOption) => {
      const applied: Applied[] = [];
      const tables = await Promise.all(files.map(readTable));
      await withDatabase(async (database) => {
        for (const { table, text } of tables) applied.push(await applyFeeTable(database, table, text, { actor: actor(), now: new Date() }));
      });
      printResult({ applied }, options, () => applied.map(({ table, version, outcome }) => `${table}: version ${version} ${outcome === 'unchanged' ? 'says the same already' : `is a draft (${outcome})`}`).join('\n'));
    });
  fees
    .command('list')
    .description('the newest version of every fee table, and who is charged by which')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline fees list', 'midline fees list --json'))
    .action(async (options: JsonOption) => {
      printResult(await withDatabase(listFeeTables), options, ({ versions, assignments }) => [versionsText(versions), '', assignmentsText(assignments)].join('\n'));
    });
  fees
    .command('show')
    .description('one fee table: its versions, whom it charges, and a version as it was written')
    .argument('<table>', 'name of the fee table')
    .option('--version <number>', 'this version as it was written (else the newest)', wholeNumber)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline fees show corporate-2026', 'midline fees show corporate-2026 --version 1'))
    .action(async (table: string, { version, ...options }: JsonOption & { readonly version?: number }) => {
      const { versions, assignments } = await withDatabase((database) => showFeeTable(database, table));
      const written = versions.find((one) => version === undefined || one.version === version);
      if (written === undefined) throw new FeeTableRefused(`fee table ${table} has no version ${version}`);
      printResult({ versions, assignments, written: written.sourceText }, options, () => [versionsText(versions), '', assignmentsText(assignments), '', written.sourceText].join('\n'));
    });
}

const versionsText = (versions: Awaited<ReturnType<typeof listFeeTables>>['versions']): string => formatTable(['table', 'version', 'state', 'valid from', 'rules', 'approved by'], versions.map((one) => [
  one.table, one.version, one.state, one.validFrom.toISOString(), one.definition.rules?.length ?? 0, one.approvedBy,
]), 'No fee tables.');

const assignmentsText = (assignments: Awaited<ReturnType<typeof listFeeTables>>['assignments']): string => formatTable(['assigned to', 'table', 'from', 'until', 'reason'], assignments.map((one) => [
  `${one.subjectKind} ${one.subjectId}`.trim(), one.table, one.validFrom, one.validUntil ?? '', one.reason,
]), 'No assignments.');

function registerApprove(fees: Command): void {
  fees
    .command('approve')
    .description('make a draft an immutable version')
    .argument('<table>', 'name of the fee table')
    .option('--version <number>', 'this draft (else the newest)', wholeNumber)
    .option('--backdate', 'allow it to begin in the past: the orders since then are rated again, and the difference is shown first')
    .option('--reason <text>', 'why; needed for backdating, and noted in the entries')
    .option('--dry-run', 'show what would change and change nothing')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline fees approve corporate-2026', 'midline fees approve corporate-2026 --backdate --reason "signed late" --dry-run'))
    .action(async (table: string, options: ApproveOptions) => {
      await changeFacts(options, (database, preview) => approveFeeTable(database, {
        table, version: options.version, backdate: options.backdate === true, reason: options.reason ?? null, fourEyes: process.env['FEES_FOUR_EYES'] === 'true',
        actor: actor(), now: new Date(), preview,
      }), (approved) => `${approved.table}: version ${approved.version} is approved, valid from ${approved.validFrom}.`);
    });
}

function registerAssign(fees: Command): void {
  fees
    .command('assign')
    .description('say which table charges a customer, a company, an org unit or everybody else; an earlier assignment that overlaps ends the day before')
    .argument('[table]', 'name of the fee table; not with --file')
    .option('--file <csv>', 'many at once: kind (default, customer, company, orgUnit), id, table, from, until')
    .option('--default', 'everybody without a nearer table')
    .option('--customer <id>', 'customer id, or source:externalId')
    .option('--company <id>', 'company id, or source:externalId')
    .option('--org-unit <id>', 'org unit and those below it')
    .option('--from <day>', 'first day', dayOf)
    .option('--until <day>', 'last day', dayOf)
    .option('--reason <text>', 'why; needed when it begins in the past')
    .option('--dry-run', 'show what would change and change nothing')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline fees assign standard --default --from 2026-01-01', 'midline fees assign corporate-2026 --company erp:4711 --from 2026-01-01 --reason "new contract"', 'midline fees assign --file assignments.csv --reason "contracts of 2026"'))
    .action(async (table: string | undefined, options: AssignOptions) => {
      if (options.file !== undefined) return assignAll(options.file, options);
      if (table === undefined || options.from === undefined) throw new InvalidArgumentError('say which table, and from which day: midline fees assign TABLE --default --from 2026-01-01 (or --file CSV)');
      const from = options.from;
      await changeFacts(options, async (database, preview) => assignFeeTable(database, {
        subject: await subjectOf(database, options), table, from, until: options.until ?? null, reason: options.reason ?? null,
        actor: actor(), now: new Date(), preview,
      }), assignedText);
    });
}

function assignedText({ table, subject, from, until, ended }: Assigned): string {
  return [
    `${table} charges ${`${subject.kind} ${subject.id}`.trim()} from ${from}${until === null ? '' : ` until ${until}`}.`,
    ...ended.map((one) => `The assignment of ${one.table} from ${one.validFrom} now ends on ${one.validUntil}.`),
  ].join('\n');
}

/** The subject of a row, in the words of the options; an unknown kind names none. */
function subjectIn(kind: string, id: string): Pick<AssignOptions, 'default' | 'customer' | 'company' | 'orgUnit'> {
  switch (kind) {
    case 'default': return { default: true };
    case 'customer': return { customer: id };
    case 'company': return { company: id };
    case 'orgUnit': return { orgUnit: id };
    default: return {};
  }
}

/** Assigns row by row and rates the orders that they concern once, at the end. A row that is wrong is told by its line; the rows before it stand. */
async function assignAll(file: string, options: PastOptions): Promise<void> {
  const rows: readonly Readonly<Record<string, string>>[] = parseCsv(await readFile(file, 'utf8'), { columns: true, skip_empty_lines: true, trim: true, bom: true });
  await withDatabase(async (database) => {
    const assigned: Assigned[] = [];
    for (const [index, { kind = '', id = '', table = '', from = '', until = '' }] of rows.entries()) {
      const subject = await subjectOf(database, subjectIn(kind, id)).catch((error: Error) => { throw new FeeTableRefused(`${file}, line ${index + 2}: ${error.message}`); });
      assigned.push(await assignFeeTable(database, { subject, table, from, until: until === '' ? null : until, reason: options.reason ?? null, actor: actor(), now: new Date() }));
    }
    const rerated = assigned.some(({ stale }) => stale > 0) ? await rerate(database) : null;
    printResult({ assigned, rerated }, options, () => [`${assigned.length} assignments.`, ...assigned.filter(({ ended }) => ended.length > 0).map(assignedText), ...(rerated === null ? [] : [reratedText(rerated)])].join('\n'));
  });
}

async function subjectOf(database: Database, options: Pick<AssignOptions, 'default' | 'customer' | 'company' | 'orgUnit'>): Promise<AssignmentSubject> {
  const given = [options.default === true, options.customer !== undefined, options.company !== undefined, options.orgUnit !== undefined].filter(Boolean);
  if (given.length !== 1) throw new InvalidArgumentError('say one of --default, --customer, --company or --org-unit');
  if (options.orgUnit !== undefined) return { kind: 'orgUnit', id: options.orgUnit };
  const kind = options.customer !== undefined ? 'customer' : 'company';
  const name = options.customer ?? options.company;
  if (name === undefined) return { kind: 'default', id: '' };
  const id = await findCustomerId(database, name, kind === 'customer' ? 'person' : 'company');
  if (id === null) throw new FeeTableRefused(`there is no ${kind} ${name}; name it by its id or as source:externalId`);
  return { kind, id };
}

function registerExplain(fees: Command): void {
  fees
    .command('explain')
    .description('why an order costs what it costs: tables asked, every rule with what it lacked, the arithmetic')
    .argument('<order>', 'source:bookingRef, or the bare booking reference')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline fees explain hotel-pms:HB-000001', 'midline fees explain HB-000001 --json'))
    .action(async (ref: string, options: JsonOption) => {
      printResult(await withDatabase((database) => explainFees(database, wireOf(), ref)), options, explanationText);
    });
}

function explanationText(explanation: FeeExplanation): string {
  return [formatExplanation(explanation), ...explanation.manual.map(({ id, kind, charge, unit, transaction, gross, currency, by, reason }) =>
    (kind === 'waiver' ? `waiver ${id}: ${charge} on ${unit}${transaction == null ? '' : ` of ${transaction}`} is waived by ${by}: ${reason}` : `manual charge ${id}: ${charge} on ${unit}, ${gross ?? ''} ${currency ?? ''} by ${by}: ${reason}`))].join('\n');
}

function registerRerate(fees: Command): void {
  fees
    .command('rerate')
    .description('rate the orders again that a changed fact from the past concerns; approve, assign and imports do it by themselves')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline fees rerate'))
    .action(async (options: JsonOption) => { printResult(await withDatabase(rerate), options, reratedText); });
}

function registerTaxCodes(fees: Command): void {
  const taxCodes = fees.command('tax-codes').description('VAT rates with the day from which they hold');
  taxCodes
    .command('import')
    .description('add or correct rates: CSV with code, country, percent, validFrom')
    .argument('<file>', 'CSV with a heading line')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline fees tax-codes import tax-codes.csv'))
    .action(async (file: string, options: JsonOption) => {
      const rates = taxRatesOf(file, await readFile(file, 'utf8'));
      const imported = await withDatabase(async (database) => {
        const result = await importTaxRates(database, rates, { actor: actor(), now: new Date() });
        return { ...result, rerated: result.stale > 0 ? await rerate(database) : null };
      });
      printResult(imported, options, () => `${imported.rates} rates are new or changed.${imported.rerated === null ? '' : ` ${reratedText(imported.rerated)}`}`);
    });
}

function taxRatesOf(file: string, text: string) {
  const rows: readonly Readonly<Record<string, string>>[] = parseCsv(text, { columns: true, skip_empty_lines: true, trim: true, bom: true });
  return rows.map(({ code = '', country = '', percent = '', validFrom = '' }, index) => {
    const wrong = code === '' ? 'code is empty' : !/^\d{1,2}(\.\d{1,4})?$/.test(percent) ? `percent is ${percent}; write for example 19 or 8.1` : validFrom !== '' && !/^\d{4}-\d{2}-\d{2}$/.test(validFrom) ? `validFrom is ${validFrom}; write for example 2007-01-01` : null;
    if (wrong !== null) throw new FeeTableRefused(`${file}, line ${index + 2}: ${wrong}`);
    return { code, country: country === '' ? null : country, percent, validFrom: validFrom === '' ? null : validFrom };
  });
}
