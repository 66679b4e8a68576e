import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../../services/places.js';
import { patched } from './chaos/patched-build.js';
import { exactIdentities } from './pipeline-loss.js';

test('what matching by exact identities replaces stands once in the build', async () => {
  for (const patch of exactIdentities) expect(await patched(join(projectRoot(), 'dist'), 'exact-identities', patch)).toContain(patch.replace);
});
