// Layers around single ops: embedding, pooling, dropout.
import { checkInteger, checkNumber, isPlain, show } from "../base/errors.js";
import { copyOf, integer, type Rules, readOptions } from "../base/options.js";
import { isTensor, type Tensor, tensor } from "../core/tensor.js";
import { dropout as dropoutOp } from "../ops/elementwise/dropout.js";
import {
  avgPool2d as avgPoolOp,
  maxPool2d as maxPoolOp,
  type Pair,
  type PoolOptions,
  poolAttributes,
} from "../ops/image/pool.js";
import { gather } from "../ops/layout/gather.js";
import { checkNoMore, fixed, initial, initRule, misapplied } from "./checks.js";
import { drawKey, isTraining } from "./context.js";
import { pair } from "./conv.js";
import type { Initializer } from "./init.js";
import * as initializers from "./init.js";
import type { Layer } from "./layers.js";

/** Of a layer that has none: an empty tree. */
export type NoParams = Record<string, never>;

/** What an embedding trains. */
export interface EmbeddingParams {
  /** [count, size]. */
  weight: Tensor;
}

/** Of `nn.embedding`. */
export interface EmbeddingOptions {
  /** Of the weight; N(0, 1) by default. */
  init?: Initializer;
  /** The index that stands for nothing: its row starts as zeros. */
  padding?: number;
}

/**
 * A row of numbers for every word, or whatever the indices count.
 *
 * The row of `padding` starts as zeros and stays so if it is frozen: its mask is a tree like the parameters that holds 1
 * in that row and 0 elsewhere, and `optim.freeze(mask)` stands last in the chain, behind the noise (see the example).
 *
 * Shapes: int32 [..] -> [.., size]; weight [count, size].
 * Throws RangeError for sizes that are no integers >= 1, for a padding outside 0..count-1, and from `apply` for the first
 * index outside 0..count-1; TypeError for unknown options.
 * Example:
 * ```ts
 * const words = nn.embedding(5, 3, { padding: 0 });
 * const rows = [1, 0, 0, 0, 0]; // 1: frozen
 * const trainer = createTrainer({
 *   params: { words: words.init(random.key(1)) },
 *   loss: (params, indices: Tensor) => nn.meanSquaredError(words.apply(params.words, indices), 1),
 *   optimizer: optim.chain(
 *     optim.addNoise({ eta: 0.01, seed: 1 }),
 *     optim.sgd(0.1),
 *     optim.freeze({ words: { weight: tensor(rows.map((frozen) => [frozen, frozen, frozen])) } }),
 *   ),
 * });
 * trainer.step(tensor([[3, 1, 0], [2, 0, 0]], { dtype: "int32" }));
 * ```
 */
export function embedding(count: number, size: number, options?: EmbeddingOptions): Layer<EmbeddingParams> {
  checkInteger("embedding", "count", count, 1);
  checkInteger("embedding", "size", size, 1);
  const rules: Rules<EmbeddingOptions> = { padding: integer(), init: initRule };
  const { init = initializers.normal(1), padding } = readOptions("embedding", options, rules);
  if (padding !== undefined && padding >= count)
    throw new RangeError(`embedding: "padding" expected an index in 0..${count - 1}, got ${padding}`);
  return {
    init(key) {
      const weight = initial("embedding", init, key, [count, size]);
      if (padding === undefined) return { weight };
      const data = Float32Array.from(weight.data);
      data.fill(0, padding * size, (padding + 1) * size);
      return { weight: tensor(data, [count, size]) };
    },
    apply(params, indices) {
      if (params?.weight === undefined || indices === undefined) misapplied("embedding", params, indices, ["weight"]);
      return gather(params.weight, indices);
    },
  };
}

/** The layer of a pooling op: it keeps a copy of size and options, and refuses at once what no image will fit. */
function pooling(name: string, op: typeof maxPoolOp, size: Pair, options: PoolOptions | undefined): Layer<NoParams> {
  const own = readOptions<PoolOptions>(name, options, { stride: pair(1), padding: pair(0) });
  poolAttributes(name, size, own);
  const window = copyOf(size);
  return {
    init: fixed(name, () => ({})),
    apply(params, x) {
      if (x === undefined || isTensor(params)) misapplied(name, params, x, []);
      return op(x, window, own);
    },
  };
}

/**
 * The largest value of every window of an image.
 *
 * Shapes: [batch, height, width, channels] -> [batch, floor((height + 2 padding - size) / stride) + 1, .., channels].
 * Throws RangeError for sizes that are none or a padding of more than half the window, TypeError for unknown options.
 * Example: `nn.maxPool2d(2)`; `nn.maxPool2d(3, { stride: 2, padding: 1 })`
 */
export function maxPool2d(size: Pair, options?: PoolOptions): Layer<NoParams> {
  return pooling("maxPool2d", maxPoolOp, size, options);
}

/**
 * The mean of every window of an image; padding counts as zeros.
 *
 * Shapes: [batch, height, width, channels] -> [batch, floor((height + 2 padding - size) / stride) + 1, .., channels].
 * Throws RangeError for sizes that are none or a padding of more than half the window, TypeError for unknown options.
 * Example: `nn.avgPool2d(2)`
 */
export function avgPool2d(size: Pair, options?: PoolOptions): Layer<NoParams> {
  return pooling("avgPool2d", avgPoolOp, size, options);
}

/**
 * In training, zeroes every element with probability `rate` and scales the rest by 1 / (1 - rate); nothing otherwise.
 *
 * The mask follows from `context.key` and from how many keys that context has given out in the step: every dropout of a
 * model draws apart, and a step that is run again draws the same.
 *
 * Shapes: unchanged.
 * Throws RangeError unless 0 <= rate < 1; `apply` throws TypeError in training without a context or without its key.
 * Example: `nn.dropout(0.5).apply({}, x, { training: true, key })`. Source: Srivastava et al. 2014.
 */
export function dropout(rate: number): Layer<NoParams>;
export function dropout(rate: number, ...rest: unknown[]): Layer<NoParams> {
  if (isPlain(rate)) throw new TypeError(`dropout: "rate" expected a number, got ${show(rate)}. Write nn.dropout(0.5)`);
  checkNumber("dropout", "rate", rate, "in 0 <= rate < 1", (v) => v >= 0 && v < 1);
  checkNoMore("dropout", rest, "There is only the rate");
  return {
    init: fixed("dropout", () => ({})),
    apply(params, x, context) {
      if (!isTensor(x) || isTensor(params)) misapplied("dropout", params, x, [], "layer.apply(params, x, context)");
      if (rate === 0 || !isTraining("dropout", context, "layer.apply(params, x, context)")) return x;
      return dropoutOp(x, rate, drawKey("dropout", context!));
    },
  };
}
