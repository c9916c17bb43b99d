// Which elements a transform sees: masks by path or by 0/1 arrays, groups of parameters, frozen ones. A part of a block is
// a list of runs of it: nothing is compacted, so the index of a draw stays the element's offset in the block.
import { DataError, show } from "../base/errors.js";
import { showShape } from "../base/shape.js";
import { flatten, matchPath } from "../base/tree.js";
import type { ParameterBlock, Range } from "../core/parameter-block.js";
import { isTensor, type Tensor } from "../core/tensor.js";
import { checkTransform, eachUpdate, type GradientTransform, inSequence } from "./transform.js";

/** Which elements: a path pattern, a list of them, or a tree of 0/1 tensors like the parameters (a row of an embedding). */
export type Mask = string | readonly string[] | { readonly [key: string]: unknown } | readonly unknown[] | Tensor;

/** The path patterns of a mask, or undefined where it is made of arrays. */
const patternsOf = (mask: Mask): readonly string[] | undefined =>
  typeof mask === "string"
    ? [mask]
    : Array.isArray(mask) && mask.every((m) => typeof m === "string")
      ? mask
      : undefined;

/** A mask as a transform's description shows it, so that a checkpoint refuses others: patterns in full, arrays by digest. */
export function describeMask(owner: string, mask: Mask): string {
  if (typeof mask === "string") return mask;
  return `[${patternsOf(mask)?.join(", ") ?? `mask ${maskDigest(owner, mask)}`}]`;
}

