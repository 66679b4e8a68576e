import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../../services/places.js';
import type { Patch, Protection } from './protections.js';

export interface PatchedBuild {
  /** Its folder, for `runWorld`. */
  readonly dist: string;
  delete(): Promise<void>;
}

/**
 * The text of a compiled module without a protection.
 * @throws Error where the text to be replaced does not stand in it exactly once: the protection was rewritten, and its entry must be too
 */
export async function patched(dist: string, name: string, { module, find, replace }: Patch): Promise<string> {
  const [before, after, ...more] = (await readFile(join(dist, module), 'utf8')).split(find);
  if (before !== undefined && after !== undefined && more.length === 0) return before + replace + after;
  throw new Error(`The protection ${name} cannot be taken out: its text stands ${more.length + (after === undefined ? 0 : 1)} times, not once, in ${module}. Mend its entry in test/proof/chaos/protections.ts. The text: ${find}`);
}

/**
 * A copy of the build without a protection, or with something else replaced.
 * @throws as `patched`
 */
export async function patchedBuild({ name, patches }: Pick<Protection, 'name' | 'patches'>): Promise<PatchedBuild> {
  const folder = await mkdtemp(join(tmpdir(), `midline-without-${name}-`));
  const dist = join(folder, 'dist');
  const build: PatchedBuild = { dist, delete: () => rm(folder, { recursive: true, force: true }) };
  try {
    await cp(join(projectRoot(), 'dist'), dist, { recursive: true });
    await cp(join(projectRoot(), 'package.json'), join(folder, 'package.json'));
    await symlink(join(projectRoot(), 'node_modules'), join(folder, 'node_modules'));
    for (const patch of patches) await writeFile(join(dist, patch.module), await patched(dist, name, patch));
    return build;
  } catch (error) {
    await build.delete();
    throw error;
  }
}
