/** Longer texts than any names or streets are compared as they are: letter by letter, two texts of a mebibyte would take hours. */
const longestSlipped = 200;

/** How many letters are to be inserted, deleted, replaced or swapped with their neighbour (Damerau–Levenshtein, optimal alignment); above `most`: any greater number. */
export function slips(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most || a.length > longestSlipped) return most + 1;
  let before: readonly number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? Infinity) + 1 : Infinity;
      const slip = Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1), swapped);
      next.push(slip);
      if (slip < least) least = slip;
    }
    if (least > most) return most + 1;
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/**
 * The same letters in another order, as fast fingers leave them: `Harevy` for Harvey; from five letters on also with letters that only one of them has. Never much is out of place:
 * two letters of four that change places count, Leon and Noel do not, nor do Kiana and Anika.
 * @param odd how many letters only one of them may have: of given names fewer, for Jamie and James are brothers
 */
export function isScrambled(one: string, other: string, odd: 1 | 2): boolean {
  const shortest = Math.min(one.length, other.length);
  if (shortest < 4 || Math.abs(one.length - other.length) > 1) return false;
  const differing = lettersApart(one, other);
  if (shortest === 4) return differing === 0 && slips(one, other, 1) <= 1;
  const most = differing === 0 && shortest >= 6 ? 3 : odd + 1;
  return differing <= odd && slips(one, other, most) <= most;
}

/** How many letters only one of them has, each as often as it stands there. */
function lettersApart(one: string, other: string): number {
  const counts = new Map<string, number>();
  for (const letter of one) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  for (const letter of other) counts.set(letter, (counts.get(letter) ?? 0) - 1);
  return [...counts.values()].reduce((sum, count) => sum + Math.abs(count), 0);
}
