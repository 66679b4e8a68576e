import { expect, test } from '@jest/globals';
import { runMidline } from './run-midline.js';

// Seen to fail, with 1, where what a command itself finds wrong with its options is thrown as any other error.
test.each([
  ['a value that cannot be', ['customers', 'import', 'customers.csv', '--country', 'Germany']],
  ['a system without a name', ['customers', 'import', 'customers.csv', '--source', '']],
  ['a day that cannot be', ['fees', 'assign', 'standard', '--default', '--from', 'monday']],
  ['a moment that cannot be', ['customers', 'sensitive', 'add', '17', '--kind', 'allergy', '--text', 'x', '--consent', 'x', '--consent-at', 'monday']],
  ['a choice that there is not', ['bench', '--only', 'nothing']],
  ['neither of two', ['customers', 'find']],
  ['both of two', ['match', 'use', 'model.json', '--shipped']],
  ['an option that needs another', ['fees', 'assign', 'standard', '--default']],
  ['a file that is read and written', ['customers', 'import', 'customers.csv', '--problems', './customers.csv']],
  ['an address that is missing', ['customers', 'show', '17']],
  ['a key that is missing', ['customers', 'sensitive', 'import', 'needs.csv']],
])('a command that is wrongly called ends with 2: %s', async (_, args) => {
  const { code, err } = await runMidline(args);
  expect(err).not.toBe('');
  expect(code).toBe(2);
});

test.each([
  ['match', ['match', '--alone', '--map', 'nowhere.yaml', '--in', 'nowhere.csv', '--out', '/dev/null'], 'there is no file nowhere.yaml'],
  ['fees lint', ['fees', 'lint', 'nowhere.yaml'], 'there is no file nowhere.yaml'],
])('a file that is missing ends %s with 1', async (_, args, said) => {
  const { code, err } = await runMidline(args);
  expect(err).toContain(said);
  expect(code).toBe(1);
});
