// One update from one batch: the loss runs, the tape is walked back, the optimizer rewrites the block, which is added to the
// parameters. What throws on the way has moved nothing.
import { checkLoss } from "../autodiff/grad.js";
import { under } from "../base/tree.js";
import { blame, namesOf } from "../inspect/blame.js";
import { WatchedScope } from "../inspect/watch.js";
import { updateNotFinite } from "../optim/loop.js";
import { keepsState, pendingMicroBatches } from "../optim/state.js";
import { ofBatch } from "./evaluate.js";
import type { Parts } from "./parts.js";
import { diverged } from "./report.js";
import { nextState, partsOf, readMetrics } from "./returned.js";
import type { StepResult } from "./types.js";

export function step(parts: Parts, batch: unknown): StepResult {
  const { state, training, block, gradientSquares } = parts;
  if (parts.halted) throw new Error(`step ${state.step}: ${parts.halted}`);
  if (training instanceof WatchedScope) training.names = namesOf(batch);
  return parts.within(training, (params) => {
    const { step } = state;
    const result = ofBatch("step", batch, () => parts.options.loss(params, batch, parts.context(true)));
    const { loss, metrics, state: returned } = partsOf(result);
    checkLoss(loss, true);
    const value = loss.item();
    parts.updated = false;
    if (!Number.isFinite(value)) diverged(state, `the loss is ${value}`, blame(batch));
    training.backward(loss, parts.leaves);
    block.changed();
    gradientSquares.set(block.segmentSquares());
    for (let i = 0; i < gradientSquares.length; i++)
      if (!Number.isFinite(gradientSquares[i]))
        diverged(state, `the gradient of ${under("params", block.segments[i].path)} is not finite`);
    const metricValues = readMetrics(metrics);
    const next = nextState(parts.stateLeaves, state.userState, returned, training);
    if (update(parts, metricValues, value)) {
      parts.runtime.kernels.accumulate(block.length, block.updatesPointer, block.valuesPointer);
      parts.updated = true;
    }
    block.changed();
    state.userState = next;
    state.lastFiniteLoss = value;
    state.step = step + 1;
    const pending = parts.gathers ? pendingMicroBatches(state.optimizerState) : 0;
    return pending > 0
      ? { step, loss: value, metrics: metricValues, pending }
      : { step, loss: value, metrics: metricValues };
  });
}

/** Turns the gradients into updates; false where the optimizer makes none this time. What is not finite is refused. */
function update(parts: Parts, metrics: { readonly [name: string]: number }, loss: number): boolean {
  const { block, state } = parts;
  const { optimizer } = parts.options;
  const { optimizerState, step } = state;
  const context = { t: step, metrics };
  optimizer.prepare?.(optimizerState, context); // asks schedules; what throws here has moved nothing
  try {
    if (optimizer.update(block, optimizerState, context) === false) return false;
    const bad = updateNotFinite(optimizer, block);
    if (bad) diverged(state, bad, "", undefined, loss);
    return true;
  } catch (error) {
    // slots and counters have moved: going on from here would be a step that never was
    if (keepsState(optimizerState))
      parts.halted = `the state of ${optimizer.description} had moved when step ${step} failed (${(error as Error).message}). Restore a checkpoint, or make the trainer anew`;
    throw error;
  }
}
