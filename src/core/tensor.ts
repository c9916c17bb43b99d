// A tensor: either host data (shape, dtype, typed array), which may be kept and passed anywhere,
// or a value of an open scope, which is an address in a runtime's arena and ends with the scope.
import { DataError, ShapeError, StaleTensorError, show } from "../base/errors.js";
import { checkShape, type Shape, showShape, sizeOf } from "../base/shape.js";
import { printTensor } from "./print.js";
import type { Scope } from "./scope.js";

/** What a tensor's elements are: numbers to compute with, or indices and labels. */
export type DataType = "float32" | "int32";
export type HostArray = Float32Array | Int32Array;
export type NestedNumbers = number | readonly NestedNumbers[];

/** Rows of bytes that become floats only inside the runtime: images as files hold them. */
export interface ByteSource {
  readonly bytes: Uint8Array;
  readonly divisor: number;
}

// A page's console previews the first fields: shape and dtype (of the constructor), then a host tensor's values.
/**
 * An array of numbers with a shape. One made by `tensor`, `zeros` and the like, or returned by a trainer, is host data and
 * may be kept; one made inside a loss ends with the step, and touching it later throws StaleTensorError.
 */
export class Tensor {
  /** @internal */
  host: HostArray | undefined = undefined;
  /** @internal */
  source: ByteSource | undefined = undefined;
  /** Address in the runtime's memory; 0 for a host tensor. */
  pointer = 0;
  /** The scope that made it; undefined for a host tensor. */
  scope: Scope | undefined = undefined;
  /** Which opening of that scope last computed it. */
  run = 0;
  /** What that opening is called in messages. */
  step = 0;
  /** The op that made it, for messages. */
  origin = "tensor";
  needsGradient = false;
  /** Lives in a runtime's parameter block: valid in every scope of that runtime. */
  persistent = false;
  /** Where backward puts this tensor's gradient; 0 while it has none. */
  gradient = 0;
  /** The copy of a host tensor in the scope `mirrorScope`, made in its run `mirrorRun`. */
  mirror: Tensor | undefined = undefined;
  mirrorRun = -1;
  readonly size: number;

