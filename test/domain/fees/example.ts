import type { FeeCase } from '../../../schemas/fee-case.js';
import { parseCase, runCase, type CaseResult } from '../../../workers/domain/fees/case.js';
import { standingLine } from '../../../workers/domain/fees/case-compare.js';

/** A case of one table, with the facts that most cases share; `order` and `rules` are YAML. */
export interface CaseParts {
  readonly charges: string;
  readonly rules: string;
  /** More of the table's head. */
  readonly head?: string;
  /** YAML of the list of events. */
  readonly events: string;
  readonly order?: string;
  readonly world?: string;
  readonly tables?: string;
  readonly assignments?: string;
  readonly rest?: string;
}

const indent = (text: string, by: string): string => text.trim().split('\n').map((line) => `${by}${line}`).join('\n');

export function caseText({ charges, rules, head = '', events, order = '', world = '', tables = '', assignments = '- { default: true, table: t }', rest = '' }: CaseParts): string {
  return `
case: example
world:
  ownerZone: Europe/Berlin
  orgUnits: { group: { timeZone: Europe/Berlin, country: DE }, berlin: { parent: group }, wien: { parent: group, timeZone: Europe/Vienna, country: AT } }
  taxCodes: { DE-standard: { country: DE, rates: [{ from: 2007-01-01, percent: 19 }, { from: 2020-07-01, percent: 16 }, { from: 2021-01-01, percent: 19 }] } }
  places: { BER: DE, MUC: DE, VIE: AT, ZRH: CH, NCE: FR, CDG: FR, JFK: US, SIN: SG, KUL: MY }
  holidays: { DE: [2026-10-03], DE-BY: [2026-01-06], AT: [2026-10-26] }
${indent(world, '  ')}
tables:
  - version: 1
    yaml: |
      feeTable: t
      currency: EUR
      validFrom: 2019-01-01
${indent(head, '      ')}
      charges:
${indent(charges, '        ')}
      rules:
${indent(rules, '        ')}
${indent(tables, '  ')}
assignments:
${indent(assignments, '  ')}
order:
  ref: O-1
  source: gds
  orgUnit: berlin
${indent(order, '  ')}
  events:
${indent(events, '    ')}
${rest}
`;
}

export function readCase(text: string): FeeCase {
  const parsed = parseCase(text);
  if ('problems' in parsed) throw new Error(parsed.problems.join('\n'));
  return parsed.case;
}

export const play = (parts: CaseParts): CaseResult => runCase(readCase(caseText(parts)), () => '');

/** What stands, shortly: `e1 booked order file-fee file 10.00`. */
export function standing(parts: CaseParts): readonly string[] {
  const result = play(parts);
  if (result.kind !== 'rated') throw new Error(result.problems.join('\n'));
  return result.standing.map(standingLine).map(({ transaction, type, unit, charge, rule, gross, currency }) => [transaction, type, unit, charge, rule, gross, ...(currency === 'EUR' ? [] : [currency])].join(' '));
}

/** A booked event of 2026-05-04 (a Monday), 10:00 in Berlin, with one flight BER–MUC a month later, unless said otherwise. */
export const booked = (booking = '', event = ''): string => `- { eventId: e1, type: booked, occurredAt: "2026-05-04T10:00:00+02:00", ${event} booking: { ${booking || flight} } }`;
const flight = 'items: [{ id: i1, product: flight, carrier: LH, origin: BER, destination: MUC, start: 2026-06-04, price: { currency: EUR, total: "200.00" } }]';
