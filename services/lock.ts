import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from './fault.js';
import { processStart } from './process-identity.js';

/**
 * Takes the folder for this process, and answers how to give it back.
 *
 * Throws if another process that still lives has it; the lock of a process that died is taken over.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'lock');
  const mine = JSON.stringify({ pid: process.pid, started: processStart(process.pid) });
  if (!(await create(path, mine))) {
    const holder = await livingHolder(path);
    if (holder !== null) throw new Error(`Another services command (process ${holder}) is at work in ${folder}: wait for it to end.`);
    await rm(path, { force: true });
    if (!(await create(path, mine))) throw new Error(`Another services command is at work in ${folder}: wait for it to end.`);
  }
  return () => rm(path, { force: true });
}

/** The file appears with its whole content or not at all: an empty lock would look like one of the dead. */
async function create(path: string, content: string): Promise<boolean> {
  const draft = `${path}-${randomUUID()}`;
  await writeFile(draft, content);
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(draft);
  }
}

async function livingHolder(path: string): Promise<number | null> {
  const content = await readFile(path, 'utf8').catch(() => '');
  const [, pid, started] = /^\{"pid":(\d+),"started":"(.*)"\}$/.exec(content) ?? [];
  return pid !== undefined && processStart(Number(pid)) === started ? Number(pid) : null;
}