  /** @internal Use `tensor(...)`. */
  constructor(
    readonly shape: Shape,
    readonly dtype: DataType,
  ) {
    this.size = sizeOf(shape);
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Whether it may be kept after the scope, and passed to other scopes and threads. */
  get isHost(): boolean {
    return this.scope === undefined && !this.persistent;
  }

  /**
   * The values, row by row: a host tensor's own array, or a copy of a scope's.
   * Throws StaleTensorError when the scope has ended.
   */
  get data(): HostArray {
    if (this.host) return this.host;
    if (this.source) {
      const { bytes, divisor } = this.source;
      const out = new Float32Array(bytes.length);
      for (let i = 0; i < out.length; i++) out[i] = bytes[i] / divisor;
      this.host = out;
      return out;
    }
    this.checkAlive("data");
    const { memory } = this.scope!.runtime;
    const at = this.pointer >>> 2;
    return this.dtype === "float32" ? memory.f32.slice(at, at + this.size) : memory.i32.slice(at, at + this.size);
  }

  private get isStale(): boolean {
    const { scope } = this;
    return scope !== undefined && (!scope.open || (!this.persistent && this.run !== scope.run));
  }

  /** Throws StaleTensorError unless the tensor's scope is open and has computed it. */
  checkAlive(user: string): void {
    if (this.isStale)
      throw new StaleTensorError(
        `${user}: the result of ${this.origin} ${showShape(this.shape)} belongs to ${this.scope!.describe(this.persistent ? undefined : this.step)}, which has ended. Read it with .data or .item() before the scope ends, or return it`,
      );
  }

  /** The one value of a tensor of one element. Throws ShapeError for any other size. */
  item(): number {
    if (this.size !== 1) throw new ShapeError(`item: expected one element, got shape ${showShape(this.shape)}`);
    if (this.host === undefined && this.source === undefined) {
      this.checkAlive("item");
      const { memory } = this.scope!.runtime;
      return this.dtype === "float32" ? memory.f32[this.pointer >>> 2] : memory.i32[this.pointer >>> 2];
    }
    return this.data[0];
  }

  /** The values as nested arrays; a number for a scalar. */
  toArray(): NestedNumbers {
    const data = this.data;
    let at = 0;
    const build = (axis: number): NestedNumbers =>
      axis === this.rank ? data[at++] : Array.from({ length: this.shape[axis] }, () => build(axis + 1));
    return build(0);
  }

  /** Shape, dtype and values as numpy prints them; a tensor whose scope has ended says so. Example: `String(tensor([1, 2]))` */
  toString(): string {
    if (this.isStale)
      return `tensor ${showShape(this.shape)} ${this.dtype} (stale: the result of ${this.origin} of ${this.scope!.describe(this.step)}, which has ended)`;
    const { host, source, shape, dtype } = this;
    if (host) return printTensor({ shape, dtype, read: (i) => host[i] });
    if (source) return printTensor({ shape, dtype, read: (i) => Math.fround(source.bytes[i] / source.divisor) });
    const { f32, i32 } = this.scope!.runtime.memory;
    const memory = dtype === "float32" ? f32 : i32;
    const at = this.pointer >>> 2;
    return printTensor({ shape, dtype, read: (i) => memory[at + i] });
  }

  /** What Node, Bun and Deno print in console.log; a page's console shows the fields, shape and dtype first. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

export const isTensor = (value: unknown): value is Tensor => value instanceof Tensor;

/** A host tensor over `data`, which is not copied. @internal */
export function hostTensor(data: HostArray, shape: Shape): Tensor {
  const t = new Tensor(shape, data instanceof Int32Array ? "int32" : "float32");
  t.host = data;
  return t;
}

/** A host tensor of bytes / divisor. @internal */
export function byteTensor(bytes: Uint8Array, shape: Shape, divisor: number): Tensor {
  const t = new Tensor(shape, "float32");
  t.source = { bytes, divisor };
  return t;
}

/**
 * A host tensor from numbers, nested arrays or a typed array.
 *
 * Shapes: nested arrays give their own shape; flat data take `shape`, by default [length]. A typed array is kept, not copied.
 * Throws ShapeError for ragged arrays or a shape of another size, TypeError for values that are no numbers, DataError for
 * an int32 value that is no 32-bit integer.
 * Example: `tensor([[1, 2], [3, 4]])`; `tensor(new Float32Array(6), [2, 3])`; `tensor([0, 2], { dtype: "int32" })`
 */
export function tensor(
  values: NestedNumbers | HostArray,
  shapeOrOptions?: Shape | { shape?: Shape; dtype?: DataType },
): Tensor {
  const options = Array.isArray(shapeOrOptions)
    ? { shape: shapeOrOptions as Shape }
    : ((shapeOrOptions ?? {}) as { shape?: Shape; dtype?: DataType });
  if (values instanceof Float32Array || values instanceof Int32Array) {
    const shape = checkShape("tensor", options.shape ?? [values.length]);
    checkSize(values.length, shape);
    const own = hostTensor(values, shape);
    if (options.dtype !== undefined && options.dtype !== own.dtype)
      throw new TypeError(`tensor: ${show(values)} makes a tensor of ${own.dtype}, not ${options.dtype}`);
    return own;
  }
  const inferred: number[] = [];
  for (let v: unknown = values; Array.isArray(v); v = v[0]) inferred.push(v.length);
  const flat: number[] = [];
  const walk = (v: unknown, axis: number): void => {
    if (Array.isArray(v)) {
      if (axis >= inferred.length || v.length !== inferred[axis])
        throw new ShapeError(
          `tensor: ragged array: an array of ${v.length} stands where ${inferred[axis] ?? "a number"} is expected at axis ${axis}`,
        );
      for (const child of v) walk(child, axis + 1);
    } else if (typeof v !== "number") throw new TypeError(`tensor: expected numbers, got ${show(v)}`);
    else if (axis !== inferred.length)
      throw new ShapeError(`tensor: ragged array: a number stands where an array is expected at axis ${axis}`);
    else flat.push(v);
  };
  walk(values, 0);
  const shape = checkShape("tensor", options.shape ?? inferred);
  checkSize(flat.length, shape);
  if (options.dtype === "int32") {
    flat.forEach((v, i) => {
      if (v !== (v | 0)) throw new DataError(`tensor: value ${v} at position ${i} is no 32-bit integer`);
    });
    return hostTensor(Int32Array.from(flat), shape);
  }
  return hostTensor(Float32Array.from(flat), shape);
}

function checkSize(count: number, shape: Shape): void {
  if (count !== sizeOf(shape))
    throw new ShapeError(
      `tensor: ${count} values do not fill the shape ${showShape(shape)}, which holds ${sizeOf(shape)}`,
    );
}

/**
 * A host tensor of zeros.
 * Throws ShapeError for a size that is no integer >= 0 or more than 8 axes, TypeError for a shape that is no array.
 * Example: `zeros([2, 3])`
 */
export function zeros(shape: Shape): Tensor {
  const checked = checkShape("zeros", shape);
  return hostTensor(new Float32Array(sizeOf(checked)), checked);
}

/**
 * A host tensor of one value.
 * Throws as zeros, and TypeError for a value that is no number. Example: `full([2, 3], 0.1)`
 */
export function full(shape: Shape, value: number): Tensor {
  const checked = checkShape("full", shape);
  if (typeof value !== "number") throw new TypeError(`full: "value" expected a number, got ${show(value)}`);
  return hostTensor(new Float32Array(sizeOf(checked)).fill(value), checked);
}
