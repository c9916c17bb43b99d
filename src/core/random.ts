// Random keys and draws. A key is immutable and never advances: the same key gives the same numbers, split it for more.
// Every stream has a fixed id, so that one seed may serve initial values, data, dropout and noise at once.
import { checkInteger, checkNumber, show } from "../base/errors.js";
import { checkShape, type Shape, sizeOf } from "../base/shape.js";
import { sharedRuntime } from "../wasm/runtime.js";
import { hostTensor, type Tensor } from "./tensor.js";

/** Ids of the streams; part of the generator's pinned layout. */
export const STREAM = { init: 1, data: 2, dropout: 3, noise: 4, split: 5, anticorrelated: 6, langevin: 7 } as const;

/** An immutable 64-bit key. */
export interface Key {
  readonly low: number;
  readonly high: number;
}

/** The two 32-bit halves of a seed, an integer 0..2^53-1. Throws RangeError for any other value. */
export function seedWords(owner: string, seed: unknown): Key {
  checkInteger(owner, "seed", seed);
  return { low: seed | 0, high: Math.floor(seed / 2 ** 32) | 0 };
}

/**
 * A key from an integer seed.
 * Throws RangeError unless the seed is an integer 0..2^53-1. Example: `random.key(1)`
 */
export function key(seed: number): Key {
  return seedWords("random.key", seed);
}

function checkKey(owner: string, value: unknown): asserts value is Key {
  if (typeof value !== "object" || value === null || !("low" in value) || !("high" in value))
    throw new TypeError(`${owner}: expected a key, got ${show(value)}. Make one with random.key(seed)`);
}

/**
 * The key derived from `parent` and an integer; different integers give unrelated keys.
 * Throws TypeError for what is no key, RangeError for an index that is no integer >= 0.
 * Example: `random.foldIn(random.key(1), 7)`
 */
export function foldIn(parent: Key, index: number): Key {
  checkKey("random.foldIn", parent);
  checkInteger("random.foldIn", "index", index);
  const { kernels, memory } = sharedRuntime();
  const out = memory.temporary(16);
  kernels.philox(index | 0, Math.floor(index / 2 ** 32) | 0, 0, STREAM.split, parent.low, parent.high, out);
  return { low: memory.i32[out >>> 2], high: memory.i32[(out >>> 2) + 1] };
}

/**
 * `count` unrelated keys.
 * Throws TypeError for what is no key, RangeError for a count that is no integer >= 1.
 * Example: `const [a, b] = random.split(random.key(1))`
 */
export function split(parent: Key, count = 2): Key[] {
  checkInteger("random.split", "count", count, 1);
  return Array.from({ length: count }, (_, i) => foldIn(parent, i));
}

type Fill = "fillNormal" | "fillUniform" | "fillWords";

function draw(fill: Fill, from: Key, count: number, stream: number, step: number): Float32Array {
  const { kernels, memory } = sharedRuntime();
  const out = memory.temporary(count * 4);
  kernels[fill](count, from.low, from.high, step, stream, 0, out);
  return memory.f32.slice(out >>> 2, (out >>> 2) + count);
}

/**
 * A host tensor of independent N(mean, std^2).
 *
 * Shapes: the shape asked for. Throws TypeError for what is no key, RangeError for a std < 0 or what is not finite,
 * ShapeError for a shape that is none.
 * Example: `random.normal(random.key(1), [2, 3], { std: 0.1 })`. Source: Box & Muller 1958 on the pinned generator.
 */
export function normal(from: Key, shape: Shape, options: { mean?: number; std?: number } = {}): Tensor {
  const { mean = 0, std = 1 } = options;
  checkKey("random.normal", from);
  checkNumber("random.normal", "mean", mean, "that is finite", () => true);
  checkNumber("random.normal", "std", std, ">= 0", (v) => v >= 0);
  const checked = checkShape("random.normal", shape);
  const data = draw("fillNormal", from, sizeOf(checked), STREAM.init, 0);
  if (std !== 1 || mean !== 0)
    for (let i = 0; i < data.length; i++) data[i] = Math.fround(data[i] * Math.fround(std)) + mean;
  return hostTensor(data, checked);
}

