// Layers that normalise. Batch norm keeps running statistics: a state that the loss takes and returns, as a cell does.
import { checkInteger, ShapeError } from "../base/errors.js";
import { number, type Rules, readOptions } from "../base/options.js";
import { showShape } from "../base/shape.js";
import { full, type Tensor, zeros } from "../core/tensor.js";
import { add, mul } from "../ops/elementwise/index.js";
import {
  batchNormAndStatistics,
  batchNorm as batchNormOp,
  layerNorm as layerNormOp,
  type Statistics,
} from "../ops/reduce/normalise.js";
import { checkState, epsilonRule, fixed, misapplied } from "./checks.js";
import { isTraining } from "./context.js";
import type { Layer, StatefulLayer } from "./layers.js";

/** What a normalising layer trains, [size] each. */
export interface NormParams {
  scale: Tensor;
  offset: Tensor;
}

/** Of `nn.layerNorm`. */
export interface LayerNormOptions {
  /** Added to the variance before its root; 1e-5 by default. */
  readonly epsilon?: number;
}

/** Scale 1 and offset 0. */
const initNorm = (size: number): NormParams => ({ scale: full([size], 1), offset: zeros([size]) });

const NORM = ["scale", "offset"];
const layerNormRules: Rules<LayerNormOptions> = { epsilon: epsilonRule };

/**
 * Normalises each row of the last axis to mean 0 and variance 1, then scales and shifts it.
 *
 * Shapes: [.., size] -> [.., size]; scale and offset [size], 1 and 0 at the start.
 * Throws RangeError for a size that is no integer >= 1 or an epsilon < 0, TypeError for unknown options.
 * Example: `nn.layerNorm(64)`. Source: Ba, Kiros & Hinton 2016.
 */
export function layerNorm(size: number, options?: LayerNormOptions): Layer<NormParams> {
  checkInteger("layerNorm", "size", size, 1);
  const { epsilon = 1e-5 } = readOptions("layerNorm", options, layerNormRules);
  const own = Object.freeze({ epsilon });
  return {
    init: fixed("layerNorm", () => initNorm(size)),
    apply(params, x) {
      if (params?.scale === undefined || params.offset === undefined || x === undefined)
        misapplied("layerNorm", params, x, NORM);
      return layerNormOp(x, params.scale, params.offset, own);
    },
  };
}

/** Of `nn.batchNorm`. */
export interface BatchNormOptions extends LayerNormOptions {
  /** Share of the old running statistics that a step keeps, 0.9 by default: 1 - `momentum` of PyTorch. */
  readonly decay?: number;
}

const batchNormRules: Rules<BatchNormOptions> = {
  ...layerNormRules,
  decay: number("in 0 <= decay <= 1", (v) => v >= 0 && v <= 1),
};
const BATCH_NORM_STATE = ["mean", "variance"];
const CALL = "layer.apply(params, x, state, context)";

/** Options of batch norm; other libraries' momentum means two things, one of them the opposite of decay. */
function readBatchNorm(options: BatchNormOptions | undefined): BatchNormOptions {
  if (typeof options === "object" && options !== null && "momentum" in options)
    throw new TypeError(
      'batchNorm: there is no option "momentum". Write { decay: 0.9 }, the share that a step keeps: 1 - momentum of PyTorch, the momentum of Keras',
    );
  return readOptions("batchNorm", options, batchNormRules);
}

/**
 * Normalises every feature over the batch (all axes but the last) to mean 0 and variance 1, then scales and shifts it.
 * In training with the batch's own statistics, of which the state keeps a running average (the variance unbiased, as
 * PyTorch has it); at evaluation with those of the state.
 *
 * `nn.sequential` takes it too and then has the state of all its parts.
 *
 * Shapes: [.., size] -> output [.., size]; scale, offset and the state's mean and variance [size].
 * Throws RangeError for a size that is no integer >= 1, a decay outside 0 <= decay <= 1 or an epsilon < 0, TypeError for
 * unknown options; `apply` throws TypeError without its state or, in training, without a context, and ShapeError in
 * training on one value per feature, which has no variance.
 * Source: Ioffe & Szegedy 2015, algorithms 1 and 2.
 * Example:
 * ```ts
 * const [dense, center, head] = [nn.linear(2, 8), nn.batchNorm(8), nn.linear(8, 2)];
 * const trainer = createTrainer({
 *   params: { dense: dense.init(random.key(1)), center: center.init(random.key(2)), head: head.init(random.key(3)) },
 *   state: { center: center.start() },
 *   loss: (params, batch, context) => {
 *     const { output, state } = center.apply(params.center, dense.apply(params.dense, batch.x), context.state.center, context);
 *     const logits = head.apply(params.head, relu(output));
 *     return { loss: nn.softmaxCrossEntropy(logits, batch.y), state: { center: state } };
 *   },
 *   optimizer: optim.sgd(0.1),
 * });
 * trainer.step({ x: tensor([[0, 1], [1, 0]]), y: tensor([0, 1], { dtype: "int32" }) });
 * trainer.evaluate({ x: tensor([[0, 1]]), y: tensor([0], { dtype: "int32" }) });
 * ```
 */
export function batchNorm(size: number, options?: BatchNormOptions): StatefulLayer<NormParams, Statistics> {
  checkInteger("batchNorm", "size", size, 1);
  const { epsilon = 1e-5, decay = 0.9 } = readBatchNorm(options);
  return {
    init: fixed("batchNorm", () => initNorm(size)),
    start: () => ({ mean: zeros([size]), variance: full([size], 1) }),
    apply(params, x, state, context) {
      if (params?.scale === undefined || params.offset === undefined || x === undefined)
        misapplied("batchNorm", params, x, NORM, CALL);
      checkState("batchNorm", state, BATCH_NORM_STATE);
      const { scale, offset } = params;
      if (!isTraining("batchNorm", context, CALL)) {
        const { mean, variance } = state;
        return { output: batchNormOp(x, scale, offset, { epsilon, mean, variance }), state };
      }
      const rows = x.size / size;
      if (rows === 1)
        throw new ShapeError(
          `batchNorm: ${showShape(x.shape)} has one value per feature, and so no variance to train with. Give a batch of two or more (batches with { dropLast: true } leaves out the rest), or { training: false } as the context`,
        );
      const { output, statistics } = batchNormAndStatistics(x, scale, offset, epsilon);
      const average = (old: Tensor, now: Tensor, share: number): Tensor => add(mul(old, decay), mul(now, share));
      return {
        output,
        state: {
          mean: average(state.mean, statistics.mean, 1 - decay),
          variance: average(state.variance, statistics.variance, ((1 - decay) * rows) / Math.max(1, rows - 1)),
        },
      };
    },
  };
}
