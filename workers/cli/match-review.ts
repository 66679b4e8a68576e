import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { acceptCustomer, explainLinks, listReviews, rejectCandidates, type Reviewed, type ShownCandidate, type ShownDecision } from '../actions/review-links.js';
import { lookAgain, type LookedAgain } from '../actions/look-again.js';
import type { DecisionLine } from '../actions/match-file.js';
import { vetoTexts } from '../domain/match/decide.js';
import { probabilityOf } from '../domain/match/model.js';
import { wholeNumber } from './arguments.js';
import { actor, withDatabase } from './connect.js';
import { ratingTools } from './fees-tools.js';
import { namedCustomer } from './named-customer.js';
import { examples, printResult } from './output.js';
import { counting } from './progress.js';

interface JsonOption {
  readonly json?: boolean;
}

export function registerReview(match: Command): void {
  match
    .command('review')
    .description('who waits for a person to say who it is, the oldest first, with the candidates')
    .option('--limit <number>', 'at most so many', wholeNumber, 20)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline match review', 'midline match review --limit 100 --json'))
    .action(async ({ limit, ...options }: JsonOption & { readonly limit: number }) => {
      printResult(await withDatabase((database) => listReviews(database, limit)), options, ({ open, reviews }) =>
        (open === 0 ? 'Nobody waits.' : [`${open} wait; the ${reviews.length} oldest:`, ...reviews.map(decisionText), '', 'Say who it is: midline match accept ID CUSTOMER, or midline match reject ID.'].join('\n')));
    });
}

export function registerAccept(match: Command): void {
  match
    .command('accept')
    .description('say who somebody in an order is; it stands whatever comes later, and the order is rated again')
    .argument('<id>', 'the place, as match review names it: source:bookingRef/role, of a traveller /traveller/ID')
    .argument('<customer>', 'customer id, or an external id as source:id')
    .option('--reason <text>', 'why; noted in the ledger and in the audit log', 'reviewed')
    .option('--replace', 'decide anew what a person has decided already')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline match accept gds:ABC123/booker 17', 'midline match accept gds:ABC123/traveller/t1 crm:K-4711 --reason "asked on the phone"'))
    .action(async (place: string, customer: string, { reason, replace, ...options }: JsonOption & { readonly reason: string; readonly replace?: boolean }) => {
      const result = await withDatabase(async (database) => acceptCustomer(await ratingTools(database), { place, customer: await namedCustomer(database, customer), reason, replace: replace === true, actor: actor(), now: new Date() }));
      printResult(result, options, reviewedText);
    });
}

export function registerReject(match: Command): void {
  match
    .command('reject')
    .description('say that somebody in an order is none of the candidates: a customer is made of them, if the booking says enough')
    .argument('<id>', 'the place, as match review names it')
    .option('--reason <text>', 'why; noted in the audit log, and where somebody wants to merge the two', 'reviewed')
    .option('--replace', 'decide anew what a person has decided already')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline match reject gds:ABC123/booker --reason "mother and daughter"'))
    .action(async (place: string, { reason, replace, ...options }: JsonOption & { readonly reason: string; readonly replace?: boolean }) => {
      const result = await withDatabase(async (database) => rejectCandidates(await ratingTools(database), { place, reason, replace: replace === true, actor: actor(), now: new Date() }));
      printResult(result, options, reviewedText);
    });
}

export function registerAgain(match: Command): void {
  match
    .command('again')
    .description('look again at all who wait for a person: who can be told by now, by the customers there are and the model in use, is linked')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline match again', 'midline match again --json'))
    .action(async (options: JsonOption) => {
      const result = await withDatabase((database) => counting('orders', async (onProgress) =>
        lookAgain(await ratingTools(database), { candidates: null, reason: 'looked at again', now: new Date(), onProgress })));
      printResult(result, options, ({ orders, linked, difference }) => (orders === 0 ? 'Nobody waits.' : `In ${orders} orders somebody waited. ${lookedAgainText({ orders, linked, difference })}`));
    });
}

export function registerExplain(match: Command): void {
  match
    .command('explain')
    .description('who the people of an order, or a record of a matched file, were found to be, and what spoke for and against everybody who was looked at')
    .argument('<name>', 'an order as source:bookingRef, or the bare booking reference; with --in the name of a record')
    .option('--in <file>', 'the decisions of midline match')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline match explain gds:ABC123', 'midline match explain gds:ABC123 --json', 'midline match explain 4711 --in decisions.ndjson'))
    .action(async (name: string, options: JsonOption & { readonly in?: string }) => {
      if (options.in !== undefined) return printResult(await recordNamed(options.in, name), options, recordText);
      printResult(await withDatabase((database) => explainLinks(database, name)), options, ({ order, decisions }) =>
        (decisions.length === 0 ? `Nobody in ${order} says enough to be found: that takes an id, an e-mail address, a phone number, or a name with a birth date.` : decisions.map(decisionText).join('\n')));
    });
}

/** The decision about a record, from a file that midline match wrote. */
async function recordNamed(file: string, name: string): Promise<DecisionLine> {
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const line: unknown = text.includes(name) ? JSON.parse(text) : null;
    if (isDecisionLine(line) && line.record_id === name) return line;
  }
  throw new Error(`${file} has no decision about a record ${name}: is it the file that midline match wrote with --out?`);
}

const isDecisionLine = (line: unknown): line is DecisionLine => typeof line === 'object' && line !== null && 'record_id' in line && 'evidence' in line && 'candidates' in line;

