import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../../../services/places.js';
import { patched } from './patched-build.js';
import { protections } from './protections.js';
import { provocations, scenarios } from './scenarios.js';

const dist = join(projectRoot(), 'dist');

test.each(protections)('the text of the protection $name stands once in the build, and its scenarios exist', async ({ name, patches, scenarios: needed }) => {
  for (const patch of patches) await patched(dist, name, patch);
  expect(needed.filter((one) => ![...scenarios, ...provocations].some((scenario) => scenario.name === one))).toEqual([]);
});

// Seen to fail (nothing is thrown, and a run "without" it would be one with it) when the number of places is not looked at.
test.each([['not at all', 'no such text'], ['several times', 'const']])('a text that stands %s is refused', async (_, find) => {
  await expect(patched(dist, 'test', { module: 'workers/store/fence.js', find, replace: '' })).rejects.toThrow(/cannot be taken out: its text stands \d+ times, not once/);
});
