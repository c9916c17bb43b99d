// Layers, initialisers, losses.
export { accuracy, softmaxCrossEntropy } from "../ops/softmax.js";
export {
  flatten,
  type LayerLike,
  residual,
  type Sequential,
  type SequentialParams,
  type SequentialState,
  sequential,
} from "./containers.js";
export { type Conv2dLayerOptions, type Conv2dParams, conv2d } from "./conv.js";
export type { Initializer } from "./init.js";
export * as init from "./init.js";
export {
  type Layer,
  type LayerContext,
  type LinearOptions,
  type LinearParams,
  linear,
  type MlpOptions,
  type MlpParams,
  mlp,
  type StatefulLayer,
} from "./layers.js";
export { meanSquaredError } from "./losses.js";
export {
  type BatchNormOptions,
  batchNorm,
  type LayerNormOptions,
  layerNorm,
  type NormParams,
} from "./normalise.js";
export {
  avgPool2d,
  dropout,
  type EmbeddingOptions,
  type EmbeddingParams,
  embedding,
  maxPool2d,
  type NoParams,
} from "./parts.js";
