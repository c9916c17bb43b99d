// What a user's functions returned, checked: the parts of a loss's result, metrics as numbers, the next state.
import { isPlain, ShapeError, show } from "../base/errors.js";
import { unknownOption } from "../base/options.js";
import { sameShape, showShape } from "../base/shape.js";
import { flatten, mapTree, under } from "../base/tree.js";
import type { Scope } from "../core/scope.js";
import { type DataType, hostTensor, isLeaf, isTensor, revive, type Tensor } from "../core/tensor.js";
import type { LossResult, Metrics } from "./types.js";

const PARTS = ["loss", "metrics", "state"];

/** The parts of what a loss returned; anything else stands as the loss, to be refused as one. */
export function partsOf<S>(result: LossResult<S>): { loss: Tensor; metrics?: Metrics; state?: S } {
  if (isTensor(result) || !isPlain(result)) return { loss: result as Tensor };
  if (!("loss" in result)) {
    const keys = Object.keys(result).slice(0, 6).map(show).join(", ");
    throw new TypeError(
      `loss returned an object of ${keys || "nothing"}; return a scalar tensor or { loss, metrics, state }`,
    );
  }
  for (const name in result) if (!PARTS.includes(name)) throw new TypeError(unknownOption("loss", name, PARTS));
  return result as { loss: Tensor; metrics?: Metrics; state?: S };
}

/** Metrics as numbers. Throws TypeError naming one that is neither a number nor a tensor of one element. */
export function readMetrics(metrics: Metrics | undefined): { [name: string]: number } {
  const out: { [name: string]: number } = {};
  if (metrics === undefined) return out;
  if (!isPlain(metrics)) throw new TypeError(`metrics: expected an object of scalars by name, got ${show(metrics)}`);
  for (const name in metrics) {
    const value = metrics[name];
    if (typeof value === "number") out[name] = value;
    else if (isTensor(value) && value.size === 1) out[name] = value.item();
    else
      throw new TypeError(
        `metrics: ${show(name)} expected a number or a tensor of one element, got ${isTensor(value) ? `shape ${showShape(value.shape)}. Reduce it with .mean()` : show(value)}`,
      );
  }
  return out;
}

/** A leaf of the state: what it must stay. */
export interface StateLeaf {
  readonly path: string;
  readonly shape: readonly number[];
  readonly dtype: DataType;
}

/** A tree of tensors of any kind as host tensors of their own. Throws TypeError naming the path of anything else. */
export const ownState = (tree: unknown): unknown =>
  mapTree(
    tree,
    isLeaf,
    (leaf) => {
      const t = revive(leaf) as Tensor;
      return hostTensor(t.data.slice(), t.shape);
    },
    "state",
  );

/** The leaves of a state, as the next one must have them. */
export const stateLeaves = (tree: unknown): StateLeaf[] =>
  tree === undefined
    ? []
    : flatten(tree, isTensor, "state").map(({ path, leaf: { shape, dtype } }) => ({ path, shape, dtype }));

/**
 * The state that a loss returned, as host tensors. Throws TypeError where there is one too many or one that is lost, ShapeError
 * naming the first leaf that is not as it was: no checkpoint could be restored into the trainer.
 */
export function nextState(leaves: readonly StateLeaf[], before: unknown, state: unknown, { records }: Scope): unknown {
  if (state === undefined) {
    const made = leaves.length > 0 && records.find(({ op }) => op.makesState);
    if (made)
      throw new TypeError(
        `loss returned no state, but ${made.op.name} computed what the next one is made of, which would never move: return { loss, state }, or state: context.state to keep it`,
      );
    return before;
  }
  const found = flatten(state, isTensor, "state");
  if (leaves.length === 0 && found.length > 0)
    throw new TypeError(
      `loss returned a state (${under("state", found[0].path)}), but the trainer was made without one: give createTrainer({ state }) the one before the first step`,
    );
  leaves.forEach(({ path, shape, dtype }, i) => {
    const next = found[i];
    if (next?.path !== path)
      throw new ShapeError(
        `loss: ${under("state", path)} ${next ? `is ${under("state", next.path)} in` : "is missing in"} the state that it returned. The paths stay as they were, in order`,
      );
    if (!sameShape(next.leaf.shape, shape) || next.leaf.dtype !== dtype)
      throw new ShapeError(
        `loss: ${under("state", path)} was ${dtype} ${showShape(shape)}, the loss returned ${next.leaf.dtype} ${showShape(next.leaf.shape)}. A state keeps its shapes: leave out the last, smaller batch with batches(size, { dropLast: true })`,
      );
  });
  if (found.length > leaves.length)
    throw new ShapeError(`loss: ${under("state", found[leaves.length].path)} is new in the state that it returned`);
  return mapTree(state, isTensor, (t) => (t.isHost ? t : hostTensor(t.data, t.shape)), "state");
}
