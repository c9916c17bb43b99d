// Gradient transforms: an optimizer is a chain of passes over one flat block, and order is what the user writes.
// A transform rewrites the updates in place; they start as the gradients and end as what is added to the parameters.
import { DataError, show } from "../base/errors.js";
import { showShape } from "../base/shape.js";
import { flatten, mapTree, matchPath } from "../base/tree.js";
import { ParameterBlock, type Range } from "../core/parameter-block.js";
import { hostTensor, isTensor, type Tensor } from "../core/tensor.js";
import { Runtime } from "../wasm/runtime.js";

/** What a transform keeps from step to step: slots, numbers, and states of transforms inside it. */
export type TransformState = { [name: string]: unknown };

export interface UpdateContext {
  /** Optimizer updates so far: 0 at the first. */
  readonly t: number;
}

export interface GradientTransform {
  /** What it is, with its settings; a checkpoint holds it and refuses another. */
  readonly description: string;
  init(block: ParameterBlock): TransformState;
  /** Rewrites the updates within the block's ranges. Returning false says: no update this time. */
  update(block: ParameterBlock, state: TransformState, context: UpdateContext): undefined | false;
}

/** A number, or a function of the update count t. */
export type Schedule = number | ((t: number) => number);

/** The schedule's value at t. Throws RangeError naming owner, name and t where it is not finite. */
export function valueAt(owner: string, name: string, schedule: Schedule, t: number): number {
  const value = typeof schedule === "function" ? schedule(t) : schedule;
  if (typeof value !== "number" || !Number.isFinite(value))
    throw new RangeError(`${owner}: "${name}" at t = ${t} expected a finite number, got ${show(value)}`);
  return value;
}

export const describe = (schedule: unknown): string => (typeof schedule === "function" ? "schedule" : String(schedule));

/**
 * Transforms one after another. Example: `chain(clipByGlobalNorm(10), addNoise({ eta: 0.01, seed: 1 }), sgd(0.1))`.
 * Throws TypeError for anything that is no transform.
 */
export function chain(...transforms: readonly GradientTransform[]): GradientTransform {
  transforms.forEach((transform, i) => {
    if (typeof transform?.update !== "function" || typeof transform.init !== "function")
      throw new TypeError(`chain: argument ${i} expected a gradient transform, got ${show(transform)}`);
  });
  return {
    description: `chain(${transforms.map((transform) => transform.description).join(", ")})`,
    init: (block) => ({ parts: transforms.map((transform) => transform.init(block)) }),
    update(block, state, context) {
      const parts = state.parts as TransformState[];
      for (let i = 0; i < transforms.length; i++) {
        if (transforms[i].update(block, parts[i], context) === false) return false;
        block.changed(); // it may have written through a view that it held
      }
    },
  };
}

/** Which elements: a path pattern, a list of them, or a tree of 0/1 tensors like the parameters (a row of an embedding). */
export type Mask = string | readonly string[] | { readonly [key: string]: unknown } | readonly unknown[] | Tensor;

