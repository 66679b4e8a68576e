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
