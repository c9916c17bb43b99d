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
export { type OnnxOptions, toONNX } from "./exchange/onnx.js";
export * as nn from "./nn/index.js";
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
} from "./ops/activations.js";
export { expandDims, pad, split, squeeze, stack } from "./ops/arrange.js";
export { add, div, maximum, minimum, mul, pow, sub } from "./ops/binary.js";
export { cast } from "./ops/cast.js";
export { equal, greater, greaterEqual, less, lessEqual, notEqual, where } from "./ops/compare.js";
export { type Conv2dOptions, conv2d } from "./ops/conv.js";
export type { TensorLike } from "./ops/define.js";
export { dropout } from "./ops/dropout.js";
export { gather, type Indices, oneHot, scatterAdd, takeAlongAxis } from "./ops/gather.js";
export type { Labels } from "./ops/labels.js";
export { broadcastTo, concat, reshape, reverse, slice, transpose } from "./ops/layout.js";
export { lerp } from "./ops/lerp.js";
export type { LossOptions } from "./ops/losses.js";
export { linear, matmul } from "./ops/matmul.js";
export { logSoftmax, logSumExp, norm, prod } from "./ops/norm.js";
export {
  type BatchNormOptions,
  batchNorm,
  batchStatistics,
  layerNorm,
  type NormOptions,
  type Statistics,
} from "./ops/normalise.js";
export { avgPool2d, maxPool2d, type Pair, type PoolOptions } from "./ops/pool.js";
export {
  type GruWeights,
  gru,
  type LstmState,
  lstm,
  type RecurrentWeights,
  type SequenceResult,
  simpleRnn,
} from "./ops/recurrent.js";
export type { SequenceOptions } from "./ops/recurrent-lengths.js";
export { max, mean, min, type ReduceOptions, sum } from "./ops/reduce.js";
export { argMax, argMin, cumsum } from "./ops/scan.js";
export {
  type AccuracyOptions,
  accuracy,
  type CrossEntropyOptions,
  softmax,
  softmaxCrossEntropy,
} from "./ops/softmax.js";
export { abs, clip, cos, exp, log, neg, reciprocal, rsqrt, sin, sqrt, square } from "./ops/unary.js";
export * as optim from "./optim/index.js";
export { digest, type FileLayout, type LoadOptions, load, loadMetadata, save } from "./train/save.js";
export { type Summarised, summary } from "./train/summary.js";
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
