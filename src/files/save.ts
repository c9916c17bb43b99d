// Trees of tensors as safetensors files, and their digest.
import type { Bytes } from "../base/bytes.js";
import { DataError, isPlain, printable, show } from "../base/errors.js";
import { anything, func, readOptions, text } from "../base/options.js";
import { type Shape, sameShape, showShape } from "../base/shape.js";
import { flatten, mapTree, under } from "../base/tree.js";
import { hostTensor, isTensor, type Tensor } from "../core/tensor.js";
import { transpose } from "../ops/layout/layout.js";
import { digestBytes } from "./digest.js";
import {
  checkMetadata,
  encodeSafetensors,
  openSafetensors,
  type SafetensorsFile,
  type StoredTensor,
  withOneNaN,
} from "./safetensors.js";
import { checkSeal, isCheckpoint } from "./seal.js";

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
  const axes: unknown = layout.transpose?.(path, shape) ?? false;
  if (typeof axes === "boolean") return axes ? shape.map((_, d) => shape.length - 1 - d) : undefined;
  if (!Array.isArray(axes))
    throw new TypeError(
      `${owner}: "transpose" returned ${show(axes)} for ${path}; return true, false or an array of axes`,
    );
  if (axes.length !== shape.length || axes.some((axis) => !(axis in shape)) || new Set(axes).size !== axes.length)
    throw new RangeError(`${owner}: ${path}: axes ${show(axes)} are no permutation of the ${shape.length} axes`);
  return axes;
}

/** The file's name of a path. */
function nameOf(owner: string, path: string, layout: FileLayout): string {
  const name: unknown = layout.rename ? layout.rename(path) : path;
  if (typeof name !== "string")
    throw new TypeError(`${owner}: "rename" returned ${show(name)} for ${path}; return a name`);
  return name;
}

/** Leaves with their paths; a trainer is told where its are. */
function leavesOf(owner: string, tree: any): { path: string; leaf: Tensor }[] {
  if (typeof tree?.step === "function" && "params" in tree)
    throw new TypeError(`${owner}: expected a tree of tensors, got a trainer. Write ${owner}(trainer.params)`);
  return flatten(tree, isTensor, owner);
}

const layoutRules = { rename: func("a function of the path"), transpose: func("a function of path and shape") };

/**
 * A tree of tensors as the bytes of a safetensors file, one entry per path, readable from Python. NaN is written as one NaN.
 *
 * `metadata` are texts of yours, which `loadMetadata` reads. With a `layout` the file has other names and axes: what `load`
 * reads with the same layout.
 * Throws DataError for two tensors of one name, RangeError for axes that are no permutation, TypeError naming the path of
 * what is no tensor and the metadata that are no text.
 * Example: `save(params, { made: "2025-01-01" })`; `save(params, {}, { transpose: (path) => path.endsWith("weight") })`.
 * Source: github.com/huggingface/safetensors
 */
