// Loops of one's own over host trees: gradients in, updates out, the same bits as a trainer's step.
import { DataError } from "../base/errors.js";
import { flatten, mapTree } from "../base/tree.js";
import { ParameterBlock } from "../core/parameter-block.js";
import { hostTensor, isTensor } from "../core/tensor.js";
import { Runtime } from "../wasm/runtime.js";
import { inOrder } from "./masks.js";
import type { GradientTransform, TransformState, UpdateContext } from "./transform.js";

/** An optimizer's memory over host trees, for loops of one's own. */
export interface OptimizerState {
  readonly block: ParameterBlock;
  readonly state: TransformState;
  readonly t: number;
}

/**
 * The state of `optimizer` before the first update of `params`, a tree of float32 tensors.
 *
 * Throws TypeError for a leaf that is no float32 tensor, and what the optimizer's masks throw.
 * Example: `optim.init(adam(0.01), params)`
 */
export function init(optimizer: GradientTransform, params: unknown): OptimizerState {
  const block = ParameterBlock.allocate(new Runtime(), params);
  return { block, state: optimizer.init(block), t: 0 };
}

/** What an update may look at beside the gradients. */
export interface UpdateInputs<P> {
  /** The parameters before the update, where they are not what `applyUpdates` made of the last one. */
  readonly params?: P;
  /** What the loss measured at this step, for transforms that look at it: `errorScaledNoise`. */
  readonly metrics?: UpdateContext["metrics"];
}

/**
 * One update over host trees: the same bits as `trainer.step`. The state is rewritten; use the one that is returned.
 * It follows the parameters (which weight decay and averages read) as though every update were applied.
 *
 * Shapes: gradients, params and updates are trees like the params of `init`.
 * Throws DataError naming the first path that differs.
 * Example: `optim.update(sgd(0.1), params, optim.init(sgd(0.1), params))`, the parameters being their own gradients
 */
export function update<P>(
  optimizer: GradientTransform,
  gradients: P,
  state: OptimizerState,
  { params, metrics }: UpdateInputs<P> = {},
): { updates: P; state: OptimizerState } {
  const { block } = state;
  if (params !== undefined)
    inOrder("optim.update: the tree of parameters", block, params).forEach((p, s) => {
      block.values.set(p.data as Float32Array, block.segments[s].offset);
    });
  const live = block.updates;
  inOrder("optim.update: the tree of gradients", block, gradients).forEach((g, s) => {
    live.set(g.data as Float32Array, block.segments[s].offset);
  });
  if (optimizer.update(block, state.state, { t: state.t, metrics }) === false) block.updates.fill(0);
  block.runtime.kernels.accumulate(block.length, block.updatesPointer, block.valuesPointer);
  const leaves = new Map(block.hostLeaves("updates").map((leaf, s) => [block.segments[s].path, leaf]));
  return {
    updates: mapTree(gradients, isTensor, (_, path) => leaves.get(path)) as P,
    state: { ...state, t: state.t + 1 },
  };
}

/**
 * params + updates, leaf by leaf, as new host tensors.
 *
 * Shapes: two trees of the same paths and shapes. Throws DataError naming the first path that differs.
 * Example: `applyUpdates(params, params)`, with `next.updates` of `update` as the second
 */
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
