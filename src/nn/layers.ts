// Layers: plain objects { init(key), apply(params, x, context?) }. There is nothing to inherit from.
import { checkInteger, show } from "../base/errors.js";
import { func, number, type Rules, readOptions } from "../base/options.js";
import { checkKey, foldIn, type Key } from "../core/random.js";
import { full, isTensor, type Tensor } from "../core/tensor.js";
import { dropout as dropoutOp } from "../ops/elementwise/dropout.js";
import { relu } from "../ops/elementwise/index.js";
import { linear as linearOp } from "../ops/product/matmul.js";
import { biasRule, entriesOf, initial, initRule, misapplied } from "./checks.js";
import { drawKey, isTraining, layerKey } from "./context.js";
import type { Initializer } from "./init.js";
import * as initializers from "./init.js";

/** What a layer may need besides its parameters. */
export interface LayerContext {
  /** Fresh every step; dropout draws from it, apart at every call that is given this context. */
  readonly key?: Key;
  /** Whether dropout drops, and batch norm takes the batch's own statistics. */
  readonly training?: boolean;
}

/** A layer: how its parameters start, and what it makes of an input. A plain object; there is nothing to inherit from. */
export interface Layer<P> {
  init(key: Key): P;
  apply(params: P, x: Tensor, context?: LayerContext): Tensor;
}

/**
 * A layer with a state that is not trained. Nothing is changed in place: `apply` takes the state and returns the next,
 * which the loss hands on to the trainer.
 */
export interface StatefulLayer<P, S> {
  init(key: Key): P;
  /** The state before the first step: part of the trainer's `state`. */
  start(): S;
  /** `context.training` decides; without it the state is used and returned as it is. */
  apply(params: P, x: Tensor, state: S, context?: LayerContext): { output: Tensor; state: S };
}

/** What a linear layer learns. */
export interface LinearParams {
  /** [nIn, nOut]. */
  weight: Tensor;
  /** [nOut]. */
  bias: Tensor;
}

/** How a linear layer starts. */
export interface LinearOptions {
  /** Of the weight; He by default. */
  init?: Initializer;
  /** Value of every bias at the start, 0 by default. */
  bias?: number;
}

const startRules: Rules<LinearOptions> = { init: initRule, bias: biasRule };
const LINEAR = ["weight", "bias"];

/**
 * x W + b.
 * Shapes: [.., nIn] -> [.., nOut]; weight [nIn, nOut], bias [nOut].
 * Throws RangeError for sizes that are no integers >= 1, TypeError for unknown options. Example: `nn.linear(784, 10)`
 */
export function linear(nIn: number, nOut: number, options?: LinearOptions): Layer<LinearParams> {
  checkInteger("linear", "nIn", nIn, 1);
  checkInteger("linear", "nOut", nOut, 1);
  const given = typeof options === "boolean" ? { bias: options } : options; // other libraries' third argument
  return dense(nIn, nOut, readOptions("linear", given, startRules));
}

/** A linear layer of checked sizes and options. */
function dense(nIn: number, nOut: number, { init = initializers.he, bias = 0 }: LinearOptions): Layer<LinearParams> {
  return {
    init: (key) => ({ weight: initial("linear", init, key, [nIn, nOut]), bias: full([nOut], bias) }),
    apply: (params, x) => {
      if (params?.weight === undefined || params.bias === undefined || x === undefined)
        misapplied("linear", params, x, LINEAR);
      return linearOp(x, params.weight, params.bias);
    },
  };
}

/** What a multi-layer perceptron learns, layer by layer. */
export interface MlpParams {
  layers: LinearParams[];
}

/** What lies between the layers, and how they start. */
export interface MlpOptions extends LinearOptions {
  /** Between layers; ReLU by default, fused into the product. */
  activation?: (x: Tensor) => Tensor;
  /** Probability of dropping a hidden unit while training, 0 by default. */
  dropout?: number;
}

const mlpRules: Rules<MlpOptions> = {
  activation: func('a function such as tanh (import { tanh } from "gradnoise")'),
  dropout: number("in 0 <= dropout < 1", (v) => v >= 0 && v < 1),
  ...startRules,
};

/** The sizes, copied. Throws TypeError for what is no array, RangeError for fewer than two or one that is no integer >= 1. */
function sizesOf(given: unknown, rest: readonly unknown[]): number[] {
  const way = "Write inputs, hidden units and outputs: nn.mlp([784, 50, 10])";
  if (!Array.isArray(given)) {
    const sizes = [given, ...rest].filter((size) => typeof size === "number");
    throw new TypeError(
      `mlp: expected an array of sizes, got ${show(given)}. ${sizes.length > 1 ? `Write nn.mlp([${sizes.join(", ")}])` : way}`,
    );
  }
  if (given.length < 2) throw new RangeError(`mlp: expected at least two sizes, got ${show(given)}. ${way}`);
  const sizes: unknown[] = Array.from(given);
  return sizes.map((size, i) => {
    checkInteger("mlp", `sizes[${i}]`, size, 1);
    return size;
  });
}

/**
 * A multi-layer perceptron: linear layers with an activation between them.
 *
 * Shapes: [.., sizes[0]] -> [.., sizes.at(-1)]. Layer i draws its weights from foldIn(key, i).
 * Throws RangeError for fewer than two sizes, TypeError for what is no array of them and for unknown options; `apply` with
 * dropout throws TypeError in training without the loss's context.
 * Example: `nn.mlp([784, ...Array(20).fill(50), 10], { init: nn.init.zeros })`
 */
export function mlp(sizes: readonly number[], options?: MlpOptions): Layer<MlpParams>;
export function mlp(sizes: readonly number[], options?: MlpOptions, ...rest: unknown[]): Layer<MlpParams> {
  const own = sizesOf(sizes, [options, ...rest]);
  const named = typeof options === "string" ? { activation: options } : options;
  const { activation = relu, dropout = 0, ...start } = readOptions("mlp", named as MlpOptions, mlpRules);
  const layers = own.slice(1).map((size, i) => dense(own[i], size, start));
  const last = layers.length - 1;
  const activate = (x: Tensor): Tensor => {
    const y: unknown = activation(x);
    if (!isTensor(y)) throw new TypeError(`mlp: "activation" returned ${show(y)}; it returns a tensor`);
    return y;
  };
  return {
    init: (key) => {
      checkKey("mlp.init", key);
      return { layers: layers.map((layer, i) => layer.init(foldIn(key, i))) };
    },
    apply(params, input, context) {
      if (params?.layers === undefined || input === undefined) misapplied("mlp", params, input, ["layers"]);
      const given = entriesOf("mlp", "params.layers", params.layers, layers.length);
      const drops = dropout > 0 && isTraining("mlp", context, "model.apply(params, x, context)");
      const own = drops && last > 0 ? drawKey("mlp", context!) : undefined;
      let x = input;
      for (let i = 0; i <= last; i++) {
        const layer = given[i];
        if (layer?.weight === undefined || layer.bias === undefined)
          misapplied(`mlp: layer ${i}`, layer, input, LINEAR);
        if (i === last || activation !== relu) x = linearOp(x, layer.weight, layer.bias);
        else x = linearOp(x, layer.weight, layer.bias, WITH_RELU);
        if (i === last) break;
        if (activation !== relu) x = activate(x);
        if (own) x = dropoutOp(x, dropout, layerKey(own, i));
      }
      return x;
    },
  };
}

const WITH_RELU = Object.freeze({ relu: true });
