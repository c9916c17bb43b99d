// Losses of predictions against targets, position by position. Each takes the options of softmaxCrossEntropy.
import { checkNumber } from "../base/errors.js";
import { isTensor, type Tensor, tensor } from "../core/tensor.js";
import { run, type TensorLike } from "../ops/define.js";
import { clip, mul, sub } from "../ops/elementwise.js";
import {
  checkTargets,
  keep,
  type LossOptions,
  reduceLosses,
  sigmoidCrossEntropyOp,
  stretchMask,
} from "../ops/losses.js";

/** prediction - target, 0 where the mask leaves a position out; `loss` of it, weighed and reduced. */
function ofDifference(
  name: string,
  prediction: TensorLike,
  target: TensorLike,
  options: LossOptions,
  loss: (difference: Tensor) => Tensor,
): Tensor {
  const difference = sub(prediction, target);
  if (options.mask === undefined) return reduceLosses(name, loss(difference), options);
  const mask = stretchMask(name, options.mask, difference.shape);
  return reduceLosses(name, mul(loss(keep(difference, mask)), mask), { ...options, mask });
}

/**
 * (prediction - target)^2, by default their mean.
 *
 * Shapes: broadcast -> scalar, or the losses with reduction "none"; the mask broadcasts to the losses.
 * Throws ShapeError when the shapes do not fit, TypeError for another reduction.
 * Example: `nn.meanSquaredError(x, y, { reduction: "sum" })`
 */
export function meanSquaredError(prediction: TensorLike, target: TensorLike, options: LossOptions = {}): Tensor {
  return ofDifference("meanSquaredError", prediction, target, options, (d) => mul(d, d));
}

/** The options of every loss, and where the square ends. */
export interface HuberOptions extends LossOptions {
  /** Where the square goes over into the line, 1 by default. */
  readonly delta?: number;
}

/**
 * d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2), for d = prediction - target; by default their mean.
 *
 * Shapes: broadcast -> scalar, or the losses with reduction "none"; the mask broadcasts to the losses.
 * Throws RangeError unless delta > 0, ShapeError when the shapes do not fit, TypeError for another reduction.
 * Example: `nn.huber(x, y, { delta: 0.5 })`. Source: Huber 1964, Robust estimation of a location parameter
 */
export function huber(prediction: TensorLike, target: TensorLike, options: HuberOptions = {}): Tensor {
  const { delta = 1, ...rest } = options;
  checkNumber("huber", "delta", delta, "> 0", (v) => v > 0);
  return ofDifference("huber", prediction, target, rest, (d) => {
    // c (d - c / 2) with c = d within +-delta is both branches, and its gradient is c
    const c = clip(d, -delta, delta);
    return mul(c, sub(d, mul(c, 0.5)));
  });
}

/**
 * -t log(sigmoid(x)) - (1 - t) log(1 - sigmoid(x)) for logits x and targets t in 0..1, in a form that neither overflows nor
 * cancels; by default the mean. Targets are data: no gradient flows into them.
 *
 * Shapes: logits and targets [..] -> scalar, or [..] with reduction "none"; the mask broadcasts to the losses.
 * Throws ShapeError when the shapes differ, TypeError for another reduction.
 * Example: `nn.sigmoidCrossEntropy(x, [[1, 0, 1], [0, 0, 1]])`
 */
export function sigmoidCrossEntropy(logits: TensorLike, targets: TensorLike, options: LossOptions = {}): Tensor {
  const name = "sigmoidCrossEntropy";
  if (options.mask === undefined)
    return reduceLosses(name, run(sigmoidCrossEntropyOp, undefined, logits, targets), options);
  const [x, t] = [logits, targets].map((v) => (isTensor(v) ? v : tensor(v)));
  checkTargets(x, t);
  const mask = stretchMask(name, options.mask, x.shape);
  const losses = run(sigmoidCrossEntropyOp, undefined, keep(x, mask), keep(t, mask));
  return reduceLosses(name, mul(losses, mask), { ...options, mask });
}
