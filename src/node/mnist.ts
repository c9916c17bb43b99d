// MNIST, or anything in its form, from the four IDX files of a folder.
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { DataError, printable, show } from "../base/errors.js";
import { type ImageData, type MnistFiles, type MnistNames, readMnist } from "../data/digits.js";
import { MNIST_NAMES } from "../data/index.js";

const WAY_OUT = `the folder needs ${Object.values(MNIST_NAMES).join(", ")}, each with or without .gz`;

/** Names of the files as they circulate: -, . and _ for each other, t10k or test, with the kind, .idx and .gz or without. */
const PATTERNS: { readonly [K in keyof MnistFiles]: RegExp } = {
  trainImages: /^train-images?(-idx3?)?(-ubyte)?(-idx3?|-bin)?$/,
  trainLabels: /^train-labels?(-idx1?)?(-ubyte)?(-idx1?|-bin)?$/,
  testImages: /^(t10k|test)-images?(-idx3?)?(-ubyte)?(-idx3?|-bin)?$/,
  testLabels: /^(t10k|test)-labels?(-idx1?)?(-ubyte)?(-idx1?|-bin)?$/,
};
const plain = (name: string): string =>
  name
    .toLowerCase()
    .replace(/\.gz(ip)?$/, "")
    .replace(/[._]/g, "-");

async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === "ENOENT" ? "there is no such folder" : code === "ENOTDIR" ? "it is no folder" : `${code}`;
    throw new DataError(`${folder}: ${what}; ${WAY_OUT}`, { cause });
  }
}

/** The file of a kind: under its published name, else under another that it goes by. */
function find(folder: string, there: readonly string[], kind: keyof MnistFiles): string {
  const published = MNIST_NAMES[kind];
  const exact = [published, `${published}.gz`].find((name) => there.includes(name));
  if (exact !== undefined) return join(folder, exact);
  const others = there.filter((name) => PATTERNS[kind].test(plain(name)));
  if (new Set(others.map((name) => name.toLowerCase().replace(/\.gz(ip)?$/, ""))).size > 1)
    throw new DataError(
      `${folder}: ${others.map(printable).join(" and ")} may each be ${published}. Leave one of them there`,
    );
  if (others.length > 0) return join(folder, others[0]);
  const seen = there.slice(0, 8).map(printable).join(", ");
  throw new DataError(
    `${join(folder, published)}: there is no such file, nor with .gz; ${WAY_OUT}. It holds: ${seen || "nothing"}${there.length > 8 ? ", ..." : ""}`,
  );
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
  const there = await listFolder(folder);
  const each = <T>(f: (kind: keyof MnistFiles) => T) => ({
    trainImages: f("trainImages"),
    trainLabels: f("trainLabels"),
    testImages: f("testImages"),
    testLabels: f("testLabels"),
  });
  const names: MnistNames = each((kind) => find(folder, there, kind));
  const files: MnistFiles = {
    trainImages: await read(names.trainImages),
    trainLabels: await read(names.trainLabels),
    testImages: await read(names.testImages),
    testLabels: await read(names.testLabels),
  };
  return readMnist(files, names).catch((cause: unknown) => {
    if (!(cause instanceof DataError)) throw cause;
    throw new DataError(`${cause.message.replace(/\. Get the file again$/, "")}. Download the file again`, { cause });
  });
}
