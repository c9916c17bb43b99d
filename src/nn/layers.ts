// Layers: plain objects { init(key), apply(params, x, context?) }. There is nothing to inherit from.
import { checkInteger, checkNumber, show } from "../base/errors.js";
import { foldIn, type Key } from "../core/random.js";
import type { Tensor } from "../core/tensor.js";
import { dropout as dropoutOp } from "../ops/dropout.js";
import { relu } from "../ops/elementwise.js";
import { linear as linearOp } from "../ops/matmul.js";
import type { Initializer } from "./init.js";
import * as initializers from "./init.js";

/** What a layer may need besides its parameters. */
export interface LayerContext {
  /** Fresh every step; dropout draws from it. */
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

/**
 * x W + b.
 * Shapes: [.., nIn] -> [.., nOut]; weight [nIn, nOut], bias [nOut].
 * Throws RangeError for sizes that are no integers >= 1. Example: `nn.linear(784, 10)`
 */
export function linear(nIn: number, nOut: number, options: LinearOptions = {}): Layer<LinearParams> {
  checkInteger("linear", "nIn", nIn, 1);
  checkInteger("linear", "nOut", nOut, 1);
  const { init = initializers.he, bias = 0 } = options;
  return {
    init: (key) => ({ weight: init(key, [nIn, nOut]), bias: initializers.constant(bias)(key, [nOut]) }),
    apply: (params, x) => linearOp(x, params.weight, params.bias),
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

/**
 * A multi-layer perceptron: linear layers with an activation between them.
 *
 * Shapes: [.., sizes[0]] -> [.., sizes.at(-1)]. Layer i draws its weights from foldIn(key, i).
 * Throws RangeError for fewer than two sizes. Example: `nn.mlp([784, ...Array(20).fill(50), 10], { init: nn.init.zeros })`
 */
export function mlp(sizes: readonly number[], options: MlpOptions = {}): Layer<MlpParams> {
  if (!Array.isArray(sizes) || sizes.length < 2)
    throw new RangeError(`mlp: expected at least two sizes, got ${show(sizes)}`);
  const { activation = relu, dropout = 0 } = options;
  checkNumber("mlp", "dropout", dropout, "in 0 <= dropout < 1", (v) => v >= 0 && v < 1);
  const layers = sizes.slice(1).map((size, i) => linear(sizes[i], size, options));
  return {
    init: (key) => ({ layers: layers.map((layer, i) => layer.init(foldIn(key, i))) }),
    apply(params, input, context) {
      let x = input;
      params.layers.forEach(({ weight, bias }, i) => {
        if (i === layers.length - 1) {
          x = linearOp(x, weight, bias);
          return;
        }
        x = activation === relu ? linearOp(x, weight, bias, { relu: true }) : activation(linearOp(x, weight, bias));
        if (dropout > 0 && context?.training) {
          if (!context.key)
            throw new TypeError(
              "mlp: dropout needs a key; pass the loss's context on: model.apply(params, x, context)",
            );
          x = dropoutOp(x, dropout, foldIn(context.key, i));
        }
      });
      return x;
    },
  };
}
