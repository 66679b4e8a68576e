import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { publishedFeeSchemas } from '../../schemas/publish-fee-schemas.js';

for (const [name, text] of publishedFeeSchemas()) {
  test(`the published ${name} is fresh`, () => {
    expect(readFileSync(new URL(`../../schemas/${name}`, import.meta.url), 'utf8')).toBe(text);
  });
}