/** A mask as a transform's description shows it: patterns in full, so that a checkpoint refuses others. */
export const describeMask = (mask: Mask): string =>
  typeof mask === "string"
    ? mask
    : Array.isArray(mask) && mask.every((m) => typeof m === "string")
      ? `[${mask.join(", ")}]`
      : "mask";

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
  const patterns =
    typeof mask === "string"
      ? [mask]
      : Array.isArray(mask) && mask.every((m) => typeof m === "string")
        ? (mask as string[])
        : undefined;
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
function inOrder(what: string, block: ParameterBlock, tree: unknown): Tensor[] {
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

/**
 * Applies `transform` to the elements a mask names; the updates of the others pass unchanged.
 * Example: `masked(addNoise({ eta: 1, seed: 1 }), "**.weight")`
 */
export function masked(transform: GradientTransform, mask: Mask): GradientTransform {
  return within(`masked(${transform.description}, ${describeMask(mask)})`, transform, (block) =>
    maskRanges("masked", block, mask),
  );
}

/**
 * The parameters that match stay as they are: their updates become zero. Put it last.
 * Example: `chain(addNoise({ eta: 1, seed: 1 }), sgd(0.1), freeze("embedding"))`
 */
export function freeze(mask: Mask): GradientTransform {
  const zero: GradientTransform = {
    description: "zero",
    init: () => ({}),
    update(block) {
      block.each((offset, length) => block.runtime.kernels.fill(length, 0, block.updatesPointer + offset * 4));
    },
  };
  return within(`freeze(${describeMask(mask)})`, zero, (block) => maskRanges("freeze", block, mask));
}

/**
 * A transform for every group of parameters, by path pattern; the first pattern that matches a path has it.
 * Throws DataError naming a parameter that no pattern matches.
 * Example: `partition({ "**.bias": sgd(0.01), "**": sgd(0.1) })`
 */
export function partition(groups: { readonly [pattern: string]: GradientTransform }): GradientTransform {
  const patterns = Object.keys(groups);
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
  const all = chain(...parts);
  return { ...all, description: `partition(${patterns.map((p) => `${p}: ${groups[p].description}`).join(", ")})` };
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
    init: (block) => transform.init(part(block)),
    update(block, state, context): undefined {
      const own = part(block);
      own.changed();
      if (transform.update(own, state, context) === false)
        // no update of this part yet; the other parts may well have theirs
        own.each((offset, length) => block.runtime.kernels.fill(length, 0, block.updatesPointer + offset * 4));
      block.changed();
    },
  };
}

/** An optimizer's memory over host trees, for loops of one's own. */
export interface OptimizerState {
  readonly block: ParameterBlock;
  readonly state: TransformState;
  readonly t: number;
}

/** The state of `optimizer` before the first update of `params`, a tree of float32 tensors. */
export function init(optimizer: GradientTransform, params: unknown): OptimizerState {
  const block = ParameterBlock.allocate(new Runtime(), params);
  return { block, state: optimizer.init(block), t: 0 };
}

/**
 * One update over host trees: the same bits as `trainer.step`.
 * Shapes: gradients and updates are trees like params. The state is rewritten; use the one that is returned.
 * Example: `const next = update(optimizer, gradients, state)`, then `applyUpdates(params, next.updates)`
 */
export function update<P>(
  optimizer: GradientTransform,
  gradients: P,
  state: OptimizerState,
): { updates: P; state: OptimizerState } {
  const { block } = state;
  const live = block.updates;
  inOrder("optim.update: the tree of gradients", block, gradients).forEach((g, s) => {
    live.set(g.data as Float32Array, block.segments[s].offset);
  });
  if (optimizer.update(block, state.state, { t: state.t }) === false) block.updates.fill(0);
  const leaves = new Map(block.hostLeaves("updates").map((leaf, s) => [block.segments[s].path, leaf]));
  return {
    updates: mapTree(gradients, isTensor, (_, path) => leaves.get(path)) as P,
    state: { ...state, t: state.t + 1 },
  };
}

/** params + updates, leaf by leaf, as new host tensors. Throws DataError naming the first path that differs. */
export function applyUpdates<P>(params: P, updates: P): P {
  const leaves = new Map(flatten(updates, isTensor, "updates").map(({ path, leaf }) => [path, leaf]));
  return mapTree(params, isTensor, (p, path) => {
    const out = Float32Array.from(p.data);
    const u = leaves.get(path)?.data;
    if (u?.length !== out.length)
      throw new DataError(
        `applyUpdates: the updates hold ${u ? u.length : "no"} values for ${path || "the root"}, which has ${out.length}`,
      );
    for (let j = 0; j < out.length; j++) out[j] += u[j];
    return hostTensor(out, p.shape);
  }) as P;
}
