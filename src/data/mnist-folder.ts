// MNIST, or anything in its form, from the four IDX files of a folder, wherever that is: on a disk, or dropped on a page.
import { DataError, printable } from "../base/errors.js";
import { type ImageData, MNIST_NAMES, type MnistFiles, type MnistNames, readMnist } from "./digits.js";
import type { Folder } from "./folder.js";

/** What there must be, for messages. */
export const MNIST_NEEDS = `the folder needs ${Object.values(MNIST_NAMES).join(", ")}, each with or without .gz`;

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

/** The file of a kind: under its published name, else under another that it goes by. */
function find({ path, names: there, pathOf }: Folder, kind: keyof MnistFiles): string {
  const published = MNIST_NAMES[kind];
  const exact = [published, `${published}.gz`].find((name) => there.includes(name));
  if (exact !== undefined) return exact;
  const others = there.filter((name) => PATTERNS[kind].test(plain(name)));
  if (new Set(others.map((name) => name.toLowerCase().replace(/\.gz(ip)?$/, ""))).size > 1)
    throw new DataError(
      `${path}: ${others.map(printable).join(" and ")} may each be ${published}. Leave one of them there`,
    );
  if (others.length > 0) return others[0];
  const seen = there.slice(0, 8).map(printable).join(", ");
  throw new DataError(
    `${pathOf(published)}: there is no such file, nor with .gz; ${MNIST_NEEDS}. It holds: ${seen || "nothing"}${there.length > 8 ? ", ..." : ""}`,
  );
}

/** MNIST, or anything in its form, from the files of a folder. Throws DataError naming the path of what is missing or wrong. */
export async function mnistOf(folder: Folder): Promise<ImageData> {
  const kinds = Object.keys(MNIST_NAMES) as (keyof MnistFiles)[];
  const names = Object.fromEntries(kinds.map((kind) => [kind, find(folder, kind)]));
  const files: [string, Uint8Array][] = [];
  for (const kind of kinds) files.push([kind, await folder.read(names[kind])]);
  const paths = Object.fromEntries(kinds.map((kind) => [kind, folder.pathOf(names[kind])]));
  return readMnist(Object.fromEntries(files) as unknown as MnistFiles, paths as unknown as MnistNames).catch(
    (cause: unknown) => {
      if (!(cause instanceof DataError)) throw cause;
      throw new DataError(`${cause.message.replace(/\. Get the file again$/, "")}. Download the file again`, { cause });
    },
  );
}
