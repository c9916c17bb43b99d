// Digits drawn by the library itself, in place of a download: 28 x 28 grey images of ten classes, the same on every machine.
import { DataError } from "../base/errors.js";
import { anything, integer, type Rules, readOptions } from "../base/options.js";
import { pause } from "../base/pause.js";
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

/** How many digits to draw, and which. */
export interface DigitsOptions {
  /** Images to train with; 16,000 by default. */
  readonly train?: number;
  /** Images to test with; 2,000 by default. */
  readonly test?: number;
  /** Of all of them; 1 by default. */
  readonly seed?: number;
}

const digitsRules: Rules<DigitsOptions> = { train: integer(1), test: integer(1), seed: integer() };
const SLICE_MS = 12; // less than a frame: a page stays alive

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

function allocate(count: number): Uint8Array {
  try {
    return new Uint8Array(count * 784);
  } catch (cause) {
    const bytes = `${count} images take ${count * 784} bytes`;
    throw new RangeError(`digits: ${bytes}, more than this engine gives one array. Draw fewer`, { cause });
  }
}

/** Draws an image at a time, yielding after each. */
function* draw(count: number, seed: number, part: number): Generator<void, ImageDataset, void> {
  const uniform = uniforms(foldIn(key(seed), part), STREAM.data);
  const pixels = allocate(count);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    labels[i] = Math.floor(uniform() * 10);
    drawDigit(labels[i], uniform, pixels, i * 784);
    yield;
  }
  return images(pixels, labels);
}

function* drawBoth(owner: string, options: DigitsOptions | undefined): Generator<void, ImageData, void> {
  const { train = 16000, test = 2000, seed = 1 } = readOptions(owner, options, digitsRules);
  return { train: yield* draw(train, seed, 0), test: yield* draw(test, seed, 1) };
}

/**
 * Drawn digits: stroke glyphs with random shape, slant, place, thickness and grain. It takes about 20 us an image: in a page
 * `digitsAsync` draws the same.
 *
 * Shapes: x [examples, 784] float32 in 0..1, y [examples] int32 in 0..9.
 * Throws RangeError unless the counts are integers >= 1. Example: `const { train, test } = data.digits({ seed: 1 })`
 */
export function digits(options?: DigitsOptions): ImageData {
  const drawing = drawBoth("digits", options);
  for (;;) {
    const { done, value } = drawing.next();
    if (done) return value;
  }
}

/**
 * The digits that `digits` draws, to the bit, letting the event loop turn now and then: a page stays alive.
 *
 * Shapes: x [examples, 784] float32 in 0..1, y [examples] int32 in 0..9.
 * Throws RangeError unless the counts are integers >= 1. Example: `const { train, test } = await data.digitsAsync({ train: 100, test: 10 })`
 */
export async function digitsAsync(options?: DigitsOptions): Promise<ImageData> {
  const drawing = drawBoth("digitsAsync", options);
  let since = performance.now();
  for (;;) {
    const { done, value } = drawing.next();
    if (done) return value;
    if (performance.now() - since < SLICE_MS) continue;
    await pause();
    since = performance.now();
  }
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

/** What the four files are called in messages; by default the names under which MNIST is published. */
export type MnistNames = { readonly [K in keyof MnistFiles]: string };

/** As `mnist`, of files that have other names. @internal */
export async function readMnist(files: MnistFiles, names: MnistNames): Promise<ImageData> {
  const part = async (of: "train" | "test"): Promise<ImageDataset> => {
    const [imagesName, labelsName] = [names[`${of}Images`], names[`${of}Labels`]];
    const read = await readIdxPair({
      images: files[`${of}Images`],
      labels: files[`${of}Labels`],
      imagesName,
      labelsName,
    });
    if (read.count === 0 || read.pixels.length === 0)
      throw new DataError(
        `${imagesName}: it holds no images, its sizes are ${read.count} x ${read.rows} x ${read.columns}`,
      );
    return images(read.pixels, read.labels);
  };
  const [train, test] = [await part("train"), await part("test")];
  const [own, other] = [train.columns.x.shape[1], test.columns.x.shape[1]];
  if (own !== other)
    throw new DataError(
      `${names.testImages}: its images have ${other} pixels, those of ${names.trainImages} ${own}. Give files of one data set`,
    );
  return { train, test };
}

/**
 * MNIST, or anything in its form, from four IDX files, gzipped or not.
 *
 * Throws DataError naming the file for a wrong magic number, size or label, a truncated or a foreign file, and for images of
 * two sizes; TypeError for a file that is missing or holds no bytes.
 * Example: `await data.mnist({ trainImages: await fetch(url), trainLabels, testImages, testLabels })`. Source: LeCun, Cortes & Burges, yann.lecun.com/exdb/mnist
 */
export async function mnist(files: MnistFiles): Promise<ImageData> {
  const rules: Rules<MnistFiles> = {
    trainImages: anything,
    trainLabels: anything,
    testImages: anything,
    testLabels: anything,
  };
  const read = readOptions("mnist", files, rules);
  for (const name of Object.keys(rules) as (keyof MnistFiles)[])
    if (read[name] === undefined)
      throw new TypeError(`mnist: "${name}" is missing: it wants the four files ${Object.keys(rules).join(", ")}`);
  return readMnist(read, MNIST_NAMES);
}
