// Data: datasets and their batches, drawn digits, MNIST from its files.
export type { ByteColumn, ColumnLike, NumberArray } from "./column.js";
export { type BatchOptions, type Columns, Dataset, dataset, type SplitOptions } from "./dataset.js";
export {
  type DigitsOptions,
  digits,
  digitsAsync,
  type ImageData,
  type ImageDataset,
  MNIST_NAMES,
  type MnistFiles,
  mnist,
} from "./digits.js";
export { type IdxArray, type IdxImages, parseIdx, readIdxImages, readIdxLabels, readIdxPair } from "./idx.js";
export type { ByteSource } from "./source.js";
