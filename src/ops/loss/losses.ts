// What every loss shares: how positions are weighed and reduced; and the cross-entropy of sigmoids.
import { ShapeError } from "../../base/errors.js";
import { anything, oneOf, type Rules } from "../../base/options.js";
import { type Shape, sameShape, showShape, sizeOf } from "../../base/shape.js";
import type { Tensor } from "../../core/tensor.js";
import { defineOp, run, type TensorLike } from "../define.js";
import { cast } from "../elementwise/cast.js";
import { div } from "../elementwise/index.js";
import { broadcastTo } from "../layout/layout.js";
import { mean, sum } from "../reduce/reduce.js";

/** How a loss becomes one number, and which of its positions count. */
export interface LossOptions {
  /** "mean" over what counts (the default), "sum", or "none": the loss of every position. */
  readonly reduction?: "mean" | "sum" | "none";
  /**
   * A weight for every position, often 0 or 1. Where it is 0 the label may be anything, and the gradient by it is that of a loss
   * of 0; "mean" divides by the sum of all.
   */
  readonly mask?: TensorLike;
}

/** How every loss reads its options. @internal */
export const LOSS_RULES: Rules<LossOptions> = { reduction: oneOf("mean", "sum", "none"), mask: anything };

/** A mask as float32, whichever numbers it was given in. @internal */
export const asMask = (mask: TensorLike): Tensor => cast(mask, "float32");

/** Weighted losses as `reduction` says; the mask's sum divides their mean. */
export function reduceLosses(losses: Tensor, { reduction = "mean", mask }: LossOptions): Tensor {
  if (reduction === "none") return losses;
  if (reduction === "sum") return sum(losses);
  return mask === undefined ? mean(losses) : div(sum(losses), sum(mask));
}

/** The mask stretched to the shape of the losses, axis by axis. Throws ShapeError where it does not fit. */
export function stretchMask(name: string, mask: TensorLike, shape: Shape): Tensor {
  const own = asMask(mask);
  if (own.rank !== 0 && (own.rank !== shape.length || own.shape.some((n, d) => n !== 1 && n !== shape[d])))
    throw new ShapeError(
      `${name}: the mask ${showShape(own.shape)} must have the shape ${showShape(shape)} of the losses, with sizes of 1 where it is to be stretched. Use reshape(mask, ${own.size === sizeOf(shape) ? showShape(shape) : "[...]"})`,
    );
  return broadcastTo(own, shape);
}

export const keepOp = defineOp({
  name: "keep",
  inputs: { x: "float32", mask: "float32" },
  shape: ({ x, mask }) => {
    if (!sameShape(x.shape, mask.shape))
      throw new ShapeError(`keep: ${showShape(x.shape)} needs a mask of its shape, got ${showShape(mask.shape)}`);
    return x.shape;
  },
  forward: ({ kernels, inputs: { x, mask }, output }) => kernels.keep(x.size, mask.pointer, x.pointer, output.pointer),
  backward: ({ kernels, inputs: { x, mask }, gradientOut, gradients: { x: dx, mask: dMask } }) => {
    if (dx !== 0) kernels.keep(x.size, mask.pointer, gradientOut, dx);
    if (dMask !== 0) kernels.fill(x.size, 0, dMask);
  },
});

/** x where the mask, of its shape, is not 0, and 0 elsewhere, whatever x is there. @internal */
export const keep = (x: TensorLike, mask: Tensor): Tensor => run(keepOp, undefined, x, mask);

/** Of every logit: max(x, 0) - x t + log(1 + e^-|x|). Targets are data: their gradient is 0. */
export const sigmoidCrossEntropyOp = defineOp({
  name: "sigmoidCrossEntropy",
  inputs: { logits: "float32", targets: "float32" },
  shape: ({ logits: x, targets: t }) => {
    if (!sameShape(x.shape, t.shape))
      throw new ShapeError(
        `sigmoidCrossEntropy: logits ${showShape(x.shape)} needs targets of its shape, got ${showShape(t.shape)}`,
      );
    return x.shape;
  },
  forward: ({ kernels, inputs: { logits, targets }, output }) =>
    kernels.sigmoidCrossEntropy(logits.size, logits.pointer, targets.pointer, output.pointer),
  // dx = (sigmoid(x) - t) dy
  backward: ({ kernels, inputs, output: { size: n }, gradientOut: dy, gradients: { logits: dx, targets: dt } }) => {
    if (dx !== 0) {
      kernels.sigmoidKernel(n, inputs.logits.pointer, dx);
      kernels.subKernel(n, dx, 1, inputs.targets.pointer, 1, dx);
      kernels.mulKernel(n, dx, 1, dy, 1, dx);
    }
    if (dt !== 0) kernels.fill(n, 0, dt);
  },
});
