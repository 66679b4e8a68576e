import { isUtf8 } from 'node:buffer';
import type { SourceMapFile } from '../../schemas/source-map.js';
import type { Bytes } from './record.js';

/** Bytes as text of one character each, the first three left out where they are UTF-8's byte order mark. Delimiters can be looked for in it whatever the encoding. */
export async function* byteText(bytes: Bytes): AsyncGenerator<string> {
  let first = true;
  for await (const chunk of bytes) {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
    yield first && text.startsWith('\u00EF\u00BB\u00BF') ? text.slice(3) : text;
    first = false;
  }
}

/** Turns byte text into text; undefined where the bytes are not valid in the encoding: nothing is silently replaced. */
export type Decode = (byteText: string) => string | undefined;

export function decoderOf(encoding: SourceMapFile['encoding']): Decode {
  if (encoding === 'utf-8') {
    return (text) => {
      if (isAscii(text)) return text;
      const bytes = Buffer.from(text, 'latin1');
      return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
    };
  }
  const decoder = new TextDecoder(encoding);
  return (text) => (isAscii(text) ? text : decoder.decode(Buffer.from(text, 'latin1')));
}

const isAscii = (text: string): boolean => !/[\u0080-\u00FF]/.test(text);

export const notInEncoding = (encoding: string): string => `is not valid ${encoding}`;
