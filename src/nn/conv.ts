// Convolutional layers over images [batch, height, width, channels].
import { checkInteger } from "../base/errors.js";
import { copyOf, oneOf, type Rule, type Rules, readOptions } from "../base/options.js";
import { full, type Tensor } from "../core/tensor.js";
import { type Conv2dOptions, checkPadding, conv2d as conv2dOp, pairOf } from "../ops/image/conv.js";
import { biasRule, initial, initRule, misapplied } from "./checks.js";
import { he, type Initializer } from "./init.js";
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

/** A number for both height and width, or one for each: a frozen pair. */
export const pair =
  (least: number): Rule =>
  (owner, name, value) =>
    Object.freeze(pairOf(owner, name, value, least));

const rules: Rules<Conv2dLayerOptions> = {
  stride: pair(1),
  padding: (_, __, value) => copyOf(checkPadding(value)),
  activation: oneOf("relu", "sigmoid", "tanh", "saturatingSigmoid", "saturatingTanh"),
  init: initRule,
  bias: biasRule,
};
const CONV2D = ["weight", "bias"];

/**
 * A convolution plus bias, optionally through an activation.
 *
 * Shapes: [batch, height, width, nIn] -> [batch, outHeight, outWidth, nOut]; weight [kh, kw, nIn, nOut], bias [nOut].
 * Throws RangeError for sizes that are no integers >= 1, TypeError for unknown options. `size` is the kernel's: a number
 * or [height, width].
 * Example: `nn.conv2d(1, 8, 3, { padding: "same", activation: "relu" })`
 */
export function conv2d(
  nIn: number,
  nOut: number,
  size: number | readonly [number, number],
  options?: Conv2dLayerOptions,
): Layer<Conv2dParams> {
  checkInteger("conv2d", "nIn", nIn, 1);
  checkInteger("conv2d", "nOut", nOut, 1);
  const [kh, kw] = pairOf("conv2d", "size", size);
  const { init = he, bias = 0, ...own } = readOptions("conv2d", options, rules);
  Object.freeze(own);
  return {
    init: (key) => ({ weight: initial("conv2d", init, key, [kh, kw, nIn, nOut]), bias: full([nOut], bias) }),
    apply(params, x) {
      if (params?.weight === undefined || params.bias === undefined || x === undefined)
        misapplied("conv2d", params, x, CONV2D);
      return conv2dOp(x, params.weight, params.bias, own);
    },
  };
}