function recordText({ record_id: record, decision, customer_id: customer, weight_bits: bits, margin_bits: margin, runner_up: next, evidence, vetoes, keys_overflowed: overflowed, candidates, model_hash: hash }: DecisionLine): string {
  const decided = { link: `is customer ${customer ?? ''}`, review: `waits for a person: it may be customer ${candidates[0]?.customer_id ?? ''}`, new: `is somebody new: customer ${customer ?? ''}`, none: 'says not enough to be found' }[decision];
  return [
    `${record} ${decided}${bits === null ? '' : ` (${bits.toFixed(1)} bits, ${percent(bits)})`}, by the model with hash ${hash}`,
    ...evidenceLines(evidence, bits ?? 0),
    ...vetoes.map((veto) => `  no score outvotes that: ${new Map<string, string>(Object.entries(vetoTexts)).get(veto) ?? veto}`),
    ...(next === null || margin === null ? [] : [`  the next who may be meant is customer ${next}, with ${margin.toFixed(1)} bits less`]),
    ...(overflowed.length > 0 ? [`  not looked for by ${overflowed.join(', ')}: too many customers share it`] : []),
  ].join('\n');
}

const sumText = (difference: LookedAgain['difference']): string => Object.entries(difference).map(([currency, sum]) => `${sum} ${currency}`).join(' and ');

const lookedAgainText = ({ linked, difference }: LookedAgain): string =>
  `${linked} who waited ${linked === 1 ? 'is' : 'are'} linked now${sumText(difference) === '' ? '' : `; the fees of their orders change by ${sumText(difference)}`}.`;

function reviewedText({ place, decision, customerId, difference, others }: Reviewed): string {
  const sums = sumText(difference);
  const who = decision === 'link' ? `is customer ${customerId ?? ''}` : decision === 'new' ? `is somebody new: customer ${customerId ?? ''}` : 'is nobody who is known; the booking does not say enough to make a customer';
  return `${place} ${who}.${sums === '' ? '' : ` The fees of the order change by ${sums}.`}${others.linked === 0 ? '' : ` With the same candidates: ${lookedAgainText(others)}`}`;
}

/** Reads like a reason: who, what was decided, and every candidate with what speaks for and against it. */
function decisionText({ id, decision, customerId, decidedBy, party, candidates, overflowed }: ShownDecision): string {
  const name = party === null ? '' : [party.title, party.givenName, party.familyName].filter((part) => part != null && part !== '').join(' ') || (party.fullName ?? party.companyName ?? '');
  const decided = { link: `is customer ${customerId ?? ''}`, review: 'waits for a person', new: `is somebody new: customer ${customerId ?? ''}`, none: 'says not enough to be found' }[decision];
  return [
    '', `${id}${name === '' ? '' : ` (${name})`} ${decided}${decidedBy === '' ? '' : `, decided by ${decidedBy}`}`,
    ...(decision === 'review' && candidates.some(({ verdict }) => verdict === 'link') ? ['  more than one may be meant, and none is far enough ahead of the next'] : []),
    ...candidates.flatMap(candidateLines),
    ...(overflowed.length > 0 ? [`  not looked for by ${overflowed.join(', ')}: too many customers share it`] : []),
  ].join('\n');
}

function candidateLines({ customerId, rootId, name, verdict, reason, weightBits, vetoes, evidence }: ShownCandidate): readonly string[] {
  const verdicts = { link: 'can be linked', review: 'for a person', excluded: 'somebody else' };
  return [
    `  customer ${customerId}${rootId === customerId ? '' : ` (merged into ${rootId})`}${name === '' ? '' : `, ${name}`}: ${verdicts[verdict]}, ${reason} (${vetoes.length > 0 ? `no score outvotes that: ${weightBits.toFixed(1)} bits` : `${weightBits.toFixed(1)} bits, ${percent(weightBits)}`})`,
    ...evidenceLines(evidence, weightBits),
  ];
}

function evidenceLines(evidence: ShownCandidate['evidence'], weightBits: number): readonly string[] {
  const sum = evidence.reduce((total, { bits }) => total + bits, 0);
  return [
    ...evidence.map(({ field, level, bits }) => `    ${signed(bits)}  ${words[field] ?? field} ${(field === 'address' ? places[level] : undefined) ?? levels[level] ?? level}`),
    ...(evidence.length > 0 && Math.abs(weightBits - sum) > 0.05 ? [`    ${signed(weightBits - sum)}  before anything is compared: one among all customers`] : []),
  ];
}

const signed = (bits: number): string => `${bits < 0 ? '−' : '+'}${Math.abs(bits).toFixed(1)}`.padStart(6);

function percent(bits: number): string {
  const probability = probabilityOf(bits) * 100;
  return probability > 99.9 ? 'more than 99.9 %' : probability < 0.1 ? 'less than 0.1 %' : `${probability.toFixed(1)} %`;
}

/** What levels mean, behind the name of their field. */
const levels: Readonly<Record<string, string>> = {
  equal: 'agrees', near: 'agrees but for a slip', close: 'is close, but not the same', compatible: 'agrees in part', swapped: 'stands where the other name belongs', initial: 'is an initial that agrees', different: 'differs',
};

const places: Readonly<Record<string, string>> = {
  house: 'agrees in street and number', street: 'agrees in street or number, and town', area: 'agrees in the postal code', town: 'agrees in the town',
};

const words: Readonly<Record<string, string>> = {
  givenName: 'given name', familyName: 'family name', birthDate: 'birth date', id: 'customer or loyalty number', email: 'e-mail address', phone: 'phone number', address: 'address',
  companyName: 'company name', vatId: 'VAT id', externalId: 'customer number', loyalty: 'loyalty number', kind: 'person or company:', debitorNumber: 'debitor number', registerNumber: 'register number', domain: 'domain of the e-mail address, a hint:',
};
