/** A row of CSV (RFC 4180) with its line end; a cell stands between quotation marks where it must. */
export const csvLine = (cells: readonly string[]): string => `${cells.map((cell) => (/[",;\t\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\n`;
