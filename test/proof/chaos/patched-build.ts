import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../../services/places.js';
import type { Protection } from './protections.js';

export interface PatchedBuild {
  /** Its folder, for `runWorld`. */
  readonly dist: string;
  delete(): Promise<void>;
}

/**
 * A copy of the build without a protection.
 * @throws Error where a text to be replaced does not stand in its module exactly once: the protection was rewritten, and its entry must be too
 */
export async function patchedBuild({ name, patches }: Protection): Promise<PatchedBuild> {
  const folder = await mkdtemp(join(tmpdir(), `midline-without-${name}-`));
  const dist = join(folder, 'dist');
  const build: PatchedBuild = { dist, delete: () => rm(folder, { recursive: true, force: true }) };
  try {
    await cp(join(projectRoot(), 'dist'), dist, { recursive: true });
    await cp(join(projectRoot(), 'package.json'), join(folder, 'package.json'));
    await symlink(join(projectRoot(), 'node_modules'), join(folder, 'node_modules'));
    for (const { module, find, replace } of patches) {
      const text = await readFile(join(dist, module), 'utf8');
      const [before, after, ...more] = text.split(find);
      if (before === undefined || after === undefined || more.length > 0) {
        throw new Error(`The protection ${name} cannot be taken out: its text stands ${more.length + (after === undefined ? 0 : 1)} times, not once, in ${module}. Mend its entry in test/proof/chaos/protections.ts. The text: ${find}`);
      }
      await writeFile(join(dist, module), before + replace + after);
    }
    return build;
  } catch (error) {
    await build.delete();
    throw error;
  }
}
