/**
 * What a first page begins behind: no row has this id. A page that may have no beginning, `$1 is null or id > $1`, would be looked for from the first row on:
 * Postgres plans the statement once for both.
 */
export const behindNothing = '00000000-0000-0000-0000-000000000000';
