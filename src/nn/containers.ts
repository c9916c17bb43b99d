// Layers made of layers: one after another, and around a shortcut.
import { ShapeError, show } from "../base/errors.js";
import { sameShape, showShape } from "../base/shape.js";
import { foldIn, type Key } from "../core/random.js";
import type { Tensor } from "../core/tensor.js";
import { add } from "../ops/elementwise.js";
import { reshape } from "../ops/layout.js";
import type { Layer, LayerContext } from "./layers.js";

/** A layer, or a function without parameters such as an activation. */
export type LayerLike = Layer<any> | ((x: Tensor) => Tensor);

type ParamsOf<L> = L extends Layer<infer P> ? P : Record<string, never>;

export interface SequentialParams<L extends readonly LayerLike[]> {
  layers: { [K in keyof L]: ParamsOf<L[K]> };
}

const apply = (layer: LayerLike, params: unknown, x: Tensor, context: LayerContext | undefined): Tensor =>
  typeof layer === "function" ? layer(x) : layer.apply(params, x, context);

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
 * Layers and activations one after another. Layer i draws its weights from foldIn(key, i).
 *
 * Shapes: the first layer's input -> the last one's output. Throws TypeError for anything that is neither layer nor function.
 * Example: `nn.sequential(nn.linear(3, 8), relu, nn.linear(8, 2)).init(key).layers.length`
 */
export function sequential<L extends readonly LayerLike[]>(...layers: L): Layer<SequentialParams<L>> {
  layers.forEach((layer, i) => {
    if (typeof layer !== "function" && typeof layer?.apply !== "function")
      throw new TypeError(`sequential: argument ${i} expected a layer or a function, got ${show(layer)}`);
  });
  return {
    init: (key: Key) => ({
      layers: layers.map((layer, i) =>
        typeof layer === "function" ? {} : layer.init(foldIn(key, i)),
      ) as SequentialParams<L>["layers"],
    }),
    apply: (params, input, context) => {
      let x = input;
      for (let i = 0; i < layers.length; i++) x = apply(layers[i], params.layers[i], x, inner(context, i));
      return x;
    },
  };
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
