// Trees of tensors as safetensors files, and their digest.
import { DataError, show } from "../base/errors.js";
import { showShape } from "../base/shape.js";
import { flatten, mapTree } from "../base/tree.js";
import { hostTensor, isTensor, type Tensor } from "../core/tensor.js";
import { transpose } from "../ops/layout.js";
import { digestBytes } from "./digest.js";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "./safetensors.js";

export function stored(t: Tensor): StoredTensor {
  return { shape: t.shape, dtype: t.dtype, data: t.data };
}

/**
 * A tree of tensors as the bytes of a safetensors file, one entry per path, readable from Python.
 * Throws DataError for two tensors of one path. Example: `await writeFile("model.safetensors", save(trainer.params))`. Source: github.com/huggingface/safetensors
 */
export function save(tree: unknown, metadata?: Record<string, string>): Uint8Array {
  const tensors = new Map<string, StoredTensor>();
  for (const { path, leaf } of flatten(tree, isTensor, "save")) {
    const name = path || "value";
    if (tensors.has(name))
      throw new DataError(`save: two tensors are called ${show(name)}. Rename the one whose key holds a dot`);
    tensors.set(name, stored(leaf));
  }
  return encodeSafetensors(tensors, metadata);
}

export interface LoadOptions<P> {
  /** A tree of the wanted shapes: the result has its form, and every path and shape is checked. */
  readonly like?: P;
  /** The file's name of a path, for files of other libraries. */
  readonly rename?: (path: string) => string;
  /** Whether the file holds that matrix the other way round, as PyTorch holds weights: [nOut, nIn]. */
  readonly transpose?: (path: string) => boolean;
}

/**
 * The tensors of a safetensors file: a tree like `like`, or a plain object by name without it.
 *
 * Throws DataError for a damaged file, a missing name or another shape, naming path and both shapes.
 * Example: `trainer.setParams(load(bytes, { like: trainer.params }))`; weights of PyTorch's nn.Linear:
 * `load(bytes, { like, rename: (path) => names[path], transpose: (path) => path.endsWith("weight") })`
 */
export function load<P = { [name: string]: Tensor }>(bytes: Uint8Array, options: LoadOptions<P> = {}): P {
  const { tensors } = decodeSafetensors(bytes);
  const { like, rename = (path: string) => path } = options;
  if (like === undefined)
    return Object.fromEntries([...tensors].map(([name, t]) => [name, hostTensor(t.data, t.shape)])) as P;
  return mapTree(like, isTensor, (leaf, path) => {
    const name = rename(path || "value");
    const found = tensors.get(name);
    if (!found)
      throw new DataError(
        `load: the file has no tensor ${show(name)}. It holds: ${[...tensors.keys()].slice(0, 6).join(", ")}`,
      );
    const turned = options.transpose?.(path) ?? false;
    const expected = turned ? [...leaf.shape].reverse() : leaf.shape;
    if (showShape(found.shape) !== showShape(expected))
      throw new DataError(
        `load: ${name}: expected shape ${showShape(expected)}, the file has ${showShape(found.shape)}`,
      );
    const own = hostTensor(found.data.slice(), found.shape);
    return turned ? transpose(own) : own;
  }) as P;
}

/**
 * One hexadecimal string of paths, shapes and bits of a tree: equal trees have equal digests on every machine.
 * Example: `digest(trainer.params)`. Source: MurmurHash3_x86_128, the first 64 bits.
 */
export function digest(tree: unknown): string {
  const parts: Uint8Array[] = [];
  const text = new TextEncoder();
  for (const { path, leaf } of flatten(tree, isTensor, "digest")) {
    const { data } = leaf;
    parts.push(text.encode(`${path} ${leaf.dtype} ${showShape(leaf.shape)}\n`));
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return digestBytes(parts);
}
