/**
 * A piece of a string, or a number with its parts; strings are matched so that what looks like a number in them is passed over. A piece ends before
 * a backslash and begins with one: nothing is ever tried twice, however long the string is and whether it ends or not.
 */
const pieceOrNumber = /(?:"|\\[^])[^"\\]*"?|-?\d+(\.\d+)?([eE][+-]?\d+)?/g;

/**
 * Parses JSON without losing digits: a whole number that JavaScript holds exactly is a number, every other number is its own text
 * (`82.50` becomes `"82.50"`). @throws SyntaxError as JSON.parse does
 */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text.replace(pieceOrNumber, (token: string, fraction: string | undefined, exponent: string | undefined) => {
    if (token.startsWith('"') || token.startsWith('\\')) return token;
    return fraction === undefined && exponent === undefined && Number.isSafeInteger(Number(token)) ? token : `"${token}"`;
  })) as unknown;
}
