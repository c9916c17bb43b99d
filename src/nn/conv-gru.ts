// The Neural GPU's convolutional gated recurrent unit: it has no input, the state [batch, length, height, maps] is the tape.
import { checkInteger, show } from "../base/errors.js";
import { func, type Rules, readOptions } from "../base/options.js";
import { checkKey, foldIn, type Key } from "../core/random.js";
import { isTensor, type Tensor, zeros } from "../core/tensor.js";
import { mul, saturatingSigmoid, sigmoid } from "../ops/elementwise/index.js";
import { lerp } from "../ops/elementwise/lerp.js";
import { type ConvActivation, conv2d as conv2dOp } from "../ops/image/conv.js";
import { float32, initRule, misapplied } from "./checks.js";
import { type Conv2dParams, conv2d, pair } from "./conv.js";
import { glorot, type Initializer } from "./init.js";

/** A convolution for each gate and the candidate. */
export interface ConvGruParams {
  reset: Conv2dParams;
  update: Conv2dParams;
  candidate: Conv2dParams;
}

/** Kernel size, gate function and initial values of a convolutional GRU. */
export interface ConvGruOptions {
  /** Of the kernels: 3 or [3, 3] by default. */
  size?: number | readonly [number, number];
  /** Sigmoid by default; the Neural GPU's is `saturatingSigmoid`. */
  gate?: (x: Tensor) => Tensor;
  /** Biases of both gates at the start, 1 by default: the state is kept. */
  gateBias?: number;
  /** Of the kernels; Glorot by default. */
  init?: Initializer;
}

/** A cell whose state is an image of maps, and which takes no input. */
export interface ConvGruCell {
  init(key: Key): ConvGruParams;
  /** Zeros [batch, length, height, maps]. */
  start(batch: number, length: number, height: number): Tensor;
  /** The state after one more step. */
  apply(params: ConvGruParams, state: Tensor): Tensor;
}

const rules: Rules<ConvGruOptions> = {
  size: pair(1),
  gate: func('a function such as saturatingSigmoid (import { saturatingSigmoid } from "gradnoise")'),
  gateBias: float32,
  init: initRule,
};
const CONV_GRU = ["reset", "update", "candidate"];

/**
 * A convolutional GRU: s' = u s + (1 - u) tanh(U * (r s) + B), with the gates r and u = gate(U' * s + B').
 *
 * Shapes: state [batch, length, height, maps] -> the same; kernels [3, 3, maps, maps], biases [maps].
 * Throws RangeError for sizes that are no integers >= 1, TypeError for unknown options.
 * Example: `nn.convGru(4).apply(nn.convGru(4).init(key), zeros([2, 5, 3, 4]))`
 * Source: Kaiser & Sutskever 2016, arXiv 1511.08228, equation 1
 */
export function convGru(maps: number, options?: ConvGruOptions): ConvGruCell {
  checkInteger("convGru", "maps", maps, 1);
  const { size = 3, gate = sigmoid, gateBias = 1, init = glorot } = readOptions("convGru", options, rules);
  const gates = conv2d(maps, maps, size, { init, bias: gateBias });
  const candidate = conv2d(maps, maps, size, { init });
  // the built-in functions run in the convolution, in place
  const convolve = ({ weight, bias }: Conv2dParams, s: Tensor, activation?: ConvActivation): Tensor =>
    conv2dOp(s, weight, bias, { padding: "same", ...(activation && { activation }) });
  const builtIn = new Map<unknown, ConvActivation>([
    [sigmoid, "sigmoid"],
    [saturatingSigmoid, "saturatingSigmoid"],
  ]).get(gate);
  const gated = (params: Conv2dParams, s: Tensor): Tensor => {
    if (builtIn) return convolve(params, s, builtIn);
    const y: unknown = gate(convolve(params, s));
    if (!isTensor(y)) throw new TypeError(`convGru: "gate" returned ${show(y)}; it returns a tensor`);
    return y;
  };
  return {
    init(key) {
      checkKey("convGru.init", key);
      return {
        reset: gates.init(foldIn(key, 0)),
        update: gates.init(foldIn(key, 1)),
        candidate: candidate.init(foldIn(key, 2)),
      };
    },
    start(batch, length, height) {
      checkInteger("convGru", "batch", batch);
      checkInteger("convGru", "length", length, 1);
      checkInteger("convGru", "height", height, 1);
      return zeros([batch, length, height, maps]);
    },
    apply(params, s) {
      if (!params?.reset || !params.update || !params.candidate || s === undefined)
        misapplied("convGru", params, s, CONV_GRU, "cell.apply(params, state)");
      const u = gated(params.update, s);
      const r = gated(params.reset, s);
      return lerp(convolve(params.candidate, mul(r, s), "tanh"), s, u);
    },
  };
}
