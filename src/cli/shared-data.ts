// The data of all runs, loaded once and put into memory that the worker threads share: one copy, however many runs.
import { tensor } from "../core/tensor.js";
import { dataset, digits, type ImageData, type ImageDataset } from "../data/index.js";
import { mnistFromFolder } from "../node/index.js";

interface SharedPart {
  readonly pixels: Uint8Array;
  readonly shape: readonly number[];
  readonly divisor: number;
  readonly labels: Int32Array;
}

export interface SharedData {
  readonly train: SharedPart;
  readonly test: SharedPart;
}

function share({ columns: { x, y } }: ImageDataset): SharedPart {
  if (!x.source) throw new TypeError("shared data: images expected as bytes");
  const { bytes, divisor } = x.source;
  const pixels = new Uint8Array(new SharedArrayBuffer(bytes.length));
  pixels.set(bytes);
  const labels = new Int32Array(new SharedArrayBuffer(4 * y.size));
  labels.set(y.data);
  return { pixels, shape: [...x.shape], divisor, labels };
}

/** "digits", or the four files of a folder. Throws DataError naming the path of what is missing or wrong. */
export async function loadShared(name: string): Promise<SharedData> {
  const { train, test } = name === "digits" ? digits() : await mnistFromFolder(name);
  return { train: share(train), test: share(test) };
}

/** The datasets over that memory, in this thread. */
export function imagesOf(data: SharedData): ImageData {
  const part = ({ pixels, shape, divisor, labels }: SharedPart): ImageDataset =>
    dataset({ x: { bytes: pixels, shape, divisor }, y: tensor(Int32Array.from(labels)) }, { classes: 10 });
  return { train: part(data.train), test: part(data.test) };
}
