// A dataset: equally many rows of named arrays, checked once, and its batches, a pure function of (seed, step).
import { checkInteger, checkNumber, DataError, isPlain, KIND, kindOf, printable, show } from "../base/errors.js";
import { flag, integer, readOptions } from "../base/options.js";
import { showShape, sizeOf } from "../base/shape.js";
import { key, STREAM, shuffled } from "../core/random.js";
import { byteTensor, hostTensor, isTensor, type Tensor } from "../core/tensor.js";
import { type ColumnLike, columnOf } from "./column.js";

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
  /** Whether a last batch of fewer examples is left out of each epoch; false by default: it is kept. */
  readonly dropLast?: boolean;
}

const batchRules = { seed: integer(), epochs: integer(), steps: integer(), from: integer(), dropLast: flag };

/** How `split` chooses. */
export interface SplitOptions {
  /** Seed of the choice; without it the first part is the beginning of the data. */
  readonly seed?: number;
}

/** The step of the stream of data that split draws at: no epoch comes to it. */
const SPLIT = 2 ** 31 - 1;

/** Columns with one row per example, and their batches; made by `dataset`. */
export class Dataset<C extends Columns = Columns> {
  /** @internal */
  get [KIND](): string {
    return "dataset";
  }

  /** Number of examples. */
  readonly size: number;

  private constructor(
    /** The whole arrays, by name. */
    readonly columns: C,
  ) {
    this.size = columns[Object.keys(columns)[0]].shape[0];
  }

  /** @internal Columns that `dataset(...)` has checked. */
  static of<C extends Columns>(columns: C): Dataset<C> {
    return new Dataset(columns);
  }

  /**
   * Batches that a seed once produced are produced again, on every machine; `{ from: step }` resumes. The last batch of an
   * epoch holds what is left, or is left out by `{ dropLast: true }`.
   */
  batches(size: number, options?: BatchOptions): Generator<C, void, undefined> {
    checkInteger("batches", "size", size, 1);
    const read = readOptions("batches", options, batchRules);
    if (read.dropLast && size > this.size)
      throw new RangeError(
        `batches: "size" expected at most the ${this.size} examples there are, got ${size}. Leave out dropLast for one short batch`,
      );
    return this.#generate(size, read);
  }

