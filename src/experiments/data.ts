// What an experiment is trained on: data of the library's own by name, or read from the files of a folder, wherever that
// is (a disk, files dropped on a page); and a digest of every byte that training and evaluation read.
import { DataError, show } from "../base/errors.js";
import { showShape } from "../base/shape.js";
import type { Tensor } from "../core/tensor.js";
import type { Folder } from "../data/folder.js";
import { type Dataset, digits, type ImageData } from "../data/index.js";
import { MNIST_NEEDS, mnistOf } from "../data/mnist-folder.js";
import { digestBytes } from "../files/digest.js";

/** Where an experiment gets its data from. */
export interface DataSource<D> {
  /** Data that need no file, by name; the first is the default. */
  readonly embedded: { readonly [name: string]: () => D };
  /** What can be given, as help says it. */
  readonly help: string;
  /** How the files of a folder are read, where they can be, and which ones there must be. */
  readonly folder?: { readonly needs: string; read(folder: Folder): Promise<D> };
  /** Throws TypeError or DataError for data of another form. */
  check(owner: string, data: D): void;
  /** A digest of every byte that training and evaluation read. */
  digest(data: D): string;
}

/** Examples to learn from and to be tested on: x [examples, features], y the labels [examples]. */
export interface LabelledData {
  readonly train: Dataset<{ x: Tensor; y: Tensor }>;
  readonly test: Dataset<{ x: Tensor; y: Tensor }>;
}

/**
 * Checks that data are labelled: two datasets with columns x and y of one size.
 *
 * Throws TypeError for what is no labelled data, saying `wayOut`, DataError where train and test differ in their features.
 * Example: `checkLabelled("mine", data.digits({ train: 10, test: 10 }), "Give data.digits()")`
 */
export function checkLabelled(owner: string, data: LabelledData, wayOut: string, features = "features"): void {
  for (const part of ["train", "test"] as const) {
    const { x, y } = data?.[part]?.columns ?? {};
    if (!x || !y)
      throw new TypeError(`${owner}: expected data { train, test } with columns x and y, got ${show(data)}. ${wayOut}`);
    if (x.rank !== 2 || y.rank !== 1 || y.dtype !== "int32")
      throw new DataError(
        `${owner}: ${part} has x ${showShape(x.shape)} and y ${showShape(y.shape)} of ${y.dtype}; give x [examples, ${features}] and int32 labels y [examples]`,
      );
  }
  const [own, other] = [data.train.columns.x.shape[1], data.test.columns.x.shape[1]];
  if (own !== other)
    throw new DataError(
      `${owner}: train examples have ${own} ${features}, test examples ${other}; give examples of one size`,
    );
}

function* bytesOf(name: string, t: Tensor): Generator<Uint8Array> {
  const { source } = t;
  yield new TextEncoder().encode(`${name} ${t.dtype} ${t.shape.join("x")} ${source?.divisor ?? ""}\n`);
  const { buffer, byteOffset, byteLength } = source ? source.bytes : t.data;
  yield new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * A digest of every byte of x and y of both parts; 70 ms for MNIST. Throws nothing of its own.
 * Example: `labelledDigest(data.digits({ train: 10, test: 10 }))`
 */
export function labelledDigest({ train, test }: LabelledData): string {
  return digestBytes(
    (function* () {
      for (const [part, { columns }] of Object.entries({ train, test }))
        for (const column of ["x", "y"] as const) yield* bytesOf(`${part}.${column}`, columns[column]);
    })(),
  );
}

/** The drawn digits, or MNIST from a folder. */
export const images: DataSource<ImageData> = {
  embedded: { digits: () => digits() },
  help: "digits, drawn by the library, or a folder with MNIST",
  folder: { needs: MNIST_NEEDS, read: mnistOf },
  check: (owner, data) => checkLabelled(owner, data, "Give data.digits(), or what data.mnist returned", "pixels"),
  digest: (data) => labelledDigest(data),
};
