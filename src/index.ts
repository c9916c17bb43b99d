// gradnoise: training with annealed gradient noise. The public names, and nothing else.
import "./ops/methods.js";
import * as randomAll from "./core/random.js";

export { type CustomResult, customGrad, recompute, stopGradient } from "./autodiff/custom.js";
export { checkGrad, type GradCheck, grad, valueAndGrad } from "./autodiff/grad.js";
export { type UnrollOptions, unroll } from "./autodiff/unroll.js";
export type { Bytes } from "./base/bytes.js";
export { CheckpointError, DataError, DivergenceError, ShapeError, StaleTensorError } from "./base/errors.js";
export type { Shape } from "./base/shape.js";
export { type ParameterBlock, type Segment, Slot } from "./core/parameter-block.js";
export type { Key } from "./core/random.js";
export { type DataType, full, Tensor, tensor, zeros } from "./core/tensor.js";
export * as data from "./data/index.js";
export { digest, type FileLayout, type LoadOptions, load, loadMetadata, save } from "./files/save.js";
export { type Summarised, summary } from "./inspect/summary.js";
export * as nn from "./nn/index.js";
export type { TensorLike } from "./ops/define.js";
export {
  elu,
  gelu,
  leakyRelu,
  relu,
  saturatingSigmoid,
  saturatingTanh,
  sigmoid,
  silu,
  softplus,
  tanh,
} from "./ops/elementwise/activations.js";
export { add, div, maximum, minimum, mul, pow, sub } from "./ops/elementwise/binary.js";
export { cast } from "./ops/elementwise/cast.js";
export { equal, greater, greaterEqual, less, lessEqual, notEqual, where } from "./ops/elementwise/compare.js";
export { dropout } from "./ops/elementwise/dropout.js";
export { lerp } from "./ops/elementwise/lerp.js";
export { abs, clip, cos, exp, log, neg, reciprocal, rsqrt, sin, sqrt, square } from "./ops/elementwise/unary.js";
export { type Conv2dOptions, conv2d } from "./ops/image/conv.js";
export { avgPool2d, maxPool2d, type Pair, type PoolOptions } from "./ops/image/pool.js";
export { expandDims, pad, split, squeeze, stack } from "./ops/layout/arrange.js";
export { gather, type Indices, oneHot, scatterAdd, takeAlongAxis } from "./ops/layout/gather.js";
export { broadcastTo, concat, reshape, reverse, slice, transpose } from "./ops/layout/layout.js";
export type { Labels } from "./ops/loss/labels.js";
export type { LossOptions } from "./ops/loss/losses.js";
export {
  type AccuracyOptions,
  accuracy,
  type CrossEntropyOptions,
  softmax,
  softmaxCrossEntropy,
} from "./ops/loss/softmax.js";
export { linear, matmul } from "./ops/product/matmul.js";
export { logSoftmax, logSumExp, norm, prod } from "./ops/reduce/norm.js";
export {
  type BatchNormOptions,
  batchNorm,
  batchStatistics,
  layerNorm,
  type NormOptions,
  type Statistics,
} from "./ops/reduce/normalise.js";
export { max, mean, min, type ReduceOptions, sum } from "./ops/reduce/reduce.js";
export { argMax, argMin, cumsum } from "./ops/reduce/scan.js";
export type { SequenceOptions } from "./ops/sequence/lengths.js";
export {
  type GruWeights,
  gru,
  type LstmState,
  lstm,
  type RecurrentWeights,
  type SequenceResult,
  simpleRnn,
} from "./ops/sequence/recurrent.js";
export * as optim from "./optim/index.js";
export {
  createTrainer,
  type LeafReport,
  type LossContext,
  type LossResult,
  type Metrics,
  type RunOptions,
  type StepResult,
  type Trainer,
  type TrainerOptions,
} from "./train/trainer.js";
export { init } from "./wasm/runtime.js";

const { key, split, foldIn, normal, uniform, permutation } = randomAll;
/** Keys and draws; the same numbers on every machine. */
export const random = { key, split, foldIn, normal, uniform, permutation };

const { exp: scalarExp, log: scalarLog, pow, sin, cos } = randomAll;
/** Deterministic doubles for schedules and data of one's own: JS Math differs between engines, these do not. */
export const scalar = { exp: scalarExp, log: scalarLog, pow, sin, cos };
