// Trees of tensors as safetensors files, and their digest.
import { DataError, show } from "../base/errors.js";
import { type Shape, showShape } from "../base/shape.js";
import { flatten, mapTree } from "../base/tree.js";
import { hostTensor, isTensor, type Tensor } from "../core/tensor.js";
import { transpose } from "../ops/layout.js";
import { digestBytes } from "./digest.js";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "./safetensors.js";

export function stored(t: Tensor): StoredTensor {
  return { shape: t.shape, dtype: t.dtype, data: t.data };
}

/** How the file names and lays out a tensor, where that differs from the tree's path and shape. */
export interface FileLayout {
  /** The file's name of a path. */
  readonly rename?: (path: string) => string;
  /**
   * The axes by which `transpose(tensor of the file, axes)` is ours, where they are not the same; true reverses them.
   * PyTorch holds a linear weight as [nOut, nIn] (true, or [1, 0]), one of conv2d as [out, in, kh, kw] ([2, 3, 1, 0]).
   */
  readonly transpose?: (path: string, shape: Shape) => boolean | readonly number[] | undefined;
}

/** The axes that turn the file's tensor into ours. Throws RangeError for what is no permutation. */
function axesOf(owner: string, path: string, shape: Shape, layout: FileLayout): readonly number[] | undefined {
  const axes = layout.transpose?.(path, shape) ?? false;
  if (typeof axes === "boolean") return axes ? shape.map((_, d) => shape.length - 1 - d) : undefined;
  if (axes.length !== shape.length || axes.some((axis) => !(axis in shape)) || new Set(axes).size !== axes.length)
    throw new RangeError(`${owner}: ${path}: axes ${show(axes)} are no permutation of the ${shape.length} axes`);
  return axes;
}

/**
 * A tree of tensors as the bytes of a safetensors file, one entry per path, readable from Python.
 *
 * With a `layout` the file has other names and axes: what `load` reads with the same layout.
 * Throws DataError for two tensors of one name, RangeError for axes that are no permutation, TypeError naming the path of
 * what is no tensor.
 * Example: `save(params)`; `save(params, {}, { transpose: (path) => path.endsWith("weight") })`.
 * Source: github.com/huggingface/safetensors
 */
export function save(tree: unknown, metadata?: Record<string, string>, layout: FileLayout = {}): Uint8Array {
  const tensors = new Map<string, StoredTensor>();
  for (const { path, leaf } of flatten(tree, isTensor, "save")) {
    const name = (layout.rename ?? String)(path || "value");
    if (tensors.has(name))
      throw new DataError(`save: two tensors are called ${show(name)}. Rename the one whose key holds a dot`);
    const axes = axesOf("save", path, leaf.shape, layout);
    const turned = axes
      ? transpose(
          leaf,
          axes.map((_, d) => axes.indexOf(d)),
        )
      : leaf;
    tensors.set(name, stored(turned));
  }
  return encodeSafetensors(tensors, metadata);
}

/** What is wanted of a file, and how the file lays it out. */
export interface LoadOptions<P> extends FileLayout {
  /** A tree of the wanted shapes: the result has its form, and every path and shape is checked. */
  readonly like?: P;
}

/**
 * The tensors of a safetensors file: a tree like `like`, or a plain object by name without it.
 *
 * Halves, bfloat16 and doubles become float32, 64-bit integers int32.
 * Throws DataError for a damaged file, a missing name or another shape, naming path and both shapes; RangeError for axes
 * that are no permutation.
 * Example: `load(save(params), { like: params })`; a weight of PyTorch's nn.Linear, which is [nOut, nIn]:
 * ```ts
 * const file = save({ "fc.weight": zeros([2, 3]) });
 * load(file, { like: { weight: zeros([3, 2]) }, rename: (path) => `fc.${path}`, transpose: () => true });
 * ```
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
    const axes = axesOf("load", path, leaf.shape, options);
    const expected = axes ? leaf.shape.map((_, d) => leaf.shape[axes.indexOf(d)]) : leaf.shape;
    if (showShape(found.shape) !== showShape(expected))
      throw new DataError(
        `load: ${name}: expected shape ${showShape(expected)}, the file has ${showShape(found.shape)}`,
      );
    const own = hostTensor(found.data.slice(), found.shape);
    return axes ? transpose(own, axes) : own;
  }) as P;
}

/**
 * One hexadecimal string of paths, shapes and bits of a tree: equal trees have equal digests on every machine.
 * Throws TypeError naming the path of anything that is neither tensor, array nor plain object.
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
