// MNIST, or anything in its form, from the four IDX files of a folder.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "../base/errors.js";
import { tensor } from "../core/tensor.js";
import { dataset, type ImageData, type ImageDataset, MNIST_NAMES, readIdxPair } from "../data/index.js";

const WAY_OUT = `the folder needs ${Object.values(MNIST_NAMES).join(", ")}, each with or without .gz`;

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === "ENOENT" ? "there is no such folder" : code === "ENOTDIR" ? "it is no folder" : `${code}`;
    throw new DataError(`${folder}: ${what}; ${WAY_OUT}`, { cause });
  }
}

/**
 * MNIST from a folder that holds its four files under their published names, gzipped or not.
 *
 * Throws DataError naming the path of what is missing, truncated, mislabelled or out of range.
 * Example: `const { train, test } = await mnistFromFolder("data/mnist")`
 */
export async function mnistFromFolder(folder: string): Promise<ImageData> {
  const there = await listFolder(folder);
  const find = (name: string): string => {
    const found = [name, `${name}.gz`].find((candidate) => there.includes(candidate));
    if (!found) throw new DataError(`${join(folder, name)}: there is no such file, nor with .gz; ${WAY_OUT}`);
    return join(folder, found);
  };
  const names = {
    train: { images: find(MNIST_NAMES.trainImages), labels: find(MNIST_NAMES.trainLabels) },
    test: { images: find(MNIST_NAMES.testImages), labels: find(MNIST_NAMES.testLabels) },
  };
  const part = async ({ images, labels }: { images: string; labels: string }): Promise<ImageDataset> => {
    const read = await readIdxPair({
      images: await readFile(images),
      labels: await readFile(labels),
      imagesName: images,
      labelsName: labels,
    }).catch((cause: unknown) => {
      if (!(cause instanceof DataError)) throw cause;
      throw new DataError(`${cause.message}. Download the file again`, { cause });
    });
    if (read.count === 0) throw new DataError(`${images}: it holds no images. Download the file again`);
    return dataset(
      {
        x: { bytes: read.pixels, shape: [read.count, read.rows * read.columns], divisor: 255 },
        y: tensor(Int32Array.from(read.labels)),
      },
      { classes: 10 },
    );
  };
  return { train: await part(names.train), test: await part(names.test) };
}
