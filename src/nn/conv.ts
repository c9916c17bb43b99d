// Convolutional layers over images [batch, height, width, channels].
import { checkInteger } from "../base/errors.js";
import type { Tensor } from "../core/tensor.js";
import { type Conv2dOptions, conv2d as conv2dOp, pairOf } from "../ops/conv.js";
import { constant, he, type Initializer } from "./init.js";
import type { Layer } from "./layers.js";

/** What a convolutional layer learns. */
export interface Conv2dParams {
  /** [kh, kw, in, out]. */
  weight: Tensor;
  /** [out]. */
  bias: Tensor;
}

/** Options of the layer: those of the op, and how it starts. */
export interface Conv2dLayerOptions extends Conv2dOptions {
  /** Of the weight; He by default. */
  readonly init?: Initializer;
  /** Value of every bias at the start, 0 by default. */
  readonly bias?: number;
}

/**
 * A convolution plus bias, optionally through an activation.
 *
 * Shapes: [batch, height, width, nIn] -> [batch, outHeight, outWidth, nOut]; weight [kh, kw, nIn, nOut], bias [nOut].
 * Throws RangeError for sizes that are no integers >= 1. `size` is the kernel's: a number or [height, width].
 * Example: `nn.conv2d(1, 8, 3, { padding: "same", activation: "relu" })`
 */
export function conv2d(
  nIn: number,
  nOut: number,
  size: number | readonly [number, number],
  options: Conv2dLayerOptions = {},
): Layer<Conv2dParams> {
  checkInteger("conv2d", "nIn", nIn, 1);
  checkInteger("conv2d", "nOut", nOut, 1);
  const [kh, kw] = pairOf("conv2d", "size", size);
  const { init = he, bias = 0, ...own } = options;
  return {
    init: (key) => ({ weight: init(key, [kh, kw, nIn, nOut]), bias: constant(bias)(key, [nOut]) }),
    apply: (params, x) => conv2dOp(x, params.weight, params.bias, own),
  };
}
