// Layers made of layers: one after another, and around a shortcut.
import { ShapeError, show } from "../base/errors.js";
import { sameShape, showShape } from "../base/shape.js";
import { checkKey, foldIn, type Key } from "../core/random.js";
import { isTensor, type Tensor } from "../core/tensor.js";
import { add } from "../ops/elementwise/index.js";
import { reshape } from "../ops/layout/layout.js";
import { checkNoMore, checkState, entriesOf, misapplied } from "./checks.js";
import { partContexts } from "./context.js";
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

/** A recurrent layer has a start too, of one argument, and a run. */
const isStateful = (layer: LayerLike): layer is StatefulLayer<any, any> => "start" in layer && !("run" in layer);

/** Throws TypeError for what stands where a layer is expected. */
function checkLayer(owner: string, name: string, layer: unknown, expected: string): void {
  const { init, apply, start, run } = (typeof layer === "object" && layer !== null ? layer : {}) as {
    [name: string]: unknown;
  };
  if (typeof init !== "function" || typeof apply !== "function") {
    const hint = Array.isArray(layer)
      ? ". Give one array, or the layers themselves"
      : typeof layer === "object" && layer !== null
        ? ". Layers are made by nn.linear(...) and the like, parameters by their init(key)"
        : "";
    throw new TypeError(`${owner}: ${name} expected ${expected}, got ${show(layer)}${hint}`);
  }
  if (typeof start === "function" && start.length > 0 && run === undefined)
    throw new TypeError(
      `${owner}: ${name} expected ${expected}, got a cell, which takes a step at a time. Use its layer, such as nn.lstm, or a loop`,
    );
}

/** What layer i made of its input. Throws TypeError for anything but a tensor. */
function madeBy(owner: string, i: number, y: unknown): Tensor {
  if (isTensor(y)) return y;
  const hint = y instanceof Promise ? "It must be synchronous" : "Is a return missing?";
  throw new TypeError(`${owner}: layer ${i} returned ${show(y)}; it returns a tensor. ${hint}`);
}

const noParams = Object.freeze({});

/**
 * Layers and activations one after another, as arguments or in one array. Layer i draws its weights from foldIn(key, i).
 * With a layer that has a state (batch norm) it has one too: `apply(params, x, state, context)` returns `{ output, state }`.
 *
 * Shapes: the first layer's input -> the last one's output.
 * Throws TypeError for anything that is neither layer nor function; `apply` for parameters or a state of another model.
 * Example: `nn.sequential(nn.linear(3, 8), relu, nn.linear(8, 2)).init(key).layers.length`;
 * `nn.sequential([nn.linear(3, 8), nn.batchNorm(8), relu]).start().layers[1].mean`
 */
export function sequential<L extends readonly LayerLike[]>(...layers: L): Sequential<L>;
export function sequential<L extends readonly LayerLike[]>(layers: readonly [...L]): Sequential<L>;
export function sequential(...given: any[]): unknown {
  const layers: LayerLike[] = given.length === 1 && Array.isArray(given[0]) ? [...given[0]] : given;
  layers.forEach((layer, i) => {
    if (typeof layer !== "function") checkLayer("sequential", `argument ${i}`, layer, "a layer or a function");
  });
  const count = layers.length;
  const init = (key: Key) => {
    checkKey("sequential.init", key);
    return { layers: layers.map((layer, i) => (typeof layer === "function" ? {} : layer.init(foldIn(key, i)))) };
  };
  /** Through all layers; the next states go to `next`. */
  const walk = (params: any, x: Tensor, context: LayerContext | undefined, states: readonly any[], next: any[]) => {
    const own: readonly any[] = entriesOf("sequential", "params.layers", params.layers, count);
    const contextOf = partContexts("sequential", context);
    for (let i = 0; i < count; i++) {
      const layer = layers[i];
      if (typeof layer === "function") x = madeBy("sequential", i, layer(x));
      else if (isStateful(layer)) {
        const result = layer.apply(own[i], x, states[i], contextOf(i));
        x = madeBy("sequential", i, result?.output);
        next[i] = result.state;
      } else x = madeBy("sequential", i, layer.apply(own[i], x, contextOf(i)));
    }
    return x;
  };
  if (!layers.some(isStateful))
    return {
      init,
      apply(params: any, x: Tensor, context?: LayerContext) {
        if (params?.layers === undefined || x === undefined) misapplied("sequential", params, x, ["layers"]);
        return walk(params, x, context, [], []);
      },
    };
  return {
    init,
    start: () => ({ layers: layers.map((layer) => (isStateful(layer) ? layer.start() : {})) }),
    apply(params: any, x: Tensor, state: any, context?: LayerContext) {
      if (params?.layers === undefined || x === undefined)
        misapplied("sequential", params, x, ["layers"], "model.apply(params, x, state, context)");
      checkState("sequential", state, ["layers"]);
      const next: any[] = layers.map(() => noParams);
      const output = walk(params, x, context, entriesOf("sequential", "state.layers", state.layers, count), next);
      return { output, state: { layers: next } };
    },
  };
}

