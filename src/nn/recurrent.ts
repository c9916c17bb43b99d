// Recurrence: layers over whole sequences [time, batch, nIn], and cells for a step at a time. Both take the same parameters,
// and a cell is its layer's op on a sequence of one step.
import { checkInteger } from "../base/errors.js";
import { func, number, type Rules, readOptions } from "../base/options.js";
import { foldIn, type Key } from "../core/random.js";
import { type Tensor, zeros } from "../core/tensor.js";
import { expandDims } from "../ops/layout/arrange.js";
import type { SequenceOptions } from "../ops/sequence/lengths.js";
import {
  gru as gruOp,
  type LstmState,
  lstm as lstmOp,
  type SequenceResult,
  simpleRnn as simpleRnnOp,
} from "../ops/sequence/recurrent.js";
import { type Initializer, uniform } from "./init.js";
import type { Layer, LayerContext } from "./layers.js";

/** A step at a time: unrolling is a `for`, or `unroll` in bounded memory. */
export interface Cell<P, S> {
  init(key: Key): P;
  /** The state before the first step: zeros, as host tensors. */
  start(batch: number): S;
  /** The state after a step on x [batch, nIn]. */
  apply(params: P, state: S, x: Tensor, context?: LayerContext): S;
}

/** Over whole sequences. `apply` gives every step's output, `run` also takes a state and returns the last. */
export interface RecurrentLayer<P, S> extends Layer<P> {
  /** The state before the first step: zeros, as host tensors. */
  start(batch: number): S;
  /** The outputs [time, batch, nHidden]; the third argument is a layer's context, or `{ lengths, reverse }`, or both in one. */
  apply(params: P, x: Tensor, context?: LayerContext & SequenceOptions): Tensor;
  /** Outputs and last state; `state` is that before the first step, zeros where undefined. */
  run(params: P, x: Tensor, state?: S, options?: SequenceOptions): SequenceResult<S>;
}

/** Weights of a recurrent layer and of its cell. */
export interface RecurrentParams {
  /** [nIn, gates * nHidden] */
  inputWeight: Tensor;
  /** [nHidden, gates * nHidden] */
  hiddenWeight: Tensor;
  /** [gates * nHidden] */
  bias: Tensor;
}

/** Weights of a GRU: gates r, z, n. */
export interface GruParams extends RecurrentParams {
  /** [nHidden], inside the product that the reset gate scales. */
  hiddenBias: Tensor;
}

/** Initial values of a recurrent layer. */
export interface RecurrentOptions {
  /** Of both weights; uniform in ±1 / sqrt(nHidden) by default, as in PyTorch. */
  init?: Initializer;
}

/** Initial values of an LSTM. */
export interface LstmOptions extends RecurrentOptions {
  /** The forget gate's bias at the start, 1 by default: memory lasts from the first step. Source: Jozefowicz et al. 2015. */
  forgetBias?: number;
}

const INIT = func("a function of (key, shape), like nn.init.he");
const RECURRENT: Rules<RecurrentOptions> = { init: INIT };
const LSTM: Rules<LstmOptions> = { init: INIT, forgetBias: number() };

function initialWeights(name: string, gates: number, nIn: number, nHidden: number, options: RecurrentOptions) {
  checkInteger(name, "nIn", nIn, 1);
  checkInteger(name, "nHidden", nHidden, 1);
  const { init = uniform(1 / Math.sqrt(nHidden)) } = options;
  return (key: Key): RecurrentParams => ({
    inputWeight: init(foldIn(key, 0), [nIn, gates * nHidden]),
    hiddenWeight: init(foldIn(key, 1), [nHidden, gates * nHidden]),
    bias: zeros([gates * nHidden]),
  });
}

type Sequence<P, S> = (x: Tensor, params: P, state?: S, options?: SequenceOptions) => SequenceResult<S>;

/** A context has more than a layer asks for; without a key or a mode it is options, whose names are all known. */
function optionsIn(context: (LayerContext & SequenceOptions) | undefined): SequenceOptions | undefined {
  if (typeof context !== "object" || context === null || !("key" in context || "training" in context)) return context;
  const { lengths, reverse } = context;
  return lengths === undefined && reverse === undefined ? undefined : { lengths, reverse };
}

function layerOf<P, S>(init: (key: Key) => P, start: (batch: number) => S, op: Sequence<P, S>): RecurrentLayer<P, S> {
  return {
    init,
    start,
    apply: (params, x, context) => op(x, params, undefined, optionsIn(context)).outputs,
    run: (params, x, state, options) => op(x, params, state, options),
  };
}

/** The cell of a layer: its op on one step. */
function cellOf<P, S>({ init, start, run }: RecurrentLayer<P, S>): Cell<P, S> {
  return { init, start, apply: (params, state, x) => run(params, expandDims(x, 0), state).state };
}

const zeroState =
  (name: string, nHidden: number) =>
  (batch: number): Tensor => {
    checkInteger(name, "batch", batch);
    return zeros([batch, nHidden]);
  };

