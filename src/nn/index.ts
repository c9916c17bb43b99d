// Layers, initialisers, losses.
export { accuracy, softmaxCrossEntropy } from "../ops/softmax.js";
export { flatten, type LayerLike, residual, type SequentialParams, sequential } from "./containers.js";
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
} from "./layers.js";
export { meanSquaredError } from "./losses.js";
