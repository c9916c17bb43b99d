// A tensor: either host data (shape, dtype, typed array), which may be kept and passed anywhere, or a handle of a scope's
// value, stamped with the run that computed it: used in a later run it is stale, and says so.
import { KIND, ShapeError, StaleTensorError } from "../base/errors.js";
import { type Shape, showShape, sizeOf } from "../base/shape.js";
import { printTensor } from "./print.js";
import type { Scope } from "./scope.js";
import type { Value } from "./value.js";

export { full, isLeaf, isTensorForm, revive, type TensorForm, type TypedArray, tensor, zeros } from "./create.js";

/** What a tensor's elements are: numbers to compute with, or indices and labels. */
export type DataType = "float32" | "int32";
export type HostArray = Float32Array | Int32Array;
export type NestedNumbers = number | readonly NestedNumbers[];

/** Rows of bytes that become floats only inside the runtime: images as files hold them. */
export interface ByteSource {
  readonly bytes: Uint8Array;
  readonly divisor: number;
}

/** A tensor as JSON holds it. */
export interface TensorJson {
  readonly shape: Shape;
  readonly dtype: DataType;
  /** The elements, row by row; what JSON has no number for as text: "NaN", "Infinity", "-Infinity", "-0". */
  readonly data: readonly (number | string)[];
}

/** One opening of a scope: what its handles are stamped with. */
export interface Run {
  readonly scope: Scope;
  /** What it is called in messages. */
  readonly step: number;
}

/** What every tensor has, whichever kind it is. */
export interface Tensor {
  /** Sizes of the axes. */
  readonly shape: Shape;
  /** "float32" or "int32". */
  readonly dtype: DataType;
  /** @internal The elements of a host tensor. */
  host?: HostArray;
  /** @internal Its bytes, where it has not been asked for its elements. */
  readonly source?: ByteSource;
  /** @internal What it is a handle of; undefined for a host tensor. */
  readonly value?: Value;
  /** @internal The run of the scope that computed it. */
  readonly run?: Run;
}

/**
 * An array of numbers with a shape. One made by `tensor`, `zeros` and the like, or returned by a trainer, is host data and
 * may be kept; one made inside a loss ends with the step, and using it later throws StaleTensorError.
 *
 * JSON makes { shape, dtype, data } of it, `structuredClone` and `postMessage` { shape, dtype, host } (or its bytes): plain
 * objects that `tensor(...)`, `createTrainer`, `setParams` and every op take for the tensor.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: its two kinds below have the fields, as few as each needs
export abstract class Tensor {
  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return this.value?.size ?? sizeOf(this.shape);
  }

  /** Whether it may be kept after the scope, and passed to other scopes and threads. */
  get isHost(): boolean {
    return this.value === undefined;
  }

  /** @internal "tensor": what it is for messages and for other copies of the library. */
  get [KIND](): string {
    return "tensor";
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
    return this.value!.data;
  }

  /** @internal Throws StaleTensorError unless the run that computed it is still open. */
  checkAlive(user: string): void {
    if (isStale(this))
      throw new StaleTensorError(
        `${user}: ${this.describe()}, which has ended. Read it with .data or .item() before the scope ends, or return it`,
      );
  }

  /** @internal What it is and whose, for messages. */
  describe(): string {
    const { scope, step } = this.run!;
    return `the result of ${this.value!.origin} ${showShape(this.shape)} belongs to ${scope.describe(step)}`;
  }

  /** The one value of a tensor of one element. Throws ShapeError for any other size. */
  item(): number {
    if (this.size !== 1) throw new ShapeError(`item: expected one element, got shape ${showShape(this.shape)}`);
    if (this.value === undefined) return this.data[0];
    this.checkAlive("item");
    return this.value.at(0);
  }

  /** The values as nested arrays; a number for a scalar. */
  toArray(): NestedNumbers {
    const data = this.data;
    let at = 0;
    const build = (axis: number): NestedNumbers =>
      axis === this.rank ? data[at++] : Array.from({ length: this.shape[axis] }, () => build(axis + 1));
    return build(0);
  }

  /** What JSON.stringify writes; `tensor(JSON.parse(text))` reads it back to the bit. */
  toJSON(): TensorJson {
    const data = Array.from(this.data, (v) => (Number.isFinite(v) && !Object.is(v, -0) ? v : spelt(v)));
    return { shape: this.shape, dtype: this.dtype, data };
  }

  /** Shape, dtype and values as numpy prints them; a tensor whose scope has ended says so. Example: `String(tensor([1, 2]))` */
  toString(): string {
    const { host, source, shape, dtype, value } = this;
    if (isStale(this))
      return `tensor ${showShape(shape)} ${dtype} (stale: the result of ${value!.origin} of ${this.run!.scope.describe(this.run!.step)}, which has ended)`;
    if (host) return printTensor({ shape, dtype, read: (i) => host[i] });
    if (source) return printTensor({ shape, dtype, read: (i) => Math.fround(source.bytes[i] / source.divisor) });
    return printTensor({ shape, dtype, read: (i) => value!.at(i) });
  }

  /** What Node, Bun and Deno print in console.log; a page's console shows the fields, shape and dtype first. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

// The fields are what a page's console previews and what structuredClone copies: shape, dtype, then the values.
class HostTensor extends Tensor {
  constructor(
    override readonly shape: Shape,
    override readonly dtype: DataType,
    override host: HostArray | undefined,
    override readonly source: ByteSource | undefined,
  ) {
    super();
  }
}

/** A value as one run has computed it. Two fields: every op of every step makes one, and what they fill leaves the cache. */
export class Handle extends Tensor {
  constructor(
    override readonly value: Value,
    override readonly run: Run,
  ) {
    super();
  }

  override get shape(): Shape {
    return this.value.shape;
  }

  override get dtype(): DataType {
    return this.value.dtype;
  }
}

const isStale = ({ run }: Tensor): boolean => run !== undefined && run !== run.scope.run;

const spelt = (v: number): string => (Object.is(v, -0) ? "-0" : String(v));

export const isTensor = (value: unknown): value is Tensor => value instanceof Tensor;

/** A host tensor over `data`, which is not copied. @internal */
export function hostTensor(data: HostArray, shape: Shape): Tensor {
  return new HostTensor(shape, data instanceof Int32Array ? "int32" : "float32", data, undefined);
}

/** A host tensor of bytes / divisor. @internal */
export function byteTensor(bytes: Uint8Array, shape: Shape, divisor: number): Tensor {
  return new HostTensor(shape, "float32", undefined, { bytes, divisor });
}
