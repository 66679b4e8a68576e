import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createEncryption } from '../../workers/runtime/encryption.js';

const [first, second] = [randomBytes(32), randomBytes(32)];

test('what was sealed opens again, also after the key was changed', () => {
  const sealed = createEncryption([first]).seal(Buffer.from('nut allergy'));
  expect(sealed.includes('nut allergy')).toBe(false);
  expect(createEncryption([second, first]).open(sealed).toString()).toBe('nut allergy');
});

test('changed bytes and unknown keys are refused', () => {
  const sealed = createEncryption([first]).seal(Buffer.from('nut allergy'));
  const changed = Buffer.from(sealed);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  expect(() => createEncryption([first]).open(changed)).toThrow();
  expect(() => createEncryption([second]).open(sealed)).toThrow(/no configured key/);
});
