// Softmax and its cross-entropy.
import { anything, number, type Rules, readOptions } from "../../base/options.js";
import type { OpRecord } from "../../core/op.js";
import type { Tensor } from "../../core/tensor.js";
import type { Value } from "../../core/value.js";
import { defineOp, run, runNamed, type TensorLike } from "../define.js";
import { transpose } from "../layout/layout.js";
import { axisOf } from "../operand.js";
import { rankOf } from "../reduce/reduce.js";
import { checkLabels, type Labels, labelsOf } from "./labels.js";
import { asMask, LOSS_RULES, type LossOptions, reduceLosses } from "./losses.js";
import { checkFoundLabel, checkRowMask, labelWeightsOp, softCrossEntropyOp } from "./soft-targets.js";

const lastSize = (t: Value | Tensor): number => t.shape[t.rank - 1];
/** 0 where there are no classes. */
const rowsOf = (x: Value): number => (x.size === 0 ? 0 : x.size / lastSize(x));

export const softmaxOp = defineOp({
  name: "softmax",
  inputs: { x: "float32" },
  shape: ({ x }) => x.shape,
  workspace: ({ x }) => lastSize(x),
  forward: ({ kernels, inputs: { x }, output }) => kernels.softmax(rowsOf(x), lastSize(x), x.pointer, output.pointer),
  backward: ({ kernels, output: y, workspace, gradientOut, gradients }) =>
    kernels.softmaxBackward(rowsOf(y), lastSize(y), y.pointer, gradientOut, workspace, gradients.x),
});

/**
 * exp(x) / sum(exp(x)) along an axis, the last by default; of an empty axis it is empty.
 * Shapes: unchanged. Throws RangeError for an axis that is not there. Example: `softmax(x, 0)`
 */
export function softmax(x: TensorLike, axis = -1): Tensor {
  const at = axisOf("softmax", x, axis);
  const rank = rankOf(x);
  if (at === rank - 1) return run(softmaxOp, undefined, x);
  const swap = Array.from({ length: rank }, (_, d) => (d === at ? rank - 1 : d === rank - 1 ? at : d));
  return transpose(run(softmaxOp, undefined, transpose(x, swap)), swap);
}

type Classified = { logits: "float32"; labels: "int32" };

/** Losses of the rows into `losses`; probabilities stay in the workspace. Throws RangeError for a label outside the classes. */
function crossEntropy(r: OpRecord<Classified>, mask: number, losses: number): void {
  const { logits, labels } = r.inputs;
  const n = lastSize(logits);
  const bad = r.kernels.crossEntropy(rowsOf(logits), n, logits.pointer, labels.pointer, mask, r.workspace, losses);
  checkFoundLabel("softmaxCrossEntropy", bad, labels, n);
}

/** Where the losses of the rows lie in the workspace. */
const lossesOf = (r: OpRecord<Classified>): number => r.workspace + r.inputs.logits.size * 4;

export const softmaxCrossEntropyOp = defineOp({
  name: "softmaxCrossEntropy",
  inputs: { logits: "float32", labels: "int32" },
  shape: ({ logits, labels }) => {
    checkLabels("softmaxCrossEntropy", logits, labels, true);
    return [];
  },
  workspace: ({ logits, labels }) => logits.size + labels.size,
  forward: (r) => {
    const rows = rowsOf(r.inputs.logits);
    crossEntropy(r, 0, lossesOf(r));
    r.kernels.sumRows(1, rows, lossesOf(r), 1 / rows, r.output.pointer);
  },
  backward: ({ kernels, inputs: { logits: x, labels }, workspace, gradientOut, gradients }) =>
    kernels.crossEntropyBackward(rowsOf(x), lastSize(x), workspace, labels.pointer, gradientOut, gradients.logits),
});

/** The loss of every row, times its weight where a mask gives one. */
export const softmaxCrossEntropyRowsOp = defineOp({
  name: "softmaxCrossEntropy",
  inputs: { logits: "float32", labels: "int32", mask: "float32?" },
  shape: ({ logits, labels, mask }) => {
    checkLabels("softmaxCrossEntropy", logits, labels, true);
    if (mask) checkRowMask("softmaxCrossEntropy", mask, labels.shape);
    return labels.shape;
  },
  workspace: ({ logits, labels }) => logits.size + labels.size,
  forward: (r) => {
    const { mask } = r.inputs;
    crossEntropy(r, mask?.pointer ?? 0, lossesOf(r));
    if (mask) r.kernels.mulKernel(r.output.size, lossesOf(r), 1, mask.pointer, 1, r.output.pointer);
    else r.kernels.copy(r.output.size, lossesOf(r), r.output.pointer);
  },
  backward: (r) => {
    const { kernels, workspace, gradientOut: dy } = r;
    const { logits: x, labels, mask } = r.inputs;
    const { logits: dx, mask: dMask } = r.gradients;
    const m = mask?.pointer ?? 0;
    if (dx !== 0) kernels.crossEntropyRowsBackward(rowsOf(x), lastSize(x), workspace, labels.pointer, m, dy, dx);
    if (dMask !== 0) kernels.mulKernel(r.output.size, dy, 1, lossesOf(r), 1, dMask);
  },
});

