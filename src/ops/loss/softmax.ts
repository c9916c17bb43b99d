// Softmax and its cross-entropy.
import { anything, number, type Rules, readOptions } from "../../base/options.js";
import type { OpRecord } from "../../core/tape.js";
import type { Tensor } from "../../core/tensor.js";
import type { Value } from "../../core/value.js";
import { defineOp, run, type TensorLike } from "../define.js";
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
  shape: ([x]) => x.shape,
  workspace: ([x]) => lastSize(x),
  forward: (r) => r.kernels.softmax(rowsOf(r.a), lastSize(r.a), r.a.pointer, r.output.pointer),
  backward: (r) =>
    r.kernels.softmaxBackward(
      rowsOf(r.a),
      lastSize(r.a),
      r.output.pointer,
      r.gradientOut,
      r.workspace,
      r.gradientIn[0],
    ),
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

/** Losses of the rows into `losses`; probabilities stay in the workspace. Throws RangeError for a label outside the classes. */
function crossEntropy(r: OpRecord<undefined>, losses: number): void {
  const n = lastSize(r.a);
  const bad = r.kernels.crossEntropy(rowsOf(r.a), n, r.a.pointer, r.b!.pointer, r.c?.pointer ?? 0, r.workspace, losses);
  checkFoundLabel("softmaxCrossEntropy", bad, r.b!, n);
}

/** Where the losses of the rows lie in the workspace. */
const lossesOf = (r: OpRecord<undefined>): number => r.workspace + r.a.size * 4;

const crossEntropyWorkspace = ([logits, labels]: readonly Value[]): number => logits.size + labels.size;

export const softmaxCrossEntropyOp = defineOp({
  name: "softmaxCrossEntropy",
  needs: ["logits", "labels"],
  inputs: ["float32", "int32"],
  shape: ([logits, labels]) => {
    checkLabels("softmaxCrossEntropy", logits, labels, true);
    return [];
  },
  workspace: crossEntropyWorkspace,
  forward: (r) => {
    const rows = rowsOf(r.a);
    crossEntropy(r, lossesOf(r));
    r.kernels.sumRows(1, rows, lossesOf(r), 1 / rows, r.output.pointer);
  },
  backward: (r) =>
    r.kernels.crossEntropyBackward(
      rowsOf(r.a),
      lastSize(r.a),
      r.workspace,
      r.b!.pointer,
      r.gradientOut,
      r.gradientIn[0],
    ),
});

/** The loss of every row, times its weight where a mask gives one. */
export const softmaxCrossEntropyRowsOp = defineOp({
  name: "softmaxCrossEntropy",
  needs: ["logits", "labels"],
  inputs: ["float32", "int32", "float32"],
  shape: ([logits, labels, mask]) => {
    checkLabels("softmaxCrossEntropy", logits, labels, true);
    if (mask) checkRowMask("softmaxCrossEntropy", mask, labels.shape);
    return labels.shape;
  },
  workspace: crossEntropyWorkspace,
  forward: (r) => {
    crossEntropy(r, lossesOf(r));
    if (r.c) r.kernels.mulKernel(r.output.size, lossesOf(r), 1, r.c.pointer, 1, r.output.pointer);
    else r.kernels.copy(r.output.size, lossesOf(r), r.output.pointer);
  },
  backward: (r) => {
    const { kernels, gradientOut: dy, gradientIn } = r;
    const mask = r.c?.pointer ?? 0;
    if (gradientIn[0] !== 0)
      kernels.crossEntropyRowsBackward(rowsOf(r.a), lastSize(r.a), r.workspace, r.b!.pointer, mask, dy, gradientIn[0]);
    if (mask !== 0 && gradientIn[2] !== 0) kernels.mulKernel(r.output.size, dy, 1, lossesOf(r), 1, gradientIn[2]);
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
  const attributes = { smoothing: labelSmoothing, masked: weights !== undefined };
  const rest = classWeights === undefined ? undefined : [classWeights];
  const rows = run(softCrossEntropyOp, attributes, logits, y, weights, rest);
  const divisor =
    hard && classWeights !== undefined && (reduction ?? "mean") === "mean"
      ? run(labelWeightsOp, undefined, y, classWeights, weights)
      : weights;
  return reduceLosses(rows, { reduction, mask: divisor });
}

export const accuracyOp = defineOp({
  name: "accuracy",
  needs: ["logits", "labels"],
  inputs: ["float32", "any", "float32"],
  shape: ([logits, labels, mask]) => {
    checkLabels("accuracy", logits, labels);
    if (mask) checkRowMask("accuracy", mask, labels.shape);
    return [];
  },
  workspace: ([, labels]) => labels.size,
  forward: (r) => {
    const { kernels, workspace, c: mask } = r;
    const n = lastSize(r.a);
    const rows = rowsOf(r.a);
    const bad = kernels.correctRows(rows, n, r.a.pointer, r.b!.pointer, mask?.pointer ?? 0, workspace);
    checkFoundLabel("accuracy", bad, r.b!, n);
    const all = mask ? kernels.sum(rows, mask.pointer) : rows;
    kernels.fill(1, kernels.sum(rows, workspace) / all, r.output.pointer);
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
