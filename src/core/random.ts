// Random keys and draws. A key is immutable and never advances: the same key gives the same numbers, split it for more.
// Every stream has a fixed id, so that one seed may serve initial values, data, dropout and noise at once.
import { checkInteger, show } from "../base/errors.js";
import { number, readOptions } from "../base/options.js";
import { checkShape, type Shape, sizeOf } from "../base/shape.js";
import { sharedRuntime } from "../wasm/runtime.js";
import { hostTensor, type Tensor } from "./tensor.js";

/** Ids of the streams; part of the generator's pinned layout. */
export const STREAM = { init: 1, data: 2, dropout: 3, noise: 4, split: 5, anticorrelated: 6, langevin: 7 } as const;

/**
 * What a key is derived for: keys of one parent meet only where index and domain agree. The domain `fold` is what users
 * and initial weights have; part of the generator's pinned layout.
 */
export const DOMAIN = { fold: 0, split: 1, step: 2, draw: 3, layer: 4 } as const;

// A permutation shuffles by words that no normal or uniform numbers of its key are made of.
const PERMUTATION = 1;

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

/** Throws TypeError unless `value` is a key; for a number it says how to make one. @internal */
export function checkKey(owner: string, value: unknown): asserts value is Key {
  const { low, high } = (typeof value === "object" && value !== null ? value : {}) as Partial<Key>;
  if (Number.isInteger(low) && Number.isInteger(high)) return;
  const seed = typeof value === "number" ? show(value) : "seed";
  throw new TypeError(`${owner}: expected a key, got ${show(value)}. Make one with random.key(${seed})`);
}

/** The key of `parent` for (index, domain): the first two words of one Philox block. @internal */
export function derive(parent: Key, index: number, domain: number): Key {
  const { kernels, memory } = sharedRuntime();
  const out = memory.temporary(16);
  kernels.philox(index | 0, Math.floor(index / 2 ** 32) | 0, domain, STREAM.split, parent.low, parent.high, out);
  return { low: memory.i32[out >>> 2], high: memory.i32[(out >>> 2) + 1] };
}

/** The key that a trainer's loss is given at a step. @internal */
export const stepKey = (root: Key, step: number): Key => derive(root, step, DOMAIN.step);

/**
 * The key derived from `parent` and an integer; different integers give unrelated keys.
 * Throws TypeError for what is no key, RangeError for an index that is no integer >= 0.
 * Example: `random.foldIn(random.key(1), 7)`
 */
export function foldIn(parent: Key, index: number): Key {
  checkKey("random.foldIn", parent);
  checkInteger("random.foldIn", "index", index);
  return derive(parent, index, DOMAIN.fold);
}

/**
 * `count` keys, unrelated to each other and to those of `foldIn`.
 * Throws TypeError for what is no key, RangeError for a count that is no integer >= 1.
 * Example: `const [a, b] = random.split(random.key(1))`
 */
export function split(parent: Key, count = 2): Key[] {
  checkKey("random.split", parent);
  checkInteger("random.split", "count", count, 1);
  return Array.from({ length: count }, (_, i) => derive(parent, i, DOMAIN.split));
}

type Fill = "fillNormal" | "fillUniform" | "fillWords";

function draw(fill: Fill, from: Key, count: number, stream: number, step: number): Float32Array {
  const { kernels, memory } = sharedRuntime();
  const out = memory.temporary(count * 4);
  kernels[fill](count, from.low, from.high, step, stream, 0, out);
  return memory.f32.slice(out >>> 2, (out >>> 2) + count);
}

/** The key and the shape of a draw, checked; sizes one after another are shown as the shape they stand for. */
function checkDraw(owner: string, from: unknown, shape: unknown, options: unknown): Shape {
  checkKey(owner, from);
  if (typeof shape !== "number") return checkShape(owner, shape);
  const sizes = typeof options === "number" ? [shape, options] : [shape];
  throw new TypeError(`${owner}: a shape is an array of sizes, got ${show(shape)}. Write [${sizes.join(", ")}]`);
}

/** A float32 tensor holds it. */
const finite = number("that is finite in float32", (v) => Number.isFinite(Math.fround(v)));

/** Of `random.normal`. */
export interface NormalOptions {
  /** Standard deviation, 1 by default. */
  readonly std?: number;
  /** 0 by default. */
  readonly mean?: number;
}

/**
 * A host tensor of independent N(mean, std^2).
 *
 * Shapes: the shape asked for. Throws TypeError for what is no key and for unknown options, RangeError for a std < 0 or
 * what is not finite in float32, ShapeError for a shape that is none.
 * Example: `random.normal(random.key(1), [2, 3], { std: 0.1 })`. Source: Box & Muller 1958 on the pinned generator.
 */
export function normal(from: Key, shape: Shape, options?: NormalOptions): Tensor {
  const checked = checkDraw("random.normal", from, shape, options);
  const { std = 1, mean = 0 } = readOptions("random.normal", options, {
    std: number(">= 0", (v) => v >= 0),
    mean: finite,
  });
  if (!Number.isFinite(Math.fround(Math.abs(mean) + 8 * std)))
    // the generator's numbers lie within 8
    throw new RangeError(`random.normal: a mean of ${mean} and a std of ${std} leave the range of float32`);
  const data = draw("fillNormal", from, sizeOf(checked), STREAM.init, 0);
  if (std !== 1 || mean !== 0)
    for (let i = 0; i < data.length; i++) data[i] = Math.fround(data[i] * Math.fround(std)) + mean;
  return hostTensor(data, checked);
}

/** Of `random.uniform`. */
export interface UniformOptions {
  /** The least number, 0 by default. */
  readonly low?: number;
  /** Lies above all numbers, 1 by default. */
  readonly high?: number;
}

/**
 * A host tensor of independent uniform numbers in [low, high).
 *
 * Shapes: the shape asked for. Throws TypeError for what is no key and for unknown options, RangeError for a high below
 * low or what is not finite in float32, ShapeError for a shape that is none.
 * Example: `random.uniform(random.key(1), [4], { low: -1, high: 1 })`
 */
export function uniform(from: Key, shape: Shape, options?: UniformOptions): Tensor {
  const checked = checkDraw("random.uniform", from, shape, options);
  const { low = 0, high = 1 } = readOptions("random.uniform", options, { low: finite, high: finite });
  if (high < low) throw new RangeError(`random.uniform: "high" expected a number >= low, which is ${low}, got ${high}`);
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
  return shuffled(from, count, STREAM.init, PERMUTATION);
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
