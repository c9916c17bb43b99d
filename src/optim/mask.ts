// A mask as it is given (path patterns, or trees of 0/1 tensors), copied when it is given, and the runs of a block it names.
import { DataError, isPlain, show } from "../base/errors.js";
import { showShape } from "../base/shape.js";
import { flatten, matchPath } from "../base/tree.js";
import type { ParameterBlock, Range } from "../core/parameter-block.js";
import { intersect } from "../core/strips.js";
import { isTensor, type Tensor } from "../core/tensor.js";
import { isTransform } from "./transform.js";

/** Which elements: a path pattern, a list of them, or a tree of 0/1 tensors like the parameters (a row of an embedding). */
export type Mask = string | readonly string[] | { readonly [key: string]: unknown } | readonly unknown[] | Tensor;

/** What is kept of one leaf of a tree. */
interface Leaf {
  readonly path: string;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** A mask that its giver cannot change any more. */
export interface KeptMask {
  /** As a transform's description shows it, so that a checkpoint refuses others: patterns in full, arrays by digest. */
  readonly description: string;
  readonly patterns?: readonly string[];
  readonly leaves?: readonly Leaf[];
}

/** Copies a mask. Throws TypeError for what is none. */
export function readMask(owner: string, mask: Mask): KeptMask {
  if (typeof mask === "string") return { description: mask, patterns: [mask] };
  if (Array.isArray(mask) && mask.every((m) => typeof m === "string"))
    return { description: `[${mask.join(", ")}]`, patterns: [...mask] };
  if (isTransform(mask) || !(isTensor(mask) || Array.isArray(mask) || isPlain(mask)))
    throw new TypeError(
      `${owner}: the mask expected a path pattern such as "**.bias", a list of them, or a tree of 0/1 tensors like the parameters, got ${show(mask)}`,
    );
  const leaves = flatten(mask, isTensor, `${owner}: the mask`).map(
    ({ path, leaf }): Leaf => ({ path, shape: [...leaf.shape], data: leaf.data.slice() }),
  );
  return { description: `[mask ${digestOf(leaves)}]`, leaves };
}

/** Eight hexadecimal digits of the paths and the runs of ones, the paths in alphabetical order. Source: FNV-1a, 32 bits. */
function digestOf(leaves: readonly Leaf[]): string {
  let hash = 0x811c9dc5;
  const mix = (text: string): void => {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  };
  for (const { path, data } of [...leaves].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    mix(`${path}:${data.length}`);
    for (let i = 0; i < data.length; i++) if (data[i] !== (i > 0 ? data[i - 1] : 0)) mix(`,${i}`);
    mix(";");
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/**
 * The runs of elements a mask names. Throws DataError for a pattern that matches nothing, a mask that lacks a parameter
 * or has another shape, or a mask value not 0 or 1.
 */
export function maskRanges(owner: string, block: ParameterBlock, { patterns, leaves }: KeptMask): Range[] {
  const runs: Range[] = [];
  if (patterns) {
    for (const pattern of patterns) checkPattern(owner, block, pattern);
    for (const { path, offset, length } of block.segments)
      if (patterns.some((pattern) => matchPath(pattern, path))) runs.push({ offset, length });
  } else
    matched(`${owner}: the mask`, block, leaves ?? []).forEach(({ data }, s) => {
      const { path, offset } = block.segments[s];
      let from = -1; // where the run of ones began
      for (let i = 0; i < data.length; i++) {
        if (data[i] !== 0 && data[i] !== 1)
          throw new DataError(`${owner}: the mask at ${path} holds ${data[i]} at position ${i}, expected 0 or 1`);
        if (data[i] === 1) {
          if (from < 0) from = i;
        } else if (from >= 0) {
          runs.push({ offset: offset + from, length: i - from });
          from = -1;
        }
      }
      if (from >= 0) runs.push({ offset: offset + from, length: data.length - from });
    });
  return intersect(runs, block.ranges);
}

/** Throws DataError for a pattern that matches no parameter, naming some of them. */
export function checkPattern(owner: string, block: ParameterBlock, pattern: string): void {
  const matches = (p: string): boolean => block.segments.some(({ path }) => matchPath(p, path));
  if (matches(pattern)) return;
  const some = block.segments.slice(0, 6).map(({ path }) => path);
  const deeper = matches(`**.${pattern}`) ? `. Did you mean ${show(`**.${pattern}`)}?` : "";
  throw new DataError(
    `${owner}: the pattern ${show(pattern)} matches no parameter. There are: ${some.join(", ")}${
      block.segments.length > 6 ? ", ..." : ""
    }${deeper}`,
  );
}

/** The leaves of a tree like the parameters, in the block's order. Throws DataError naming the first path that differs. */
export function inOrder(what: string, block: ParameterBlock, tree: unknown): Tensor[] {
  return matched(
    what,
    block,
    flatten(tree, isTensor, what).map(({ path, leaf }) => ({ path, shape: leaf.shape, leaf })),
  ).map(({ leaf }) => leaf);
}

function matched<L extends { readonly path: string; readonly shape: readonly number[] }>(
  what: string,
  block: ParameterBlock,
  given: readonly L[],
): L[] {
  const leaves = new Map(given.map((leaf) => [leaf.path, leaf]));
  const found = block.segments.map(({ path, shape }) => {
    const leaf = leaves.get(path);
    if (leaf === undefined) throw new DataError(`${what} has no ${path}; it needs a tensor for every parameter`);
    if (leaf.shape.join() !== shape.join())
      throw new DataError(`${what} at ${path} has shape ${showShape(leaf.shape)}, the parameter ${showShape(shape)}`);
    leaves.delete(path);
    return leaf;
  });
  for (const path of leaves.keys()) throw new DataError(`${what} has ${path}, which is no parameter`);
  return found;
}
