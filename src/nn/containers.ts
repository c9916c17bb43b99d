// Layers made of layers: one after another, and around a shortcut.
import { ShapeError, show } from "../base/errors.js";
import { sameShape, showShape } from "../base/shape.js";
import { foldIn, type Key } from "../core/random.js";
import type { Tensor } from "../core/tensor.js";
import { add } from "../ops/elementwise.js";
import { reshape } from "../ops/layout.js";
import type { Layer, LayerContext, StatefulLayer } from "./layers.js";

/** A layer, or a function without parameters such as an activation. */
export type LayerLike = Layer<any> | StatefulLayer<any, any> | ((x: Tensor) => Tensor);

type ParamsOf<L> = L extends { init(key: Key): infer P } ? P : Record<string, never>;
type StateOf<L> = L extends { start(): infer S } ? S : Record<string, never>;

/** The parameters of each layer, in order; {} where it has none. */
export interface SequentialParams<L extends readonly LayerLike[]> {
  layers: { [K in keyof L]: ParamsOf<L[K]> };
}

/** The state of each layer, in order; {} where it has none. */
export interface SequentialState<L extends readonly LayerLike[]> {
  layers: { [K in keyof L]: StateOf<L[K]> };
}

/** A layer; one with a state where a part of it has one. */
export type Sequential<L extends readonly LayerLike[]> = [Extract<L[number], StatefulLayer<any, any>>] extends [never]
  ? Layer<SequentialParams<L>>
  : StatefulLayer<SequentialParams<L>, SequentialState<L>>;

const isStateful = (layer: LayerLike): layer is StatefulLayer<any, any> => "start" in layer;

/** The context of layer i: the same, with a key of its own. */
const inner = (context: LayerContext | undefined, i: number): LayerContext | undefined =>
  context && {
    get training() {
      return context.training;
    },
    get key() {
      return context.key && foldIn(context.key, i);
    },
  };

/**
 * Layers and activations one after another. Layer i draws its weights from foldIn(key, i). With a layer that has a state
 * (batch norm) it has one too: `apply(params, x, state, context)` returns `{ output, state }`.
 *
 * Shapes: the first layer's input -> the last one's output. Throws TypeError for anything that is neither layer nor function.
 * Example: `nn.sequential(nn.linear(3, 8), relu, nn.linear(8, 2)).init(key).layers.length`;
 * `nn.sequential(nn.linear(3, 8), nn.batchNorm(8), relu).start().layers[1].mean`
 */
export function sequential<L extends readonly LayerLike[]>(...layers: L): Sequential<L> {
  layers.forEach((layer, i) => {
    if (typeof layer !== "function" && typeof layer?.apply !== "function")
      throw new TypeError(`sequential: argument ${i} expected a layer or a function, got ${show(layer)}`);
  });
  const walk = (params: { layers: any }, input: Tensor, states: any, context?: LayerContext) => {
    let x = input;
    const next = layers.map((layer, i) => {
      if (typeof layer === "function") x = layer(x);
      else if (isStateful(layer)) {
        const { output, state } = layer.apply(params.layers[i], x, states[i], inner(context, i));
        x = output;
        return state;
      } else x = layer.apply(params.layers[i], x, inner(context, i));
      return {};
    });
    return { output: x, state: { layers: next } };
  };
  const init = (key: Key) => ({
    layers: layers.map((layer, i) => (typeof layer === "function" ? {} : layer.init(foldIn(key, i)))),
  });
  const plain = {
    init,
    apply: (params: { layers: any }, x: Tensor, context?: LayerContext) => walk(params, x, undefined, context).output,
  };
  const stateful = {
    init,
    start: () => ({ layers: layers.map((layer) => (isStateful(layer) ? layer.start() : {})) }),
    apply: (params: { layers: any }, x: Tensor, state: { layers: any }, context?: LayerContext) =>
      walk(params, x, state.layers, context),
  };
  return (layers.some(isStateful) ? stateful : plain) as unknown as Sequential<L>;
}

/**
 * x + layer(x): the gradient has a way past the layer.
 *
 * Shapes: the layer's output must have the shape of its input. Throws ShapeError where it has not.
 * Example: `nn.residual(nn.linear(3, 3)).apply({ weight: zeros([3, 3]), bias: zeros([3]) }, x)`
 * Source: He et al. 2016, arXiv 1512.03385, equation 1.
 */
export function residual<P>(layer: Layer<P>): Layer<P> {
  return {
    init: (key) => layer.init(key),
    apply(params, x, context) {
      const y = layer.apply(params, x, context);
      if (!sameShape(x.shape, y.shape))
        throw new ShapeError(
          `residual: the layer turns ${showShape(x.shape)} into ${showShape(y.shape)}; it must keep the shape`,
        );
      return add(x, y);
    },
  };
}

/**
 * One row per example, for a linear layer after images.
 * Shapes: [batch, ..] -> [batch, the product of the rest]. Throws ShapeError for a scalar. Example: `nn.flatten(zeros([2, 3, 4]))`
 */
export function flatten(x: Tensor): Tensor {
  if (x.rank === 0) throw new ShapeError("flatten: expected [batch, ..], got a scalar");
  return reshape(x, [x.shape[0], x.shape[0] === 0 ? 0 : x.size / x.shape[0]]);
}
