import { open, rename, rm, stat } from 'node:fs/promises';

/**
 * Writes a file that stands under its name when it is whole. That it can be written at all is known before the work begins. What is no plain file (`/dev/stdout`) is written straight.
 * @param mode who may read it
 */
export async function toWholeFile<Result>(file: string, mode: number, work: (write: (text: string) => Promise<void>) => Promise<Result>): Promise<Result> {
  const plain = await stat(file).then((found) => found.isFile() || found.isDirectory(), () => true);
  const part = plain ? `${file}.part` : file;
  if (plain) await rm(part, { force: true });
  const handle = await open(part, 'w', mode).catch((error: unknown) => { throw new Error(`${file} cannot be written: is there such a folder, and may you write there?`, { cause: error }); });
  try {
    const result = await work(async (text) => { await handle.appendFile(text); });
    if (plain) {
      await handle.sync();
      await rename(part, file);
    }
    return result;
  } catch (error) {
    if (plain) await rm(part, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}
