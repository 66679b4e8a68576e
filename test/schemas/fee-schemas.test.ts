import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { publishedSchemas } from '../../schemas/publish-schemas.js';

for (const [name, text] of publishedSchemas()) {
  test(`the published ${name} is fresh`, () => {
    expect(readFileSync(new URL(`../../schemas/${name}`, import.meta.url), 'utf8')).toBe(text);
  });
}
