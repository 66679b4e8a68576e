/**
 * Cologne phonetics (Postel 1969): names that sound alike in German have the same digits. `Meyer`, `Maier` and `Mayr` are 67, `Schmidt` and `Schmitt` 862.
 * @param word lower-case letters a–z
 */
export function cologneCode(word: string): string {
  let digits = '';
  for (let at = 0; at < word.length; at++) digits += digitsOf(word[at] ?? '', word[at - 1] ?? '', word[at + 1] ?? '');
  const single = digits.replace(/(.)\1+/g, '$1');
  return single.slice(0, 1) + single.slice(1).replaceAll('0', '');
}

function digitsOf(letter: string, before: string, after: string): string {
  if ('aeijouy'.includes(letter)) return '0';
  if (letter === 'h') return '';
  if (letter === 'b' || (letter === 'p' && after !== 'h')) return '1';
  if (letter === 'd' || letter === 't') return isOneOf(after, 'csz') ? '8' : '2';
  if (letter === 'f' || letter === 'v' || letter === 'w' || letter === 'p') return '3';
  if (letter === 'g' || letter === 'k' || letter === 'q') return '4';
  if (letter === 'c') return (before === '' ? isOneOf(after, 'ahkloqrux') : isOneOf(after, 'ahkoqux') && !isOneOf(before, 'sz')) ? '4' : '8';
  if (letter === 'x') return isOneOf(before, 'ckq') ? '8' : '48';
  if (letter === 'l') return '5';
  if (letter === 'm' || letter === 'n') return '6';
  if (letter === 'r') return '7';
  return 'sz'.includes(letter) ? '8' : '';
}

const isOneOf = (letter: string, letters: string): boolean => letter !== '' && letters.includes(letter);
