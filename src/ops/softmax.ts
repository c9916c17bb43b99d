// Softmax and its cross-entropy.
import { ShapeError } from "../base/errors.js";
import { checkAxis, sameShape, showShape } from "../base/shape.js";
import { isTensor, type Tensor } from "../core/tensor.js";
import { defineOp, run, type TensorLike } from "./define.js";
import { transpose } from "./layout.js";
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

/** exp(x) / sum(exp(x)) along an axis, the last by default. Shapes: unchanged. Example: `softmax(logits)` */
export function softmax(x: TensorLike, axis = -1): Tensor {
  const rank = rankOf(x);
  const at = checkAxis("softmax", axis, rank);
  if (at === rank - 1) return run(softmaxOp, undefined, x);
  const swap = Array.from({ length: rank }, (_, d) => (d === at ? rank - 1 : d === rank - 1 ? at : d));
  return transpose(run(softmaxOp, undefined, transpose(x, swap)), swap);
}

export const softmaxCrossEntropyOp = defineOp({
  name: "softmaxCrossEntropy",
  inputs: ["float32", "int32"],
  shape: ([logits, labels]) => {
    if (logits.rank < 1 || logits.size === 0 || !sameShape(logits.shape.slice(0, -1), labels.shape))
      throw new ShapeError(
        `softmaxCrossEntropy: logits ${showShape(logits.shape)} need labels ${showShape(logits.shape.slice(0, -1))}, got ${showShape(labels.shape)}`,
      );
    return [];
  },
  workspace: ([logits, labels]) => logits.size + labels.size,
  forward: (r) => {
    const n = lastSize(r.a);
    const rows = r.a.size / n;
    const losses = r.workspace + r.a.size * 4;
    const bad = r.kernels.crossEntropy(rows, n, r.a.pointer, r.b!.pointer, r.workspace, losses);
    if (bad >= 0)
      throw new RangeError(`softmaxCrossEntropy: label ${r.b!.data[bad]} at position ${bad} is outside 0..${n - 1}`);
    r.kernels.sumRows(1, rows, losses, 1 / rows, r.output.pointer);
  },
  backward: (r) => {
    const n = lastSize(r.a);
    r.kernels.crossEntropyBackward(r.a.size / n, n, r.workspace, r.b!.pointer, r.gradientOut, r.gradientIn[0]);
  },
});

/**
 * Mean over all rows of -log softmax(logits)[label].
 *
 * Shapes: logits [.., classes], labels int32 [..] -> scalar.
 * Throws RangeError naming the first label outside 0..classes-1, ShapeError when the shapes do not fit.
 * Example: `softmaxCrossEntropy(logits, labels)`
 */
export const softmaxCrossEntropy = (logits: TensorLike, labels: Tensor): Tensor =>
  run(softmaxCrossEntropyOp, undefined, logits, labels);

export const accuracyOp = defineOp({
  name: "accuracy",
  inputs: ["float32", "int32"],
  shape: (inputs) => softmaxCrossEntropyOp.shape(inputs, undefined),
  forward: (r) => {
    const n = lastSize(r.a);
    const rows = r.a.size / n;
    const correct = r.kernels.countCorrect(rows, n, r.a.pointer, r.b!.pointer);
    if (correct < 0)
      throw new RangeError(
        `accuracy: label ${r.b!.data[-1 - correct]} at position ${-1 - correct} is outside 0..${n - 1}`,
      );
    r.kernels.fill(1, correct / rows, r.output.pointer);
  },
  backward: null,
});

/** Share of rows whose largest logit is at the label. Shapes: as softmaxCrossEntropy. No gradient. */
export const accuracy = (logits: TensorLike, labels: Tensor): Tensor => {
  if (!isTensor(labels))
    throw new TypeError('accuracy: labels must be an int32 tensor: tensor(values, { dtype: "int32" })');
  return run(accuracyOp, undefined, logits, labels);
};
