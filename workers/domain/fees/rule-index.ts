import type { Item } from '../../../schemas/booking-event.js';
import type { CompiledRule } from './compile.js';
import type { Condition, Point } from './conditions.js';

/** Finds the rules that can hold at a point without asking each: a set of bits for every value of the attributes that most rules ask for. */
export interface RuleIndex {
  /** The winner first. */
  readonly rules: readonly CompiledRule[];
  /** The first rule in order that could hold by the indexed attributes and that `accept` takes. */
  readonly first: (point: Point, accept: (rule: CompiledRule) => boolean) => CompiledRule | null;
}

/** Below this number of rules asking each is as fast as any index. */
const worthIndexing = 8;
const mostDimensions = 8;

export function createRuleIndex(rules: readonly CompiledRule[]): RuleIndex {
  const dimensions = selectiveDimensions(rules);
  if (dimensions.length === 0) return { rules, first: (_point, accept) => rules.find(accept) ?? null };
  return {
    rules,
    first: (point, accept) => {
      const candidates = dimensions.map((dimension) => bitsAt(dimension, point));
      const [leading = new Uint32Array()] = candidates;
      for (let word = 0; word < leading.length; word += 1) {
        let bits = leading[word] ?? 0;
        for (let other = 1; other < candidates.length && bits !== 0; other += 1) bits &= candidates[other]?.[word] ?? 0;
        for (; bits !== 0; bits &= bits - 1) {
          const rule = rules[word * 32 + (31 - Math.clz32(bits & -bits))];
          if (rule !== undefined && accept(rule)) return rule;
        }
      }
      return null;
    },
  };
}

interface Dimension {
  readonly perItem: boolean;
  readonly read: (point: Point, item: Item | null) => string | readonly string[] | null;
  /** Rules that do not ask for the attribute by value: always possible. */
  readonly others: Uint32Array;
  /** Those that ask for the value, and `others`. */
  readonly byValue: ReadonlyMap<string, Uint32Array>;
}

/** The attributes that the most rules ask for by listed values. */
function selectiveDimensions(rules: readonly CompiledRule[]): readonly Dimension[] {
  const byName = new Map<string, (Condition | undefined)[]>();
  rules.forEach(({ conditions }, position) => {
    for (const condition of conditions) {
      if (condition.lookup === null) continue;
      const column = byName.get(condition.name) ?? [];
      column[position] = condition;
      byName.set(condition.name, column);
    }
  });
  const askedBy = (column: readonly (Condition | undefined)[]): number => column.filter((condition) => condition !== undefined).length;
  return [...byName.values()]
    .filter((column) => askedBy(column) >= worthIndexing)
    .sort((left, right) => askedBy(right) - askedBy(left))
    .slice(0, mostDimensions)
    .flatMap((column) => createDimension(column, rules.length));
}

function createDimension(column: readonly (Condition | undefined)[], ruleCount: number): readonly Dimension[] {
  const others = new Uint32Array(Math.ceil(ruleCount / 32));
  const byValue = new Map<string, Uint32Array>();
  for (let position = 0; position < ruleCount; position += 1) {
    const lookup = column[position]?.lookup;
    if (lookup == null) setBit(others, position);
  }
  for (let position = 0; position < ruleCount; position += 1) {
    for (const value of column[position]?.lookup?.values ?? []) {
      let bits = byValue.get(value);
      if (bits === undefined) byValue.set(value, (bits = others.slice()));
      setBit(bits, position);
    }
  }
  const any = column.find((condition) => condition !== undefined);
  return any?.lookup == null ? [] : [{ perItem: any.perItem, read: any.lookup.read, others, byValue }];
}

function setBit(bits: Uint32Array, position: number): void {
  const word = position >>> 5;
  bits[word] = (bits[word] ?? 0) | (1 << (position & 31));
}

function bitsAt(dimension: Dimension, point: Point): Uint32Array {
  if (!dimension.perItem) return bitsOf(dimension, dimension.read(point, null));
  const { items } = point.unit;
  const [first] = items;
  if (first === undefined) return dimension.others;
  return items.length === 1 ? bitsOf(dimension, dimension.read(point, first)) : union(items.map((item) => bitsOf(dimension, dimension.read(point, item))), dimension.others);
}

function bitsOf({ byValue, others }: Dimension, fact: string | readonly string[] | null): Uint32Array {
  if (fact === null) return others;
  if (typeof fact === 'string') return byValue.get(fact) ?? others;
  return union(fact.flatMap((value) => byValue.get(value) ?? []), others);
}

/** Bits that one of the sets has, or `none` where there are no sets. */
function union(sets: readonly Uint32Array[], none: Uint32Array): Uint32Array {
  const [first = none, ...more] = sets;
  return more.length === 0 ? first : first.map((word, index) => more.reduce((bits, set) => bits | (set[index] ?? 0), word));
}
