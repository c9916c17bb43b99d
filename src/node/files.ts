// Files that survive a crash: written under another name, brought to the disk, then renamed.
import { mkdir, open, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join } from "node:path";

let written = 0;

/**
 * Writes a file so that at every moment, also after a power cut, its path holds the old bytes or all of the new ones.
 * Makes the folder where it is missing. Throws what the file system answers; the old file is then as it was.
 * Example: `await writeFileAtomic("run.safetensors", trainer.checkpoint())`
 */
export async function writeFileAtomic(path: string, contents: Uint8Array | string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${basename(path)}.${process.pid}-${written++}`);
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(contents);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  // the name is in the folder, and the folder is a file too; Windows cannot open one and needs no such call
  const holder = await open(folder, "r").catch(() => undefined);
  await holder?.sync().catch(() => undefined);
  await holder?.close();
}

/**
 * Where the library keeps what it can make again: $XDG_CACHE_HOME/gradnoise, or ~/.cache/gradnoise.
 * Throws nothing of its own; the folder need not be there. Example: `cacheDirectory()`
 */
export function cacheDirectory(): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base && isAbsolute(base) ? base : join(homedir(), ".cache"), "gradnoise");
}
