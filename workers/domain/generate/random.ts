/** A source of chance that gives the same values for the same seed, on every machine. */
export interface Random {
  /** From 0 up to, not including, 1. */
  readonly next: () => number;
  /** A whole number, both ends included. */
  readonly whole: (from: number, to: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <const List extends readonly [unknown, ...unknown[]]>(list: List) => List[number];
}

/**
 * Every thing has a source of its own, seeded by what it is (`createRandom(7, 'person', 12)`): person 12 is the same whoever asks and whatever was
 * made before, so nothing has to be kept in memory.
 */
export function createRandom(...seed: readonly (string | number)[]): Random {
  let state = hashOf(seed.join('/'));

  /** mulberry32 (Tommy Ettinger, public domain). */
  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  return {
    next,
    whole: (from, to) => from + Math.floor(next() * (to - from + 1)),
    chance: (probability) => next() < probability,
    pick: (list) => list[Math.floor(next() * list.length)] ?? list[0],
  };
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}
