/** Chance that can be had again: the same seed and number give the same, whatever was drawn for other numbers. */
export interface Random {
  /** A whole number from 0 to below `end`. */
  int(end: number): number;
  /** True once in `times`. */
  once(times: number): boolean;
  pick<Thing>(things: readonly Thing[]): Thing;
  bytes(length: number): Buffer;
}

/** @param number of the input within its seed */
export function createRandom(seed: number, number: number): Random {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)) >>> 0;
  // mulberry32
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const int = (end: number): number => Math.floor((next() / 2 ** 32) * end);
  return {
    int,
    once: (times) => int(times) === 0,
    pick: <Thing>(things: readonly Thing[]): Thing => {
      const thing = things[int(things.length)];
      if (thing === undefined) throw new Error('nothing to pick from');
      return thing;
    },
    bytes: (length) => Buffer.from(Array.from({ length }, () => int(256))),
  };
}

/** Something that hostile inputs are made by, and how often it is chosen beside the others. */
export interface Kind<Make> {
  readonly name: string;
  readonly weight: number;
  readonly make: Make;
}

export function chooseKind<Make>(kinds: readonly Kind<Make>[], random: Random): Kind<Make> {
  let rest = random.int(kinds.reduce((sum, { weight }) => sum + weight, 0));
  for (const kind of kinds) {
    rest -= kind.weight;
    if (rest < 0) return kind;
  }
  throw new Error('no kinds to choose from');
}
