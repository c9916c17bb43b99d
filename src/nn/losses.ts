// Losses of predictions against targets, position by position. Each takes the options of softmaxCrossEntropy but those of classes.
import { ShapeError, show } from "../base/errors.js";
import { number, type Rules, readOptions } from "../base/options.js";
import { sameShape, showShape } from "../base/shape.js";
import { isTensor, type Tensor, tensor } from "../core/tensor.js";
import { run, type TensorLike } from "../ops/define.js";
import { clip, mul, sub } from "../ops/elementwise/index.js";
import { broadcastTo } from "../ops/layout/layout.js";
import {
  keep,
  LOSS_RULES,
  type LossOptions,
  reduceLosses,
  sigmoidCrossEntropyOp,
  stretchMask,
} from "../ops/loss/losses.js";

/** An operand of a loss as a float32 tensor. */
function operand(owner: string, name: string, value: TensorLike): Tensor {
  if (value === undefined || (!isTensor(value) && typeof value !== "number" && !Array.isArray(value)))
    throw new TypeError(
      `${owner}: "${name}" expected a tensor, a number or an array of numbers, got ${show(value)}${value === undefined ? ". Check the name it is read from" : ""}`,
    );
  const t = isTensor(value) ? value : tensor(value);
  if (t.dtype !== "float32")
    throw new TypeError(
      `${owner}: "${name}" ${showShape(t.shape)} is ${t.dtype}, expected float32. Use cast(${name}, "float32")`,
    );
  return t;
}

/** Predictions and targets of one shape; a scalar target may stand for all. Nothing else is stretched: [n] beside [n, 1] is a mistake. */
function pairOf(owner: string, names: readonly [string, string], x: TensorLike, y: TensorLike): [Tensor, Tensor] {
  const [a, b] = [operand(owner, names[0], x), operand(owner, names[1], y)];
  if (sameShape(a.shape, b.shape) || b.rank === 0) return [a, b];
  const [wanted, got] = [showShape(a.shape), showShape(b.shape)];
  const hint =
    a.size === b.size
      ? `. Use reshape(${names[1]}, ${wanted})`
      : b.size < a.size
        ? `. Where it is meant to be stretched, use broadcastTo(${names[1]}, ${wanted})`
        : "";
  throw new ShapeError(`${owner}: ${names[0]} ${wanted} needs ${names[1]} of its shape, got ${got}${hint}`);
}

/** prediction - target, 0 where the mask leaves a position out; `loss` of it, weighed and reduced. */
function ofDifference(
  name: string,
  prediction: TensorLike,
  target: TensorLike,
  options: LossOptions,
  loss: (difference: Tensor) => Tensor,
): Tensor {
  const difference = sub(...pairOf(name, ["prediction", "target"], prediction, target));
  if (options.mask === undefined) return reduceLosses(loss(difference), options);
  const mask = stretchMask(name, options.mask, difference.shape);
  return reduceLosses(mul(loss(keep(difference, mask)), mask), { ...options, mask });
}

/**
 * (prediction - target)^2, by default their mean.
 *
 * Shapes: both of one shape, or a scalar target -> scalar, or the losses with reduction "none"; the mask has their shape, with
 * sizes of 1 where it is to be stretched.
 * Throws ShapeError when the shapes differ, TypeError for int32 and for options that are none.
 * Example: `nn.meanSquaredError(x, y, { reduction: "sum" })`
 */
export function meanSquaredError(prediction: TensorLike, target: TensorLike, options?: LossOptions): Tensor {
  const read = readOptions("meanSquaredError", options, LOSS_RULES);
  return ofDifference("meanSquaredError", prediction, target, read, (d) => mul(d, d));
}

/** The options of every loss, and where the square ends. */
export interface HuberOptions extends LossOptions {
  /** Where the square goes over into the line, 1 by default. */
  readonly delta?: number;
}

const HUBER: Rules<HuberOptions> = { delta: number("> 0 in float32", (v) => Math.fround(v) > 0), ...LOSS_RULES };

/**
 * d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2), for d = prediction - target; by default their mean.
 *
 * Shapes: as meanSquaredError.
 * Throws RangeError unless delta > 0, ShapeError when the shapes differ, TypeError for int32 and for options that are none.
 * Example: `nn.huber(x, y, { delta: 0.5 })`. Source: Huber 1964, Robust estimation of a location parameter
 */
export function huber(prediction: TensorLike, target: TensorLike, options?: HuberOptions): Tensor {
  const { delta = 1, ...rest } = readOptions("huber", options, HUBER);
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
 * Shapes: logits and targets [..], or a scalar target -> scalar, or [..] with reduction "none"; the mask as for meanSquaredError.
 * Throws ShapeError when the shapes differ, TypeError for int32 and for options that are none.
 * Example: `nn.sigmoidCrossEntropy(x, [[1, 0, 1], [0, 0, 1]])`
 */
export function sigmoidCrossEntropy(logits: TensorLike, targets: TensorLike, options?: LossOptions): Tensor {
  const name = "sigmoidCrossEntropy";
  const { mask: given, reduction } = readOptions(name, options, LOSS_RULES);
  const [x, scalar] = pairOf(name, ["logits", "targets"], logits, targets);
  const t = sameShape(x.shape, scalar.shape) ? scalar : broadcastTo(scalar, x.shape);
  if (given === undefined) return reduceLosses(run(sigmoidCrossEntropyOp, undefined, x, t), { reduction });
  const mask = stretchMask(name, given, x.shape);
  // of zeros the loss is log 2: left out as well, so that the mask has no gradient by it
  const losses = keep(run(sigmoidCrossEntropyOp, undefined, keep(x, mask), keep(t, mask)), mask);
  return reduceLosses(mul(losses, mask), { reduction, mask });
}
