// Layers, initialisers, losses.
export type { LossOptions } from "../ops/loss/losses.js";
export { accuracy, softmaxCrossEntropy } from "../ops/loss/softmax.js";
export {
  type AttentionOptions,
  attention,
  causalMask,
  type MultiHeadAttention,
  type MultiHeadAttentionParams,
  multiHeadAttention,
} from "./attention.js";
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
export { type ConvGruCell, type ConvGruOptions, type ConvGruParams, convGru } from "./conv-gru.js";
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
export { type HuberOptions, huber, meanSquaredError, sigmoidCrossEntropy } from "./losses.js";
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
export {
  type Cell,
  type GruParams,
  gru,
  gruCell,
  type LstmOptions,
  lstm,
  lstmCell,
  type RecurrentLayer,
  type RecurrentOptions,
  type RecurrentParams,
  simpleRnn,
  simpleRnnCell,
} from "./recurrent.js";
