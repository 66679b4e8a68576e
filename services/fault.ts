/** Is this the system's error with that code ("ENOENT")? Asked by shape: under jest, errors of Node are no instances of its `Error`. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && codes.some((code) => code === error.code);
}
