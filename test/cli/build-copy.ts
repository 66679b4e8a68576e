import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A change of one file; what is replaced must stand there exactly once. */
export interface Patch {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface BuildCopy {
  /** Its command, for node to run. */
  readonly midline: string;
  remove(): Promise<void>;
}

/** Another build of midline: a copy of dist (npm run setup makes it) with some changes and files more. */
export async function buildCopy(patches: readonly Patch[], files: Readonly<Record<string, string>> = {}): Promise<BuildCopy> {
  const folder = await mkdtemp(join(tmpdir(), 'midline-build-'));
  for (const part of ['dist', 'package.json']) await cp(join(root, part), join(folder, part), { recursive: true });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const { file, find, replace } of patches) {
    const text = await readFile(join(folder, 'dist', file), 'utf8');
    if (text.split(find).length !== 2) throw new Error(`${file} does not hold exactly once: ${find}`);
    await writeFile(join(folder, 'dist', file), text.replace(find, () => replace));
  }
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, 'dist', file), text);
  return { midline: join(folder, 'dist/workers/cli/main.js'), remove: () => rm(folder, { recursive: true }) };
}
