/** Spreadsheets take for a formula what begins so, and for a number what is a phone number. */
const formula = /^'*[=+\-@\t\r]/;

/** A row of CSV (RFC 4180) with its line end. A cell stands between quotation marks where it must, and behind an apostrophe where a spreadsheet would take it for a formula. */
export const csvLine = (cells: readonly string[]): string => `${cells.map((cell) => inQuotes(formula.test(cell) ? `'${cell}` : cell)).join(',')}\n`;

const inQuotes = (cell: string): string => (/[",;\t\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** The text of a cell without such an apostrophe. */
export const plainCell = (cell: string): string => (cell.startsWith(`'`) && formula.test(cell) ? cell.slice(1) : cell);
