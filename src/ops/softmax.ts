// Softmax and its cross-entropy.
import { ShapeError } from "../base/errors.js";
import { checkAxis, sameShape, showShape } from "../base/shape.js";
import type { OpRecord } from "../core/tape.js";
import { isTensor, type Tensor } from "../core/tensor.js";
import { defineOp, run, type TensorLike } from "./define.js";
import { transpose } from "./layout.js";
import { type LossOptions, reduceLosses } from "./losses.js";
import { rankOf } from "./reduce.js";

const lastSize = (t: Tensor): number => t.shape[t.rank - 1];

export const softmaxOp = defineOp({
  name: "softmax",
  shape: ([x]) => {
    if (x.rank < 1 || lastSize(x) === 0)
      throw new ShapeError(`softmax: ${showShape(x.shape)} has no classes along its axis`);
    return x.shape;
  },
  workspace: ([x]) => lastSize(x),
  forward: (r) => r.kernels.softmax(r.a.size / lastSize(r.a), lastSize(r.a), r.a.pointer, r.output.pointer),
  backward: (r) => {
    const n = lastSize(r.a);
    r.kernels.softmaxBackward(r.a.size / n, n, r.output.pointer, r.gradientOut, r.workspace, r.gradientIn[0]);
  },
});

/**
 * exp(x) / sum(exp(x)) along an axis, the last by default.
 * Shapes: unchanged. Throws ShapeError for an empty axis, RangeError for one that is not there. Example: `softmax(x, 0)`
 */
export function softmax(x: TensorLike, axis = -1): Tensor {
  const rank = rankOf(x);
  const at = checkAxis("softmax", axis, rank);
  if (at === rank - 1) return run(softmaxOp, undefined, x);
  const swap = Array.from({ length: rank }, (_, d) => (d === at ? rank - 1 : d === rank - 1 ? at : d));
  return transpose(run(softmaxOp, undefined, transpose(x, swap)), swap);
}

/** Checks that every row of logits has a label. */
function checkLabels(name: string, logits: Tensor, labels: Tensor): void {
  if (logits.rank < 1 || lastSize(logits) === 0 || !sameShape(logits.shape.slice(0, -1), labels.shape))
    throw new ShapeError(
      `${name}: logits ${showShape(logits.shape)} need labels ${showShape(logits.shape.slice(0, -1))}, got ${showShape(labels.shape)}`,
    );
}

const rowsOf = (x: Tensor): number => x.size / lastSize(x);

/** Losses of the rows into `losses`; probabilities stay in the workspace. Throws RangeError for a label outside the classes. */
function crossEntropy(r: OpRecord<undefined>, losses: number): void {
  const n = lastSize(r.a);
  const bad = r.kernels.crossEntropy(rowsOf(r.a), n, r.a.pointer, r.b!.pointer, r.c?.pointer ?? 0, r.workspace, losses);
  if (bad >= 0)
    throw new RangeError(`softmaxCrossEntropy: label ${r.b!.data[bad]} at position ${bad} is outside 0..${n - 1}`);
}

/** Where the losses of the rows lie in the workspace. */
const lossesOf = (r: OpRecord<undefined>): number => r.workspace + r.a.size * 4;

const crossEntropyWorkspace = ([logits, labels]: readonly Tensor[]): number => logits.size + labels.size;

export const softmaxCrossEntropyOp = defineOp({
  name: "softmaxCrossEntropy",
  needs: ["logits", "labels"],
  inputs: ["float32", "int32"],
  shape: ([logits, labels]) => {
    checkLabels("softmaxCrossEntropy", logits, labels);
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
    checkLabels("softmaxCrossEntropy", logits, labels);
    if (mask && !sameShape(mask.shape, labels.shape))
      throw new ShapeError(maskShape("softmaxCrossEntropy", mask, labels));
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

const maskShape = (name: string, mask: Tensor, labels: Tensor): string =>
  `${name}: the mask ${showShape(mask.shape)} must have the shape ${showShape(labels.shape)} of the labels`;

/**
 * -log softmax(logits)[label] of every row, by default their mean.
 *
 * Shapes: logits [.., classes], labels int32 [..], mask [..] -> scalar; [..] with reduction "none".
 * Throws RangeError naming the first label outside 0..classes-1, ShapeError when the shapes do not fit, TypeError for labels
 * that are not int32 or another reduction. A mask of only zeros has the mean NaN.
 * Example: `softmaxCrossEntropy(x, tensor([0, 2], { dtype: "int32" }), { reduction: "sum", mask: [1, 0] })`
 */
export function softmaxCrossEntropy(logits: TensorLike, labels: Tensor, options: LossOptions = {}): Tensor {
  const { reduction = "mean", mask } = options;
  if (reduction === "mean" && mask === undefined) return run(softmaxCrossEntropyOp, undefined, logits, labels);
  return reduceLosses("softmaxCrossEntropy", run(softmaxCrossEntropyRowsOp, undefined, logits, labels, mask), options);
}

export const accuracyOp = defineOp({
  name: "accuracy",
  inputs: ["float32", "int32"],
  shape: ([logits, labels]) => {
    checkLabels("accuracy", logits, labels);
    return [];
  },
  forward: (r) => {
    const n = lastSize(r.a);
    const rows = rowsOf(r.a);
    const correct = r.kernels.countCorrect(rows, n, r.a.pointer, r.b!.pointer);
    if (correct < 0)
      throw new RangeError(
        `accuracy: label ${r.b!.data[-1 - correct]} at position ${-1 - correct} is outside 0..${n - 1}`,
      );
    r.kernels.fill(1, correct / rows, r.output.pointer);
  },
  backward: null,
});

/**
 * Share of rows whose first largest logit is at the label. No gradient.
 * Shapes: logits [.., classes], labels int32 [..] -> scalar.
 * Throws RangeError naming the first label outside 0..classes-1, ShapeError when the shapes do not fit, TypeError for labels
 * that are no int32 tensor.
 * Example: `accuracy(x, tensor([2, 1], { dtype: "int32" }))`
 */
export const accuracy = (logits: TensorLike, labels: Tensor): Tensor => {
  if (!isTensor(labels))
    throw new TypeError('accuracy: labels must be an int32 tensor: tensor(values, { dtype: "int32" })');
  return run(accuracyOp, undefined, logits, labels);
};
