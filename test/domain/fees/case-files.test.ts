import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { parseCase, runCase } from '../../../workers/domain/fees/case.js';
import { compareCase } from '../../../workers/domain/fees/case-compare.js';

/** Cases whose expectations were worked out by hand, each with its reasoning; and those that stand beside the example tables. */
const folders = ['../../fee-cases', '../../../docs/examples'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
const files = folders.flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))).filter((file) => /(fee-cases|cases)\b.*\.yaml$/.test(file)).sort();

const shortly = (file: string): string => file.split('/').slice(-2).join('/').replace('.yaml', '');

describe('case files', () => {
  test.each(files.map((file) => [shortly(file), file]))('%s', (_name, file) => {
    const parsed = parseCase(readFileSync(file, 'utf8'));
    if ('problems' in parsed) throw new Error(parsed.problems.join('\n'));
    const result = runCase(parsed.case, (name) => readFileSync(join(dirname(file), name), 'utf8'));
    if (result.kind === 'invalid') throw new Error(result.problems.join('\n'));
    expect(compareCase(parsed.case, result)).toEqual([]);
    expect(parsed.case.comment?.split(/\s+/).length ?? 0).toBeGreaterThan(3);
  });

  test('are many, and each has a name of its own', () => {
    expect(files.length).toBeGreaterThan(250);
    expect(new Set(files.map(shortly)).size).toBe(files.length);
  });
});
