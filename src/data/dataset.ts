// A dataset: equally many rows of named arrays, checked once, and its batches, a pure function of (seed, step).
import { checkInteger, checkNumber, DataError, show } from "../base/errors.js";
import { showShape, sizeOf } from "../base/shape.js";
import { key, STREAM, shuffled } from "../core/random.js";
import { byteTensor, hostTensor, isTensor, type Tensor } from "../core/tensor.js";

/** One named array of a dataset; the first axis counts examples. */
export type Columns = { readonly [name: string]: Tensor };

/** Which batches there are, and in which order. */
export interface BatchOptions {
  /** Seed of the shuffle; without it the order is that of the data. */
  readonly seed?: number;
  /** How often to go through the data; endless without `epochs` and `steps`. */
  readonly epochs?: number;
  /** How many batches in all, counted from step 0. */
  readonly steps?: number;
  /** The step to start from: the batches from there on are the very same. */
  readonly from?: number;
  /** Whether a last batch of fewer examples is left out of each epoch; true by default. */
  readonly dropLast?: boolean;
}

/** Rows of bytes divided by one number, kept as bytes: images as their files hold them. */
export interface ByteColumn {
  readonly bytes: Uint8Array;
  readonly shape: readonly number[];
  readonly divisor: number;
}

/** Columns with one row per example, and their batches; made by `dataset`. */
export class Dataset<C extends Columns = Columns> {
  /** Number of examples. */
  readonly size: number;

  /** @internal Use `dataset(...)`. */
  constructor(readonly columns: C) {
    const names = Object.keys(columns);
    this.size = columns[names[0]].shape[0];
  }

  /** Batches that a seed once produced are produced again, on every machine; `{ from: step }` resumes. */
  *batches(size: number, options: BatchOptions = {}): Generator<C, void, undefined> {
    checkInteger("batches", "size", size, 1);
    const { seed, epochs, from = 0, dropLast = true } = options;
    checkInteger("batches", "from", from);
    if (dropLast && size > this.size)
      throw new RangeError(`batches: "size" expected at most the ${this.size} examples there are, got ${size}`);
    const perEpoch = dropLast ? Math.floor(this.size / size) : Math.ceil(this.size / size);
    if (epochs !== undefined) checkInteger("batches", "epochs", epochs);
    if (options.steps !== undefined) checkInteger("batches", "steps", options.steps);
    const end = Math.min(options.steps ?? Infinity, epochs === undefined ? Infinity : epochs * perEpoch);
    const seedKey = seed === undefined ? undefined : key(seed);
    let epoch = -1;
    let order: Int32Array | undefined;
    for (let step = from; step < end; step++) {
      const at = Math.floor(step / perEpoch);
      if (at !== epoch && seedKey) order = shuffled(seedKey, this.size, STREAM.data, at);
      epoch = at;
      const start = (step % perEpoch) * size;
      yield this.rows(start, Math.min(size, this.size - start), order);
    }
  }

  /** The first `count` examples. */
  take(count: number): Dataset<C> {
    checkInteger("take", "count", count, 1);
    return new Dataset(this.rows(0, Math.min(count, this.size)));
  }

  /** Examples order[start .. start + count), or those rows themselves without an order. */
  rows(start: number, count: number, order?: Int32Array): C {
    const out: { [name: string]: Tensor } = {};
    for (const name of Object.keys(this.columns)) out[name] = gather(this.columns[name], start, count, order);
    return out as C;
  }
}

function gather(t: Tensor, start: number, count: number, order: Int32Array | undefined): Tensor {
  const width = sizeOf(t.shape.slice(1));
  const shape = [count, ...t.shape.slice(1)];
  const pick = <A extends Uint8Array | Float32Array | Int32Array>(from: A): A => {
    if (!order) return from.subarray(start * width, (start + count) * width) as A;
    const to = new (from.constructor as new (n: number) => A)(count * width);
    if (width === 1) for (let i = 0; i < count; i++) to[i] = from[order[start + i]];
    else
      for (let i = 0; i < count; i++)
        to.set(from.subarray(order[start + i] * width, (order[start + i] + 1) * width), i * width);
    return to;
  };
  if (t.source) return byteTensor(pick(t.source.bytes), shape, t.source.divisor);
  return hostTensor(pick(t.data), shape);
}

type Column = Tensor | ByteColumn;

/**
 * A dataset of named columns with one row per example.
 *
 * Shapes: every column [examples, ..].
 * Throws DataError when columns differ in length, a value is NaN or infinite, or a byte column's size does not fit its shape.
 * Example: `dataset({ x: zeros([100, 784]), y: tensor(new Int32Array(100)) }, { classes: 10 })`
 */
export function dataset<T extends { readonly [name: string]: Column }>(
  columns: T,
  options: { classes?: number } = {},
): Dataset<{ [K in keyof T]: Tensor }> {
  const out: { [name: string]: Tensor } = {};
  let count: number | undefined;
  let first = "";
  for (const [name, column] of Object.entries(columns)) {
    const t = isTensor(column) ? column : bytesToTensor(name, column);
    if (t.rank < 1 || t.shape[0] === 0)
      throw new DataError(`dataset: column ${show(name)} of shape ${showShape(t.shape)} holds no examples`);
    count ??= t.shape[0];
    first ||= name;
    if (t.shape[0] !== count)
      throw new DataError(
        `dataset: column ${show(name)} has ${t.shape[0]} examples, ${show(first)} has ${count}; every column needs one row per example`,
      );
    if (!t.source) checkValues(name, t, options.classes);
    out[name] = t;
  }
  if (count === undefined) throw new DataError("dataset: there is no column");
  return new Dataset(out) as Dataset<{ [K in keyof T]: Tensor }>;
}

function bytesToTensor(name: string, column: ByteColumn): Tensor {
  const expected = sizeOf(column.shape);
  if (column.bytes.length !== expected)
    throw new DataError(
      `dataset: column ${show(name)} of shape ${showShape(column.shape)} needs ${expected} bytes, got ${column.bytes.length}`,
    );
  checkNumber(`dataset: column ${show(name)}`, "divisor", column.divisor, "> 0", (v) => v > 0);
  return byteTensor(column.bytes, Object.freeze([...column.shape]), column.divisor);
}

function checkValues(name: string, t: Tensor, classes: number | undefined): void {
  const { data } = t;
  if (t.dtype === "int32") {
    if (classes === undefined) return;
    for (let i = 0; i < data.length; i++)
      if (data[i] < 0 || data[i] >= classes)
        throw new DataError(`dataset: ${name} holds the label ${data[i]} at position ${i}, outside 0..${classes - 1}`);
    return;
  }
  const width = sizeOf(t.shape.slice(1));
  for (let i = 0; i < data.length; i++)
    if (!Number.isFinite(data[i]))
      throw new DataError(
        `dataset: ${name} holds ${data[i]} in example ${Math.floor(i / width)} at position ${i % width}; replace or leave out such examples`,
      );
}