  *#generate(size: number, options: BatchOptions): Generator<C, void, undefined> {
    const { seed, epochs, steps, from = 0, dropLast = false } = options;
    const perEpoch = dropLast ? Math.floor(this.size / size) : Math.ceil(this.size / size);
    const end = Math.min(steps ?? Infinity, epochs === undefined ? Infinity : epochs * perEpoch);
    const seedKey = seed === undefined ? undefined : key(seed);
    let epoch = -1;
    let order: Int32Array | undefined;
    for (let step = from; step < end; step++) {
      const at = Math.floor(step / perEpoch);
      if (at !== epoch && seedKey) order = shuffled(seedKey, this.size, STREAM.data, at);
      epoch = at;
      const start = (step % perEpoch) * size;
      yield this.#gather(start, Math.min(size, this.size - start), order);
    }
  }

  /** The first `count` examples, or all where there are fewer. */
  take(count: number): Dataset<C> {
    checkInteger("take", "count", count, 1);
    return new Dataset(this.#gather(0, Math.min(count, this.size)));
  }

  /**
   * Two datasets: a share of the examples, and the rest, as for validation. Each keeps the order of the data; the first has
   * size * share of them, rounded to the nearest (a half up), but at least one, and so has the second.
   *
   * Throws RangeError unless 0 < share < 1, DataError where there are fewer than two examples.
   */
  split(share: number, options?: SplitOptions): [Dataset<C>, Dataset<C>] {
    const { seed } = readOptions("split", options, { seed: integer() });
    if (typeof share === "number" && share >= 1)
      throw new RangeError(
        `split: "share" expected a number in 0 < share < 1, got ${share}. For a number of examples write count / dataset.size`,
      );
    checkNumber("split", "share", share, "in 0 < share < 1", (v) => v > 0);
    const { size } = this;
    if (size < 2) throw new DataError("split: there is only one example, and each part needs one");
    const count = Math.min(Math.max(Math.floor(size * share + 0.5), 1), size - 1);
    if (seed === undefined)
      return [new Dataset(this.#gather(0, count)), new Dataset(this.#gather(count, size - count))];
    const order = shuffled(key(seed), size, STREAM.data, SPLIT);
    const part = (from: number, to: number): Dataset<C> =>
      new Dataset(this.#gather(0, to - from, order.slice(from, to).sort()));
    return [part(0, count), part(count, size)];
  }

  /**
   * Examples order[start .. start + count), or those rows themselves without an order.
   * Throws RangeError for rows that there are not.
   */
  rows(start: number, count: number, order?: ArrayLike<number>): C {
    checkInteger("rows", "start", start);
    checkInteger("rows", "count", count, 1);
    if (order !== undefined && (typeof order !== "object" || order === null || typeof order.length !== "number"))
      throw new TypeError(`rows: "order" expected an array of row numbers, got ${show(order)}`);
    const length = order === undefined ? this.size : order.length;
    if (start + count > length)
      throw new RangeError(
        `rows: ${start} to ${start + count - 1} are asked for, there ${length === 1 ? "is 1" : `are ${length}`}`,
      );
    if (order === undefined) return this.#gather(start, count);
    for (let i = start; i < start + count; i++)
      if (!Number.isInteger(order[i]) || order[i] < 0 || order[i] >= this.size)
        throw new RangeError(`rows: "order" holds ${show(order[i])} at position ${i}, outside 0..${this.size - 1}`);
    return this.#gather(start, count, order);
  }

  #gather(start: number, count: number, order?: ArrayLike<number>): C {
    const out = Object.entries(this.columns).map(([name, t]) => [name, gather(t, start, count, order)] as const);
    return Object.fromEntries(out) as C;
  }
}

function gather(t: Tensor, start: number, count: number, order: ArrayLike<number> | undefined): Tensor {
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

/**
 * A dataset of named columns with one row per example: tensors, nested arrays, typed arrays (those of whole numbers become
 * int32, as labels are, doubles float32), or `{ bytes, shape, divisor }`. Float32Array, Int32Array and bytes are not copied.
 *
 * Shapes: every column [examples, ..].
 * Throws DataError when columns differ in length, a value is NaN or infinite or beyond its dtype, an int32 value is outside
 * of `classes`, or a byte column's size does not fit its shape; TypeError for what is no column, ShapeError for a ragged one.
 * Example: `dataset({ x: [[1, 2], [3, 4]], y: new Uint8Array([0, 9]) }, { classes: 10 })`
 */
export function dataset<T extends { readonly [name: string]: ColumnLike }>(
  columns: T,
  options?: { readonly classes?: number },
): Dataset<{ [K in keyof T]: Tensor }> {
  if (!isPlain(columns)) {
    const got =
      kindOf(columns) === "dataset"
        ? "a dataset, which can be used as it is"
        : isTensor(columns)
          ? "a tensor"
          : show(columns);
    const hint = isTensor(columns) || Array.isArray(columns) || ArrayBuffer.isView(columns);
    throw new TypeError(
      `dataset: expected columns by name, got ${got}${hint ? `. Write dataset({ x${options === undefined ? "" : ", y"} })` : ""}`,
    );
  }
  if (isPlain(options) && Object.values(options).some((value) => isTensor(value) || Array.isArray(value)))
    throw new TypeError("dataset: the columns go into one object: dataset({ x, y })");
  const { classes } = readOptions("dataset", options, { classes: integer(1) });
  const out: [string, Tensor][] = [];
  for (const [name, column] of Object.entries(columns)) {
    const t = columnOf(`dataset: column ${show(name)}`, column);
    if (t.rank < 1 || t.shape[0] === 0)
      throw new DataError(`dataset: column ${show(name)} of shape ${showShape(t.shape)} holds no examples`);
    const [first, other] = out[0] ?? [name, t];
    if (t.shape[0] !== other.shape[0])
      throw new DataError(
        `dataset: column ${show(name)} has ${t.shape[0]} examples, ${show(first)} has ${other.shape[0]}; every column needs one row per example${flatHint(columns, name, first)}`,
      );
    if (!t.source) checkValues(printable(name), t, classes);
    out.push([name, t]);
  }
  if (out.length === 0) throw new DataError("dataset: there is no column");
  if (classes !== undefined && !out.some(([, t]) => t.dtype === "int32"))
    throw new TypeError(
      `dataset: "classes" is ${classes}, but no column holds whole numbers for labels. Write y: new Int32Array([...])`,
    );
  return Dataset.of(Object.fromEntries(out) as { [K in keyof T]: Tensor });
}

/** A flat array of what are rows for its owner. */
function flatHint(columns: { readonly [name: string]: unknown }, ...names: string[]): string {
  const flat = names.find((name) => ArrayBuffer.isView(columns[name]));
  return flat === undefined ? "" : `. Give a flat array its shape: ${printable(flat)}: tensor(values, [examples, ...])`;
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
