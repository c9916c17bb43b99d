// Digits drawn by the library itself, in place of a download: 28 x 28 grey images of ten classes, the same on every machine.
import { checkInteger } from "../base/errors.js";
import { foldIn, key, STREAM, uniforms } from "../core/random.js";
import { type Tensor, tensor } from "../core/tensor.js";
import { type Dataset, dataset } from "./dataset.js";
import { drawDigit } from "./digits-strokes.js";
import { readIdxPair } from "./idx.js";
import type { ByteSource } from "./source.js";

/** Images x [examples, 784] in 0..1 and labels y [examples]. */
export type ImageDataset = Dataset<{ x: Tensor; y: Tensor }>;

/** Images to train with, and others to test with. */
export interface ImageData {
  readonly train: ImageDataset;
  readonly test: ImageDataset;
}

/** A dataset of 8-bit images and labels 0..9, pixels divided by 255. */
function images(pixels: Uint8Array, labels: Uint8Array): ImageDataset {
  return dataset(
    {
      x: { bytes: pixels, shape: [labels.length, pixels.length / labels.length], divisor: 255 },
      y: tensor(Int32Array.from(labels)),
    },
    { classes: 10 },
  );
}

function draw(count: number, seed: number, part: number): ImageDataset {
  const uniform = uniforms(foldIn(key(seed), part), STREAM.data);
  const pixels = new Uint8Array(count * 784);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    labels[i] = Math.floor(uniform() * 10);
    drawDigit(labels[i], uniform, pixels, i * 784);
  }
  return images(pixels, labels);
}

/**
 * Drawn digits: stroke glyphs with random shape, slant, place, thickness and grain.
 *
 * Shapes: x [examples, 784] float32 in 0..1, y [examples] int32 in 0..9.
 * Throws RangeError unless the counts are integers >= 1. Example: `const { train, test } = data.digits({ seed: 1 })`
 */
export function digits(options: { train?: number; test?: number; seed?: number } = {}): ImageData {
  const { train = 16000, test = 2000, seed = 1 } = options;
  checkInteger("digits", "train", train, 1);
  checkInteger("digits", "test", test, 1);
  return { train: draw(train, seed, 0), test: draw(test, seed, 1) };
}

/** Where the four files of MNIST are read from. */
export interface MnistFiles {
  readonly trainImages: ByteSource;
  readonly trainLabels: ByteSource;
  readonly testImages: ByteSource;
  readonly testLabels: ByteSource;
}

/** The names under which MNIST is published, without .gz. */
export const MNIST_NAMES = {
  trainImages: "train-images-idx3-ubyte",
  trainLabels: "train-labels-idx1-ubyte",
  testImages: "t10k-images-idx3-ubyte",
  testLabels: "t10k-labels-idx1-ubyte",
} as const;

/**
 * MNIST, or anything in its form, from four IDX files, gzipped or not.
 *
 * Throws DataError naming the file for a wrong magic number, size or label, or a truncated file.
 * Example: `await data.mnist({ trainImages: await fetch(url), trainLabels, testImages, testLabels })`. Source: LeCun, Cortes & Burges, yann.lecun.com/exdb/mnist
 */
export async function mnist(files: MnistFiles): Promise<ImageData> {
  const part = async (of: "train" | "test"): Promise<ImageDataset> => {
    const read = await readIdxPair({
      images: files[`${of}Images`],
      labels: files[`${of}Labels`],
      imagesName: MNIST_NAMES[`${of}Images`],
      labelsName: MNIST_NAMES[`${of}Labels`],
    });
    return images(read.pixels, read.labels);
  };
  return { train: await part("train"), test: await part("test") };
}
