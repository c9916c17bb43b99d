// A cell applied many times in bounded memory: without gradients each step's arena is reset, with them it can be recomputed.
import { checkFunction, checkInteger, ShapeError } from "../base/errors.js";
import { anything, flag, readOptions } from "../base/options.js";
import { sameShape, showShape } from "../base/shape.js";
import { flatten, mapTree, under } from "../base/tree.js";
import { currentScope, type Scope } from "../core/scope.js";
import { type DataType, isTensor, type Tensor } from "../core/tensor.js";
import type { Value } from "../core/value.js";
import { defineOp, run } from "../ops/define.js";
import { concat, reshape, slice } from "../ops/layout/layout.js";
import { recompute as recomputing } from "./custom.js";

/** How `unroll` trades time for memory. */
export interface UnrollOptions<P> {
  /** Parameters that the cell uses; it gets them as its third argument. */
  readonly params?: P;
  /** Keep only the states between steps, and compute the rest again for the gradient. Needs `params`. */
  readonly recompute?: boolean;
}

export const unrollOp = defineOp({
  name: "unroll",
  inputs: { x: "any" },
  moves: true,
  shape: ({ x }) => x.shape,
  forward: ({ kernels, inputs: { x }, output }) => kernels.copy(x.size, x.pointer, output.pointer),
  backward: null,
});

const leavesOf = (state: unknown): Tensor[] => flatten(state, isTensor, "state").map(({ leaf }) => leaf);

/** The leaves of the next state. Throws ShapeError naming the first leaf that is not as the cell was given it. */
function checked(state: unknown, next: unknown, t: number): Tensor[] {
  const before = flatten(state, isTensor, "state");
  const after = flatten(next, isTensor, "state");
  if (before.length !== after.length)
    throw new ShapeError(
      `unroll: the cell was given a state of ${before.length} tensors and returned ${after.length} at step ${t}`,
    );
  before.forEach(({ path, leaf }, i) => {
    const other = after[i].leaf;
    if (!sameShape(leaf.shape, other.shape) || path !== after[i].path)
      throw new ShapeError(
        `unroll: the cell turned ${under("state", path)} ${showShape(leaf.shape)} into ${under("state", after[i].path)} ${showShape(other.shape)} at step ${t}; a state keeps its shape`,
      );
    if (leaf.dtype !== other.dtype)
      throw new TypeError(
        `unroll: the cell turned ${under("state", path)} from ${leaf.dtype} into ${other.dtype} at step ${t}; a state keeps its dtype`,
      );
  });
  return after.map(({ leaf }) => leaf);
}

type Cell<S, P> = (state: S, t: number, params: P) => S;

/** No gradients: the state has one place, and every step's arena begins above it. */
function inPlace<S, P>(scope: Scope, cell: Cell<S, P>, state: S, count: number, params: P): S {
  const { kernels } = scope.runtime;
  const held = leavesOf(state).map((leaf) => run(unrollOp, undefined, leaf));
  const homes = held.map((h) => scope.own(h));
  const inner = scope.inner("unroll");
  inner.tapeless = true;
  let places: Value[] = [];
  for (let t = 0; t < count; t++)
    inner.within(t, () => {
      if (t === 0) places = homes.map((home) => inner.alias(home, home.pointer).value!);
      const before = mapTree(state, isTensor, (_, __, i) => inner.handle(places[i]));
      const next = checked(state, cell(before, t, params), t).map((leaf) => {
        const own = inner.own(leaf, "unroll");
        // what lies below the arena may be overwritten by a neighbour: a state that only changed places
        return own.pointer < inner.start ? inner.own(run(unrollOp, undefined, leaf)) : own;
      });
      next.forEach((value, i) => {
        kernels.copy(value.size, value.pointer, homes[i].pointer);
      });
    });
  return mapTree(state, isTensor, (_, __, i) => held[i]);
}

/** The bits of int32 as float32 and back: how a state of both goes through one result. Neither is looked at as a number. */
const view = <const N extends string>(name: N, to: DataType) =>
  defineOp({
    name,
    inputs: { x: "any" },
    dtype: to,
    watched: false,
    shape: ({ x }) => x.shape,
    view: () => 0,
    forward: () => {},
    backward: null,
  });
export const toBitsOp = view("toBits", "float32");
export const fromBitsOp = view("fromBits", "int32");
const packed = (leaf: Tensor): Tensor => (leaf.dtype === "int32" ? run(toBitsOp, undefined, leaf) : leaf);

/** One step as a function of flat tensors, whose inner values are computed again for the gradient. */
function recomputed<S, P>(cell: Cell<S, P>, state: S, t: number, params: P): S {
  const leaves = leavesOf(state);
  const weights = flatten(params, isTensor).map(({ leaf }) => leaf);
  const whole = recomputing(
    (...inputs) => {
      const inside = mapTree(state, isTensor, (_, __, i) => inputs[i]);
      const own = mapTree(params, isTensor, (_, __, i) => inputs[leaves.length + i]);
      const next = checked(state, cell(inside, t, own), t).map(packed);
      return next.length === 1 ? next[0] : concat(next.map((leaf) => reshape(leaf, [leaf.size])));
    },
    ...leaves,
    ...weights,
  );
  let at = 0;
  return mapTree(state, isTensor, (leaf) => {
    at += leaf.size;
    const own = leaves.length === 1 ? whole : reshape(slice(whole, [at - leaf.size], [leaf.size]), leaf.shape);
    return leaf.dtype === "int32" ? run(fromBitsOp, undefined, own) : own;
  });
}

/**
 * cell(cell(..., 0), 1) and so on: the state after `count` steps, in bounded memory. Under `predict` and `evaluate` the
 * memory does not depend on `count`; in a loss, `recompute: true` keeps one state a step and computes the rest again.
 * The bits are those of a plain loop.
 *
 * Shapes: the state, a tensor or a tree of them, keeps its shapes. Throws ShapeError naming the leaf that does not,
 * RangeError for a count that is no integer >= 0, TypeError for `recompute` without `params`.
 * Example: `unroll((s, t) => s.mul(0.5).add(t), x, 10)`
 * Source of recomputing: Chen et al. 2016, arXiv 1604.06174.
 */
export function unroll<S, P = undefined>(
  cell: (state: S, t: number, params: P) => S,
  state: S,
  count: number,
  options?: UnrollOptions<P>,
): S {
  checkFunction("unroll", "cell", cell, "a function of state, step and parameters");
  checkInteger("unroll", "count", count);
  const { params: given, recompute = false } = readOptions<UnrollOptions<P>>("unroll", options, {
    params: anything,
    recompute: flag,
  });
  const params = given as P;
  if (recompute && params === undefined)
    throw new TypeError(
      "unroll: recompute needs the parameters: unroll(cell, state, count, { params, recompute: true })",
    );
  const scope = currentScope();
  if (scope?.tapeless) return inPlace(scope, cell, state, count, params);
  let now = state;
  for (let t = 0; t < count; t++) {
    if (recompute && scope) now = recomputed(cell, now, t, params);
    else {
      const next = cell(now, t, params);
      checked(state, next, t);
      now = next;
    }
  }
  return now;
}