export function save(tree: unknown, metadata?: Record<string, string>, layout?: FileLayout): Uint8Array {
  const tensors = new Map<string, StoredTensor>();
  const own = readOptions("save", layout, layoutRules);
  if (metadata !== undefined) {
    if (isPlain(metadata) && layout === undefined && Object.keys(metadata).some((key) => key in layoutRules))
      throw new TypeError("save: the layout is the third argument: save(tree, {}, { rename, transpose })");
    checkMetadata("save", metadata);
  }
  for (const { path, leaf } of leavesOf("save", tree)) {
    const name = nameOf("save", path || "value", own);
    if (tensors.has(name))
      throw new DataError(
        `save: two tensors are called ${show(name)}. ${own.rename ? 'Let "rename" give each a name of its own' : "Rename the one whose key holds a dot"}`,
      );
    const axes = axesOf("save", path, leaf.shape, own);
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
  /** A tree of the wanted shapes: the result has its form, and every path, shape and dtype is checked. */
  readonly like?: P;
  /** What the file is called in messages. */
  readonly name?: string;
}

/**
 * The tensors of a safetensors file: a tree like `like`, or a plain object by name without it.
 *
 * Takes a Uint8Array, an ArrayBuffer or any view; of a Blob or a Response `load(await blob.arrayBuffer())`. With `like` only
 * the wanted tensors are read, as the dtype that they have there; of a trainer's checkpoint those are its parameters.
 * Without it floats become float32, other whole numbers and booleans int32. Floats of 64 bits are rounded; a whole number
 * or a float that its dtype cannot hold exactly is refused.
 * Throws DataError for a damaged or foreign file, which it names, a missing name, another shape and a value that does not
 * fit, CheckpointError for a damaged checkpoint, RangeError for axes that are no permutation, TypeError for what holds no
 * bytes.
 * Example: `load(save(params), { like: params })`; a weight of PyTorch's nn.Linear, which is [nOut, nIn]:
 * ```ts
 * const file = save({ "fc.weight": zeros([2, 3]) });
 * load(file, { like: { weight: zeros([3, 2]) }, rename: (path) => `fc.${path}`, transpose: () => true });
 * ```
 */
export function load<P = { [name: string]: Tensor }>(bytes: Bytes, options?: LoadOptions<P>): P {
  if (isTree(options))
    throw new TypeError(
      "load: the second argument is options, got a tree of tensors. Write load(bytes, { like: tree })",
    );
  const read = readOptions<LoadOptions<P>>("load", options, loadRules);
  const { like, name = "load" } = read;
  const file = openFile(bytes, name);
  const { entries } = file;
  if (like === undefined)
    return Object.fromEntries([...entries].map(([key, entry]) => [key, ownTensor(file.read(entry))])) as P;
  const within = isCheckpoint(file) ? (path: string): string => under("params", path) : (path: string): string => path;
  return mapTree(
    like,
    isTensor,
    (leaf, path) => {
      const wanted = nameOf(name, path || "value", read);
      const entry = entries.get(wanted) ?? entries.get(within(path));
      if (!entry)
        throw new DataError(`${name}: the file has no tensor ${show(wanted)}. ${whatItHolds([...entries.keys()])}`);
      const axes = axesOf(name, path, leaf.shape, read);
      const expected = axes ? leaf.shape.map((_, d) => leaf.shape[axes.indexOf(d)]) : leaf.shape;
      if (!sameShape(entry.shape, expected))
        throw new DataError(
          `${name}: ${printable(wanted)}: expected shape ${showShape(expected)}, the file has ${showShape(entry.shape)}`,
        );
      const own = ownTensor(file.read(entry, leaf.dtype));
      return axes ? transpose(own, axes) : own;
    },
    "like",
  ) as P;
}

const loadRules = { like: anything, name: text, ...layoutRules };

/** Whether a tree was given where options were expected. */
function isTree(options: unknown): boolean {
  if (isPlain(options) && Object.keys(options).every((key) => key in loadRules)) return false;
  try {
    return flatten(options, isTensor).length > 0;
  } catch {
    return false;
  }
}

const ownTensor = ({ data, shape }: StoredTensor): Tensor => hostTensor(data.slice(), Object.freeze([...shape]));

function whatItHolds(names: readonly string[]): string {
  const more = names.length > 6 ? ` and ${names.length - 6} more` : "";
  return names.length === 0 ? "It holds none" : `It holds: ${names.slice(0, 6).map(printable).join(", ")}${more}`;
}

function openFile(bytes: unknown, name: string): SafetensorsFile {
  const file = openSafetensors(bytes, name, `${name === "loadMetadata" ? name : "load"}(%)`);
  if (isCheckpoint(file)) checkSeal(file, name);
  return file;
}

/**
 * The metadata of a safetensors file: what was given to `save`, or what a checkpoint says of itself; {} where there are none.
 *
 * Throws DataError for a damaged or foreign file, TypeError for what holds no bytes.
 * Example: `loadMetadata(save(params, { made: "here" })).made`
 */
export function loadMetadata(bytes: Bytes): { [name: string]: string } {
  return { ...openFile(bytes, "loadMetadata").metadata };
}

/**
 * One hexadecimal string of paths, shapes and bits of a tree: equal trees have equal digests on every machine. All NaN are one.
 * Throws TypeError naming the path of anything that is neither tensor, array nor plain object.
 * Example: `digest(trainer.params)`. Source: MurmurHash3_x86_128, the first 64 bits.
 */
export function digest(tree: unknown): string {
  const parts: Uint8Array[] = [];
  const encoder = new TextEncoder();
  for (const { path, leaf } of leavesOf("digest", tree)) {
    const { buffer, byteOffset, byteLength } = withOneNaN(leaf.data);
    parts.push(encoder.encode(`${path} ${leaf.dtype} ${showShape(leaf.shape)}\n`));
    parts.push(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return digestBytes(parts);
}