/** x + y. Throws ShapeError unless they have one shape. */
function shortcut(x: Tensor, y: unknown): Tensor {
  const own = madeBy("residual", 0, y);
  if (!sameShape(x.shape, own.shape))
    throw new ShapeError(
      `residual: the layer turns ${showShape(x.shape)} into ${showShape(own.shape)}; it must keep the shape`,
    );
  return add(x, own);
}

/**
 * x + layer(x): the gradient has a way past the layer. Around a layer that has a state it has that state.
 *
 * Shapes: the layer's output must have the shape of its input. Throws ShapeError where it has not, TypeError for what is
 * no layer.
 * Example: `nn.residual(nn.linear(3, 3)).apply({ weight: zeros([3, 3]), bias: zeros([3]) }, x)`
 * Source: He et al. 2016, arXiv 1512.03385, equation 1.
 */
export function residual<P, S>(layer: StatefulLayer<P, S>): StatefulLayer<P, S>;
export function residual<P>(layer: Layer<P>): Layer<P>;
export function residual(layer: Layer<any> | StatefulLayer<any, any>, ...rest: unknown[]): unknown {
  checkLayer("residual", "the argument", layer, "a layer");
  checkNoMore("residual", rest, "For several layers: nn.residual(nn.sequential(...))");
  const init = (key: Key) => layer.init(key);
  const check = (x: unknown, params: unknown) => {
    if (!isTensor(x)) misapplied("residual", params, x, []);
  };
  if (!isStateful(layer))
    return {
      init,
      apply(params: unknown, x: Tensor, context?: LayerContext) {
        check(x, params);
        return shortcut(x, layer.apply(params, x, context));
      },
    };
  return {
    init,
    start: () => layer.start(),
    apply(params: unknown, x: Tensor, state: unknown, context?: LayerContext) {
      check(x, params);
      const result = layer.apply(params, x, state, context);
      return { output: shortcut(x, result?.output), state: result.state };
    },
  };
}

/**
 * One row per example, for a linear layer after images. Without an argument it is the function itself, so that
 * `nn.sequential(nn.flatten(), ...)` and `nn.sequential(nn.flatten, ...)` are the same.
 *
 * Shapes: [batch, ..] -> [batch, the product of the rest]. Throws ShapeError for a scalar, TypeError for what is no tensor.
 * Example: `nn.flatten(zeros([2, 3, 4]))`
 */
export function flatten(): (x: Tensor) => Tensor;
export function flatten(x: Tensor): Tensor;
export function flatten(...given: unknown[]): unknown {
  if (given.length === 0) return flatten;
  const [x, start] = given;
  if (!isTensor(x))
    throw new TypeError(
      `flatten: expected a tensor, got ${show(x)}. It keeps the first axis: nn.flatten(x), or nn.flatten`,
    );
  // a second argument alone is another library's first axis; map gives two
  if (given.length === 2 && start !== undefined && start !== 1)
    throw new TypeError(`flatten: it joins all axes but the first, got ${show(start)} beside the tensor. Use reshape`);
  if (x.rank === 0) throw new ShapeError("flatten: expected [batch, ..], got a scalar");
  return reshape(x, [x.shape[0], x.shape[0] === 0 ? 0 : x.size / x.shape[0]]);
}
