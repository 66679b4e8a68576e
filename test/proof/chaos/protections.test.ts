import { expect, test } from '@jest/globals';
import { patchedBuild } from './patched-build.js';
import { protections, type Protection } from './protections.js';
import { provocations, scenarios } from './scenarios.js';

const [first] = protections;
const nameless: Protection = { name: 'test', meaning: '', patches: [], scenarios: [], caught: /./ };

test.each(protections)('the text of the protection $name stands once in the build, and its scenarios exist', async (protection) => {
  await (await patchedBuild(protection)).delete();
  expect(protection.scenarios.filter((name) => ![...scenarios, ...provocations].some((scenario) => scenario.name === name))).toEqual([]);
});

// Seen to fail (nothing is thrown, and a run "without" it would be one with it) when the number of places is not looked at.
test.each([['not at all', 'no such text'], ['several times', 'const']])('a text that stands %s is refused', async (_, find) => {
  const module = first?.patches[0]?.module ?? '';
  await expect(patchedBuild({ ...nameless, patches: [{ module, find, replace: '' }] })).rejects.toThrow(/cannot be taken out: its text stands \d+ times, not once/);
});
