// Data: datasets and their batches, drawn digits, MNIST from its files.
export { type BatchOptions, type ByteColumn, type Columns, Dataset, dataset } from "./dataset.js";
export { digits, type ImageData, type ImageDataset, MNIST_NAMES, type MnistFiles, mnist } from "./digits.js";
export { type IdxArray, type IdxImages, parseIdx, readIdxImages, readIdxLabels, readIdxPair } from "./idx.js";
export type { ByteSource } from "./source.js";