/** Eight hexadecimal digits of the paths and the runs of ones, the paths in alphabetical order. Source: FNV-1a, 32 bits. */
function maskDigest(owner: string, mask: Mask): string {
  let hash = 0x811c9dc5;
  const mix = (text: string): void => {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  };
  const leaves = flatten(mask, isTensor, `${owner}: the mask`);
  leaves.sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, leaf } of leaves) {
    const { data } = leaf;
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
export function maskRanges(owner: string, block: ParameterBlock, mask: Mask): Range[] {
  const runs: Range[] = [];
  const push = (offset: number, length: number): void => {
    const last = runs[runs.length - 1];
    if (last && last.offset + last.length === offset)
      runs[runs.length - 1] = { offset: last.offset, length: last.length + length };
    else runs.push({ offset, length });
  };
  const patterns = patternsOf(mask);
  if (patterns) {
    for (const pattern of patterns)
      if (!block.segments.some(({ path }) => matchPath(pattern, path)))
        throw new DataError(
          `${owner}: the pattern ${show(pattern)} matches no parameter. There are: ${block.segments
            .slice(0, 6)
            .map(({ path }) => path)
            .join(", ")}${block.segments.length > 6 ? ", ..." : ""}`,
        );
    for (const { path, offset, length } of block.segments)
      if (patterns.some((pattern) => matchPath(pattern, path))) push(offset, length);
    return intersect(runs, block.ranges);
  }
  inOrder(`${owner}: the mask`, block, mask).forEach(({ data }, s) => {
    const { path, offset } = block.segments[s];
    for (let i = 0; i < data.length; i++) {
      if (data[i] !== 0 && data[i] !== 1)
        throw new DataError(`${owner}: the mask at ${path} holds ${data[i]} at position ${i}, expected 0 or 1`);
      if (data[i] === 1) push(offset + i, 1);
    }
  });
  return intersect(runs, block.ranges);
}

/** The leaves of a tree like the parameters, in the block's order. Throws DataError naming the first path that differs. */
export function inOrder(what: string, block: ParameterBlock, tree: unknown): Tensor[] {
  const leaves = new Map(flatten(tree, isTensor, what).map(({ path, leaf }) => [path, leaf]));
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

export function intersect(a: readonly Range[], b: readonly Range[]): Range[] {
  const out: Range[] = [];
  for (const x of a)
    for (const y of b) {
      const offset = Math.max(x.offset, y.offset);
      const end = Math.min(x.offset + x.length, y.offset + y.length);
      if (end > offset) out.push({ offset, length: end - offset });
    }
  return out.sort((x, y) => x.offset - y.offset);
}

/** `transform` masked where its options ask for it; its description tells so. */
export function withMask(owner: string, transform: GradientTransform, mask: Mask | undefined): GradientTransform {
  if (mask === undefined) return transform;
  const description = `${transform.description} masked to ${describeMask(owner, mask)}`;
  return within(description, transform, (block) => maskRanges(owner, block, mask));
}

/**
 * Applies `transform` to the elements a mask names; the updates of the others pass unchanged.
 *
 * Throws TypeError for a transform that is none; DataError, when training starts, for a pattern that matches nothing and for
 * arrays that do not fit.
 * Example: `masked(addNoise({ eta: 1, seed: 1 }), "**.weight")`
 */
export function masked(transform: GradientTransform, mask: Mask): GradientTransform {
  checkTransform("masked", "the first argument", transform);
  const description = `masked(${transform.description}, ${describeMask("masked", mask)})`;
  return within(description, transform, (block) => maskRanges("masked", block, mask));
}

/**
 * The parameters that match stay as they are: their updates become zero. Put it behind all that makes updates.
 *
 * Throws DataError, when training starts, for a pattern that matches nothing and for arrays that do not fit.
 * Example: `chain(addNoise({ eta: 1, seed: 1 }), sgd(0.1), freeze("embedding"))`
 */
export function freeze(mask: Mask): GradientTransform {
  const zero: GradientTransform = {
    description: "zero",
    init: () => ({}),
    update(block) {
      eachUpdate(block, (length, pointer) => block.runtime.kernels.fill(length, 0, pointer));
    },
  };
  return within(`freeze(${describeMask("freeze", mask)})`, zero, (block) => maskRanges("freeze", block, mask));
}

/**
 * A transform for every group of parameters, by path pattern; the first pattern that matches a path has it.
 *
 * Throws TypeError for a transform that is none; DataError, when training starts, naming a parameter that no pattern matches.
 * Example: `partition({ "**.bias": sgd(0.01), "**": sgd(0.1) })`
 */
export function partition(groups: { readonly [pattern: string]: GradientTransform }): GradientTransform {
  const patterns = Object.keys(groups);
  for (const pattern of patterns) checkTransform("partition", show(pattern), groups[pattern]);
  const parts = patterns.map((pattern, i) =>
    within(groups[pattern].description, groups[pattern], (block) => {
      const own: Range[] = [];
      for (const { path, offset, length } of block.segments) {
        const first = patterns.findIndex((p) => matchPath(p, path));
        if (first < 0)
          throw new DataError(
            `partition: no pattern of ${patterns.map(show).join(", ")} matches the parameter ${path}. Add "**" as the last`,
          );
        if (first === i) own.push({ offset, length });
      }
      return intersect(own, block.ranges);
    }),
  );
  return inSequence(`partition(${patterns.map((p) => `${p}: ${groups[p].description}`).join(", ")})`, parts);
}

/** Runs `transform` on part of the block; the part is found once, from the tree's paths. */
function within(
  description: string,
  transform: GradientTransform,
  find: (block: ParameterBlock) => Range[],
): GradientTransform {
  const parts = new WeakMap<ParameterBlock, ParameterBlock>();
  const part = (block: ParameterBlock): ParameterBlock => {
    let found = parts.get(block);
    if (!found) {
      found = block.select(find(block));
      parts.set(block, found);
    }
    return found;
  };
  return {
    description,
    last: transform.last,
    init: (block) => transform.init(part(block)),
    update(block, state, context): undefined {
      const own = part(block);
      own.changed();
      if (transform.update(own, state, context) === false)
        // no update of this part yet; the other parts may well have theirs
        eachUpdate(own, (length, pointer) => block.runtime.kernels.fill(length, 0, pointer));
      block.changed();
    },
  };
}