/**
 * A long short-term memory over sequences.
 *
 * Shapes: [time, batch, nIn] -> [time, batch, nHidden]; parameters as in `lstm`.
 * Throws RangeError for sizes that are no integers >= 1, ShapeError for an empty sequence.
 * Example: two layers, the second in both directions:
 * ```ts
 * const first = nn.lstm(3, 8);
 * const [forwards, backwards] = [nn.lstm(8, 4), nn.lstm(8, 4)];
 * const [a, b, c] = random.split(key, 3);
 * const p = { first: first.init(a), forwards: forwards.init(b), backwards: backwards.init(c) };
 * const h = first.apply(p.first, zeros([5, 2, 3]));
 * const lengths = [5, 3]; // the second example is padded
 * const both = concat([forwards.apply(p.forwards, h, { lengths }), backwards.apply(p.backwards, h, { lengths, reverse: true })], -1);
 * ```
 * Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000
 */
export function lstm(nIn: number, nHidden: number, options?: LstmOptions): RecurrentLayer<RecurrentParams, LstmState> {
  const read = readOptions("lstm", options, LSTM);
  const { forgetBias = 1 } = read;
  const weights = initialWeights("lstm", 4, nIn, nHidden, read);
  const state = zeroState("lstm", nHidden);
  const init = (key: Key): RecurrentParams => {
    const params = weights(key);
    (params.bias.data as Float32Array).fill(forgetBias, nHidden, 2 * nHidden);
    return params;
  };
  return layerOf(init, (batch) => ({ h: state(batch), c: state(batch) }), lstmOp);
}

/**
 * A gated recurrent unit over sequences.
 *
 * Shapes: [time, batch, nIn] -> [time, batch, nHidden]; parameters as in `gru`.
 * Throws RangeError for sizes that are no integers >= 1, ShapeError for an empty sequence.
 * Example: `nn.gru(3, 4).apply(nn.gru(3, 4).init(key), zeros([5, 2, 3]))`. Source: Cho et al. 2014, arXiv 1406.1078
 */
export function gru(nIn: number, nHidden: number, options?: RecurrentOptions): RecurrentLayer<GruParams, Tensor> {
  const weights = initialWeights("gru", 3, nIn, nHidden, readOptions("gru", options, RECURRENT));
  const init = (key: Key): GruParams => ({ ...weights(key), hiddenBias: zeros([nHidden]) });
  return layerOf(init, zeroState("gru", nHidden), gruOp);
}

/**
 * A recurrent layer h' = tanh(x W + h U + b) over sequences.
 *
 * Shapes: [time, batch, nIn] -> [time, batch, nHidden]; parameters as in `simpleRnn`.
 * Throws RangeError for sizes that are no integers >= 1, ShapeError for an empty sequence.
 * Example: `nn.simpleRnn(3, 4).apply(nn.simpleRnn(3, 4).init(key), zeros([5, 2, 3]))`. Source: Elman 1990
 */
export function simpleRnn(
  nIn: number,
  nHidden: number,
  options?: RecurrentOptions,
): RecurrentLayer<RecurrentParams, Tensor> {
  const weights = initialWeights("simpleRnn", 1, nIn, nHidden, readOptions("simpleRnn", options, RECURRENT));
  return layerOf<RecurrentParams, Tensor>(weights, zeroState("simpleRnn", nHidden), simpleRnnOp);
}

/**
 * The cell of `nn.lstm`: a step at a time, where the next input depends on the last output.
 *
 * Shapes: state { h, c } [batch, nHidden] and x [batch, nIn] -> state. Throws as nn.lstm.
 * Example: `nn.lstmCell(3, 4).apply(nn.lstmCell(3, 4).init(key), nn.lstmCell(3, 4).start(2), x).h`
 */
export const lstmCell = (nIn: number, nHidden: number, options?: LstmOptions): Cell<RecurrentParams, LstmState> =>
  cellOf(lstm(nIn, nHidden, options));

/**
 * The cell of `nn.gru`.
 *
 * Shapes: state [batch, nHidden] and x [batch, nIn] -> state. Throws as nn.gru.
 * Example: `nn.gruCell(3, 4).apply(nn.gruCell(3, 4).init(key), nn.gruCell(3, 4).start(2), x)`
 */
export const gruCell = (nIn: number, nHidden: number, options?: RecurrentOptions): Cell<GruParams, Tensor> =>
  cellOf(gru(nIn, nHidden, options));

/**
 * The cell of `nn.simpleRnn`.
 *
 * Shapes: state [batch, nHidden] and x [batch, nIn] -> state. Throws as nn.simpleRnn.
 * Example: `nn.simpleRnnCell(3, 4).apply(nn.simpleRnnCell(3, 4).init(key), nn.simpleRnnCell(3, 4).start(2), x)`
 */
export const simpleRnnCell = (
  nIn: number,
  nHidden: number,
  options?: RecurrentOptions,
): Cell<RecurrentParams, Tensor> => cellOf(simpleRnn(nIn, nHidden, options));
