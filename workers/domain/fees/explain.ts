import type { Transaction } from '../order.js';
import { rateTransactions } from './rate.js';
import type { ArithmeticStep, CandidateTrace, OrderFacts, PointTrace, RatingTrace, TransactionTrace } from './types.js';
import type { FeeWorld } from './world.js';

/** Why an order's fees are what they are: every table of the chain, every rule with what it lacked, and the arithmetic, as data. */
export function explain(order: OrderFacts, transactions: readonly Transaction[], world: FeeWorld): RatingTrace {
  return rateTransactions(order, transactions, world, [], { trace: true }).trace ?? { transactions: [] };
}

/** The same for people to read. Rules that are for other transactions are counted, not listed. */
export function formatExplanation({ transactions }: RatingTrace): string {
  return transactions.map(formatTransaction).join('\n\n');
}

function formatTransaction({ eventId, type, derived, localTime, chain, points, delivered }: TransactionTrace): string {
  const tables = chain.map(({ subject, table, version }) => `${subject}: ${table} ${version === null ? '(no version at that time)' : `version ${version}`}`);
  return [
    `${type} (${eventId}${derived ? ', derived' : ''}) on ${localTime}`,
    `  tables, nearest first: ${tables.length === 0 ? 'none' : tables.join(' → ')}`,
    ...delivered.map(({ rule, unit, gross, currency }) => `  delivered by the source: ${rule} on ${unit} ${gross} ${currency}`),
    ...points.flatMap(formatPoint),
  ].join('\n');
}

const outcomes: Readonly<Record<PointTrace['outcome'], string>> = {
  entry: '',
  none: 'no fee: the winning rule says none',
  zero: 'no fee: the amount is zero',
  'no rule matched': 'no fee: no rule matched',
  'already charged': 'no fee: this charge stands already once in this life of the order',
  once: 'no fee: the charge stands already, and is taken only once',
  'cap used up': 'no fee: nothing is left of the cap per order',
};

function formatPoint({ charge, unit, tables, outcome, winner, arithmetic, entry }: PointTrace): readonly string[] {
  const asked = tables.filter(({ candidates }) => candidates.some((candidate) => !isForOthers(candidate)));
  if (asked.length === 0) return [];
  const result = entry === null ? outcomes[outcome] : `${entry.gross} ${entry.currency} (net ${entry.net}, VAT ${entry.vat})`;
  return [
    `  ${charge} on ${unit}: ${result}`,
    ...asked.flatMap(({ table, version, candidates }) => [
      `    table ${table} version ${version}`,
      ...candidates.filter((candidate) => !isForOthers(candidate)).map((candidate) => `      ${formatCandidate(candidate)}`),
      ...countOthers(candidates),
    ]),
    ...(winner === null ? [] : arithmetic.map(formatStep)),
  ];
}

const isForOthers = ({ failed }: CandidateTrace): boolean => failed?.condition === 'on';

function countOthers(candidates: readonly CandidateTrace[]): readonly string[] {
  const count = candidates.filter(isForOthers).length;
  return count === 0 ? [] : [`      (${count} ${count === 1 ? 'rule is' : 'rules are'} for other transactions)`];
}

function formatCandidate({ rule, origin, result, failed, beatenBy }: CandidateTrace): string {
  const name = origin === null ? rule : `${rule} (of ${origin.table} version ${origin.version})`;
  switch (result) {
    case 'won':
      return `✓ ${name} wins`;
    case 'beaten':
      return `· ${name} holds, but is beaten: ${beatenBy ?? ''}`;
    case 'failed':
      return `✗ ${name}: ${failed?.condition ?? ''} is ${failed?.actual ?? ''}, wanted ${failed?.wanted ?? ''}`;
    case 'unknown':
      return `✗ ${name}: ${failed?.condition ?? ''} is unknown, wanted ${failed?.wanted ?? ''}`;
    case 'amount unknown':
      return `✗ ${name}: amount unknown, ${failed?.wanted ?? ''} is missing`;
  }
}

const formatStep = ({ step, value }: ArithmeticStep): string => `      = ${step}: ${value}`;
