// What the experiments ask of their data: images and labels in the form of `data.digits()`, and a digest of all of them.
import { DataError, show } from "../base/errors.js";
import { showShape } from "../base/shape.js";
import type { Tensor } from "../core/tensor.js";
import type { ImageData } from "../data/index.js";
import { digestBytes } from "../files/digest.js";

/** Throws TypeError for what is no image data, DataError where train and test images differ in size. */
export function checkImageData(owner: string, data: ImageData): void {
  for (const part of ["train", "test"] as const) {
    const { x, y } = data?.[part]?.columns ?? {};
    if (!x || !y)
      throw new TypeError(
        `${owner}: expected data { train, test } with columns x and y, got ${show(data)}. Give data.digits(), or what data.mnist returned`,
      );
    if (x.rank !== 2 || y.rank !== 1 || y.dtype !== "int32")
      throw new DataError(
        `${owner}: ${part} has x ${showShape(x.shape)} and y ${showShape(y.shape)} of ${y.dtype}; give x [examples, pixels] and int32 labels y [examples]`,
      );
  }
  const [pixels, testPixels] = [data.train.columns.x.shape[1], data.test.columns.x.shape[1]];
  if (pixels !== testPixels)
    throw new DataError(
      `${owner}: train images have ${pixels} pixels, test images ${testPixels}; give images of one size`,
    );
}

function* bytesOf(name: string, t: Tensor): Generator<Uint8Array> {
  const { source } = t;
  yield new TextEncoder().encode(`${name} ${t.dtype} ${t.shape.join("x")} ${source?.divisor ?? ""}\n`);
  const { buffer, byteOffset, byteLength } = source ? source.bytes : t.data;
  yield new Uint8Array(buffer, byteOffset, byteLength);
}

/** A digest of every byte that training and evaluation read: images and labels, of both parts. 70 ms for MNIST. */
export function imageDataDigest({ train, test }: ImageData): string {
  return digestBytes(
    (function* () {
      for (const [part, { columns }] of Object.entries({ train, test }))
        for (const column of ["x", "y"] as const) yield* bytesOf(`${part}.${column}`, columns[column]);
    })(),
  );
}
