import { compareCodePoints } from '../event-order.js';

/** How strongly a condition narrows: exact 3, list 2, range, `not` and `absent` 1; in which group of the published order it counts. */
export interface Strength {
  readonly group: number;
  readonly strength: 1 | 2 | 3;
}

/** The published order: the first group that differs decides. */
export const precedenceGroups: readonly (readonly string[])[] = [
  ['customer'],
  ['tariff'],
  ['source', 'office', 'orgUnit'],
  ['agent'],
  ['supplier', 'supplierGroup'],
  ['carrier'],
  ['fareType'],
  ['bookingClass'],
  ['documentType'],
  ['origin', 'destination'],
  ['geography', 'tripType', 'segments'],
  ['product', 'orderHas'],
  ['passengerType', 'travellers'],
  ['price'],
  ['leadDays'],
  ['travelFrom', 'travelUntil', 'returnFrom', 'returnUntil', 'travelDays'],
  ['bookedFrom', 'bookedUntil'],
  ['hours', 'outsideHours', 'days', 'sameDay', 'previousDay', 'nth'],
  ['channel', 'initiator', 'changed'],
  ['payment'],
  ['order', 'item', 'itemStatus', 'isOption', 'isRequest'],
];

const groupByAttribute: ReadonlyMap<string, number> = new Map(precedenceGroups.flatMap((attributes, group) => attributes.map((attribute) => [attribute, group] as const)));

/** Place of an attribute's group in the published order, from 0. */
export function groupOf(attribute: string): number {
  const group = groupByAttribute.get(attribute);
  if (group === undefined) throw new Error(`No group of precedence has ${attribute}`);
  return group;
}

/** The strengths of a rule's conditions by group, the strongest of a group first. */
export type Specificity = readonly (readonly number[])[];

export function specificityOf(strengths: readonly Strength[]): Specificity {
  const groups: number[][] = precedenceGroups.map(() => []);
  for (const { group, strength } of strengths) groups[group]?.push(strength);
  return groups.map((group) => group.toSorted((left, right) => right - left));
}

export interface Ranked {
  readonly id: string;
  readonly priority: number;
  readonly specificity: Specificity;
}

/** Negative if the left rule wins: higher priority, then more specific, then the smaller id by code point. A total order where ids differ. */
export function compareRules(left: Ranked, right: Ranked): number {
  return right.priority - left.priority || compareSpecificity(left.specificity, right.specificity).difference || compareCodePoints(left.id, right.id);
}

function compareSpecificity(left: Specificity, right: Specificity): { readonly difference: number; readonly group: number } {
  for (let group = 0; group < left.length; group += 1) {
    const difference = compareStrengths(left[group] ?? [], right[group] ?? []);
    if (difference !== 0) return { difference, group };
  }
  return { difference: 0, group: -1 };
}

/** One by one; more conditions beat fewer. */
function compareStrengths(left: readonly number[], right: readonly number[]): number {
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (right[index] ?? 0) - (left[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Why the winner beats the loser, in words. */
export function reasonOfPrecedence(winner: Ranked, loser: Ranked): string {
  if (winner.priority !== loser.priority) return `priority ${winner.priority} > ${loser.priority}`;
  const { group } = compareSpecificity(winner.specificity, loser.specificity);
  if (group < 0) return `equally specific, ${winner.id} comes before ${loser.id}`;
  const strengths = (of: Ranked): string => of.specificity[group]?.join('+') || '0';
  return `more specific in ${precedenceGroups[group]?.join(', ') ?? ''}: ${strengths(winner)} > ${strengths(loser)}`;
}
