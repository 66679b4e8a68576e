/** A value as comparable text: without nulls, without the fields that are named, and whatever the order of the entries of its maps. */
export function contentText(value: unknown, without: readonly string[] = []): string {
  return JSON.stringify(value, (key, part: unknown) => {
    if (part === null || without.includes(key)) return undefined;
    if (typeof part !== 'object' || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
