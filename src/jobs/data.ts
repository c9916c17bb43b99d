// Data on their way to a worker: datasets become plain arrays, in memory that threads share where there is such, so that
// there is one copy however many runs.
import { isPlain, kindOf, show, tagOf } from "../base/errors.js";
import { byteTensor, hostTensor, isTensor, type Tensor } from "../core/tensor.js";
import { type Columns, Dataset } from "../data/index.js";

interface PackedTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array | Uint8Array;
  /** Of bytes: what each is divided by. */
  readonly divisor?: number;
}

type Packed =
  | { readonly tensor: PackedTensor }
  | { readonly dataset: { readonly [column: string]: PackedTensor } }
  | { readonly tree: { readonly [name: string]: Packed } }
  | { readonly list: readonly Packed[] }
  | { readonly value: unknown };

/** Data of an experiment on their way to a worker. */
export interface PackedData {
  readonly packed: Packed;
}

/** In shared memory where threads can have it: a page without cross-origin isolation cannot. */
function shared<A extends Float32Array | Int32Array | Uint8Array>(from: A): A {
  if (typeof SharedArrayBuffer === "undefined" || from.buffer instanceof SharedArrayBuffer) return from;
  const to = new (from.constructor as new (buffer: SharedArrayBuffer) => A)(new SharedArrayBuffer(from.byteLength));
  to.set(from);
  return to;
}

function packTensor(t: Tensor): PackedTensor {
  const shape = [...t.shape];
  const { source } = t;
  return source ? { shape, values: shared(source.bytes), divisor: source.divisor } : { shape, values: shared(t.data) };
}

function pack(data: unknown): Packed {
  if (isTensor(data)) return { tensor: packTensor(data) };
  if (kindOf(data) === "dataset")
    return {
      dataset: Object.fromEntries(
        Object.entries((data as Dataset).columns).map(([name, column]) => [name, packTensor(column)]),
      ),
    };
  if (Array.isArray(data)) return { list: data.map(pack) };
  if (isPlain(data))
    return { tree: Object.fromEntries(Object.entries(data).map(([name, part]) => [name, pack(part)])) };
  if (typeof data === "function" || (typeof data === "object" && data !== null && tagOf(data) === "Object"))
    throw new TypeError(`packData: ${show(data)} cannot be sent to a worker`);
  return { value: data };
}

const unpackTensor = ({ shape, values, divisor }: PackedTensor): Tensor =>
  values instanceof Uint8Array ? byteTensor(values, shape, divisor!) : hostTensor(values, shape);

function unpack(packed: Packed): unknown {
  if ("tensor" in packed) return unpackTensor(packed.tensor);
  if ("value" in packed) return packed.value;
  if ("list" in packed) return packed.list.map(unpack);
  const entries = <T, R>(of: { readonly [name: string]: T }, f: (part: T) => R): { [name: string]: R } =>
    Object.fromEntries(Object.entries(of).map(([name, part]) => [name, f(part)]));
  return "dataset" in packed
    ? Dataset.of(entries(packed.dataset, unpackTensor) as Columns)
    : entries(packed.tree, unpack);
}

/**
 * Data of an experiment in a form that can be posted: a tree of datasets, tensors and plain values.
 * Throws TypeError for a function or an instance of a class in it. Example: `packData(data.digits({ train: 10, test: 10 }))`
 */
export function packData(data: unknown): PackedData {
  return { packed: pack(data) };
}

/** The data again, in this thread. Throws nothing of its own. Example: `unpackData(packData({ x }))` */
export function unpackData({ packed }: PackedData): unknown {
  return unpack(packed);
}
