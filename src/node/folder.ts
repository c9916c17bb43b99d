// A folder of the disk, as readers of data see it.
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { DataError, show } from "../base/errors.js";
import type { ImageData } from "../data/digits.js";
import type { Folder } from "../data/folder.js";
import { MNIST_NEEDS, mnistOf } from "../data/mnist-folder.js";

/** Throws DataError where there is no such folder; `needs` tells what it should hold. */
export async function openFolder(path: string, needs: string): Promise<Folder> {
  let names: string[];
  try {
    names = (await readdir(path)).sort();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === "ENOENT" ? "there is no such folder" : code === "ENOTDIR" ? "it is no folder" : `${code}`;
    throw new DataError(`${path}: ${what}; ${needs}`, { cause });
  }
  const pathOf = (name: string): string => join(path, name);
  return { path, names, pathOf, read: (name) => read(pathOf(name)) };
}

/** The bytes of a file, or of the file of the same name in a folder of that name, as some archives unpack. */
async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile((await stat(path)).isDirectory() ? join(path, basename(path)) : path);
  } catch (cause) {
    throw new DataError(`${path}: it cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
}

/**
 * MNIST from a folder that holds its four files, gzipped or not, under their published names or those that they also go by
 * (train-images.idx3-ubyte, test-labels-idx1-ubyte.gz).
 *
 * Throws DataError naming the path of what is missing, truncated, mislabelled or out of range.
 * Example: `const { train, test } = await mnistFromFolder("data/mnist")`
 */
export async function mnistFromFolder(folder: string): Promise<ImageData> {
  if (typeof folder !== "string")
    throw new TypeError(`mnistFromFolder: expected the path of a folder, got ${show(folder)}`);
  return mnistOf(await openFolder(folder, MNIST_NEEDS));
}