/** The options of every loss, and what softmaxCrossEntropy takes beside them. */
export interface CrossEntropyOptions extends LossOptions {
  /** Share of every target that is spread over all classes evenly, in 0..1; 0 by default. Source: Szegedy et al. 2016, section 7. */
  readonly labelSmoothing?: number;
  /** A weight >= 0 for every class, [classes]: that of its label weighs a row, and "mean" divides by the sum of them. */
  readonly classWeights?: TensorLike;
}

const CROSS_ENTROPY: Rules<CrossEntropyOptions> = {
  ...LOSS_RULES,
  labelSmoothing: number("in 0..1", (v) => v >= 0 && v <= 1),
  classWeights: anything,
};

/**
 * -log softmax(logits)[label] of every row, by default their mean. Instead of class numbers the labels may be probabilities (or
 * other weights >= 0) t of all classes: -sum of t log softmax(logits). With classWeights, class numbers and "mean", the sum is
 * divided by the sum of the labels' weights, as PyTorch does. Labels, targets and class weights are data: no gradient.
 *
 * Shapes: logits [.., classes], labels int32 [..] or float32 [.., classes], mask [..], classWeights [classes] -> scalar; [..]
 * with reduction "none".
 * Throws RangeError naming the first label outside 0..classes-1, or the first target or class weight below 0; ShapeError when the
 * shapes do not fit, TypeError for float32 class numbers and for options that are none. A mask of only zeros has the mean NaN.
 * Example: `softmaxCrossEntropy(x, [0, 2], { reduction: "sum", mask: [1, 0] })`;
 * `softmaxCrossEntropy(x, [[0.9, 0.1, 0], [0, 0.5, 0.5]])`;
 * `softmaxCrossEntropy(x, [0, 2], { labelSmoothing: 0.1, classWeights: [1, 2, 1] })`
 */
export function softmaxCrossEntropy(logits: TensorLike, labels: Labels, options?: CrossEntropyOptions): Tensor {
  const name = "softmaxCrossEntropy";
  const y = labelsOf(name, logits, labels, true);
  const hard = y?.dtype !== "float32";
  if (options === undefined && hard) return run(softmaxCrossEntropyOp, undefined, logits, y);
  const { mask, reduction, labelSmoothing = 0, classWeights } = readOptions(name, options, CROSS_ENTROPY);
  const weights = mask === undefined ? undefined : asMask(mask);
  if (hard && labelSmoothing === 0 && classWeights === undefined) {
    if (weights === undefined && (reduction ?? "mean") === "mean")
      return run(softmaxCrossEntropyOp, undefined, logits, y);
    const rows = run(softmaxCrossEntropyRowsOp, undefined, logits, y, weights);
    return reduceLosses(rows, { reduction, mask: weights });
  }
  const given = { logits, labels: y, mask: weights, weights: classWeights };
  const rows = runNamed(softCrossEntropyOp, { smoothing: labelSmoothing }, given);
  const divisor =
    hard && classWeights !== undefined && (reduction ?? "mean") === "mean"
      ? run(labelWeightsOp, undefined, y, classWeights, weights)
      : weights;
  return reduceLosses(rows, { reduction, mask: divisor });
}

export const accuracyOp = defineOp({
  name: "accuracy",
  inputs: { logits: "float32", labels: "any", mask: "float32?" },
  shape: ({ logits, labels, mask }) => {
    checkLabels("accuracy", logits, labels);
    if (mask) checkRowMask("accuracy", mask, labels.shape);
    return [];
  },
  workspace: ({ labels }) => labels.size,
  forward: ({ kernels, workspace, inputs: { logits, labels, mask }, output }) => {
    const n = lastSize(logits);
    const rows = rowsOf(logits);
    const bad = kernels.correctRows(rows, n, logits.pointer, labels.pointer, mask?.pointer ?? 0, workspace);
    checkFoundLabel("accuracy", bad, labels, n);
    const all = mask ? kernels.sum(rows, mask.pointer) : rows;
    kernels.fill(1, kernels.sum(rows, workspace) / all, output.pointer);
  },
  backward: null,
});

/** Which rows an accuracy counts. */
export interface AccuracyOptions {
  /** A weight for every row, often 0 or 1. Where it is 0 the label may be anything; the sum of all divides. */
  readonly mask?: TensorLike;
}

const ACCURACY: Rules<AccuracyOptions> = { mask: anything };

/**
 * Share of rows whose first largest logit is at the label; a row with NaN is never right. No gradient.
 * Shapes: logits [.., classes], labels int32 [..], mask [..] -> scalar.
 * Throws RangeError naming the first label outside 0..classes-1, ShapeError when the shapes do not fit, TypeError for labels
 * that are no class numbers. A mask of only zeros has the accuracy NaN.
 * Example: `accuracy(x, [2, 1])`; `accuracy(x, [2, -1], { mask: [1, 0] })`
 */
export function accuracy(logits: TensorLike, labels: Labels, options?: AccuracyOptions): Tensor {
  const { mask } = readOptions("accuracy", options, ACCURACY);
  const y = labelsOf("accuracy", logits, labels, false);
  return run(accuracyOp, undefined, logits, y, mask === undefined ? undefined : asMask(mask));
}
