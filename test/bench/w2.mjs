// The task of W2: one fixed set of He weights and one fixed batch, written to a file that every peer reads,
// so that all compute the same loss at step 0.
import { readFileSync, writeFileSync } from "node:fs";

export const sizes = [784, ...Array(20).fill(50), 10];
export const maxBatch = 256;
export const learningRate = 0.01;
export const maxNorm = 10;
export const eta = 0.01;
export const gamma = 0.55;

/** Standard deviation of the noise at step t. */
export const noiseStd = (t) => Math.sqrt(eta / (1 + t) ** gamma);

/** Weights (layer by layer: [nIn, nOut], then the bias [nOut]), then 256 rows of 784 inputs, as float32. */
export async function writeTask(file) {
  const { nn, random } = await import("../../dist/index.js");
  const { layers } = nn.mlp(sizes).init(random.key(1));
  const arrays = layers.flatMap(({ weight, bias }) => [weight.data, bias.data]);
  arrays.push(random.uniform(random.key(2), [maxBatch, 784]).data);
  writeFileSync(file, Buffer.concat(arrays.map((a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength))));
}

/** The layers as `{ nIn, nOut, weight, bias }`, and x [batch, 784] and labels for a batch. */
export function readTask(file) {
  const bytes = readFileSync(file);
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  let at = 0;
  const take = (count) => {
    at += count;
    return values.slice(at - count, at);
  };
  const layers = sizes.slice(1).map((nOut, i) => {
    const nIn = sizes[i];
    return { nIn, nOut, weight: take(nIn * nOut), bias: take(nOut) };
  });
  const images = take(maxBatch * 784);
  return {
    layers,
    batch: (count) => ({
      x: images.slice(0, count * 784),
      labels: Int32Array.from({ length: count }, (_, i) => i % 10),
    }),
  };
}

/** Fixed inputs in [-1, 1) for the other workloads: k * 2654435761 mod 2^32, scaled. */
export const fixedValues = (count, scale = 1) =>
  Float32Array.from({ length: count }, (_, i) => (((i + 1) * 40503) % 65536) / 32768 - 1).map((v) => v * scale);