/**
 * A host tensor of independent uniform numbers in [low, high).
 *
 * Shapes: the shape asked for. Throws TypeError for what is no key, RangeError for a high below low or what is not finite,
 * ShapeError for a shape that is none.
 * Example: `random.uniform(random.key(1), [4], { low: -1, high: 1 })`
 */
export function uniform(from: Key, shape: Shape, options: { low?: number; high?: number } = {}): Tensor {
  const { low = 0, high = 1 } = options;
  checkKey("random.uniform", from);
  checkNumber("random.uniform", "low", low, "that is finite", () => true);
  checkNumber("random.uniform", "high", high, `>= low, which is ${low}`, (v) => v >= low);
  const checked = checkShape("random.uniform", shape);
  const data = draw("fillUniform", from, sizeOf(checked), STREAM.init, 0);
  if (low !== 0 || high !== 1) {
    for (let i = 0; i < data.length; i++) {
      data[i] = low + data[i] * (high - low);
      if (data[i] >= high) data[i] = low; // rounded up to float32: high itself is left out
    }
  }
  return hostTensor(data, checked);
}

/** `count` words of 32 random bits of (key, step, stream), for shuffles and generated data. @internal */
export function words(from: Key, count: number, stream: number, step = 0): Uint32Array {
  return new Uint32Array(draw("fillWords", from, count, stream, step).buffer);
}

/**
 * A permutation of 0..count-1, each as likely as any other.
 * Throws TypeError for what is no key, RangeError for a count that is no integer >= 0.
 * Example: `random.permutation(random.key(1), 5)`. Source: Fisher & Yates, in the form of Durstenfeld 1964.
 */
export function permutation(from: Key, count: number): Int32Array {
  checkKey("random.permutation", from);
  checkInteger("random.permutation", "count", count);
  return shuffled(from, count, STREAM.init, 0);
}

/** Fisher-Yates over the words of (key, step, stream): word / 2^32 * (i + 1) is the same double everywhere. @internal */
export function shuffled(from: Key, count: number, stream: number, step: number): Int32Array {
  const order = new Int32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  const draws = words(from, count, stream, step);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor((draws[i] / 4294967296) * (i + 1));
    const held = order[i];
    order[i] = order[j];
    order[j] = held;
  }
  return order;
}

/** An endless row of uniform doubles k / 2^32 of (key, stream), drawn a chunk at a time. @internal */
export function uniforms(from: Key, stream: number): () => number {
  let chunk = new Uint32Array(0);
  let step = 0;
  let at = 0;
  return () => {
    if (at === chunk.length) {
      chunk = words(from, 16384, stream, step++) as Uint32Array<ArrayBuffer>;
      at = 0;
    }
    return chunk[at++] / 4294967296;
  };
}

// Deterministic doubles: the same bits on every engine, unlike Math.exp and its kin.

/** e^x of a double, the same bits everywhere. Throws nothing: NaN gives NaN. Example: `scalar.exp(1)` */
export const exp = (x: number): number => sharedRuntime().kernels.exp(x);
/** Natural logarithm of a double, the same bits everywhere. Throws nothing: NaN below 0. Example: `scalar.log(10)` */
export const log = (x: number): number => sharedRuntime().kernels.log(x);
/** x^y of doubles, the same bits everywhere. Throws nothing: NaN as Math.pow. Example: `scalar.pow(2, 0.5)` */
export const pow = (x: number, y: number): number => sharedRuntime().kernels.pow(x, y);
/** Sine of radians, a double, the same bits everywhere. Throws nothing: NaN of Infinity. Example: `scalar.sin(1)` */
export const sin = (x: number): number => sharedRuntime().kernels.sin(x);
/** Cosine of radians, a double, the same bits everywhere. Throws nothing: NaN of Infinity. Example: `scalar.cos(1)` */
export const cos = (x: number): number => sharedRuntime().kernels.cos(x);
