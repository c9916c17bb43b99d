// The exports of the WASM module, family by family. No imports, no classes with state, no allocation: kernels over pointers.
import { TABLE } from "./simd";

export {
  eluBackward,
  eluKernel,
  geluBackward,
  geluKernel,
  leakyReluBackward,
  leakyReluKernel,
  reluBackward,
  reluKernel,
  saturatingSigmoidBackward,
  saturatingSigmoidKernel,
  saturatingTanhBackward,
  saturatingTanhKernel,
  sigmoidBackward,
  sigmoidKernel,
  siluBackward,
  siluKernel,
  softplusBackward,
  softplusKernel,
  tanhBackward,
  tanhKernel,
} from "./activations";
export { addKernel, binary, binaryStrided, divKernel, mulKernel, select, subKernel, weigh } from "./binary";
export { toFloats, toIntegers } from "./cast";
export { dropout, fill, fromBytes } from "./elementwise";
export { gather, oneHot, scatterAdd, takeAlong, takeAlongBackward } from "./gather";
export { copy, copyStrided, transpose } from "./layout";
export { lerp, lerpBackward } from "./lerp";
export { keep, sigmoidCrossEntropy } from "./losses";
export { cos, exp, log, pow, sin } from "./math";
export { batchNorm, batchNormBackward, batchStatistics, layerNorm, layerNormBackward } from "./normalise";
export { averagePool, averagePoolBackward, maxPool, maxPoolBackward } from "./pool";
export { convolve, convolveWeights, placeImages, turnKernel } from "./product/conv";
export { matmul, matmulScratch } from "./product/matmul";
export { matmulPacked, packPanels } from "./product/pack";
export { addNormal, fillNormal, fillUniform, fillWords, philox, xoshiro } from "./random";
export { gruBackward, gruForward, lstmBackward, lstmForward } from "./recurrent";
export {
  maxColumns,
  minColumns,
  normColumns,
  segmentSquares,
  sum,
  sumColumns,
  sumRows,
  sumSquares,
  sumSquaresWide,
} from "./reduce";
export { cumsum, firstExtreme, prodBackward, prodColumns } from "./scan";
export {
  correctRows,
  crossEntropy,
  crossEntropyBackward,
  crossEntropyRowsBackward,
  softCrossEntropy,
  softCrossEntropyBackward,
  softmax,
  softmaxBackward,
} from "./softmax";
export { trigKernel } from "./trigonometry";
export {
  absBackward,
  absKernel,
  clipBackward,
  clipKernel,
  expKernel,
  logKernel,
  negKernel,
  reciprocalBackward,
  reciprocalKernel,
  rsqrtBackward,
  rsqrtKernel,
  sqrtBackward,
  sqrtKernel,
  squareBackward,
} from "./unary";
export {
  accumulate,
  adam,
  addScaled,
  allBelow,
  centeredRms,
  clampUpdates,
  momentum,
  putMasked,
  scale,
  sumsFinite,
  takeMasked,
} from "./update";

/** Where the host writes the sizes and strides of a strided kernel. */
export function tableAddress(): usize {
  return TABLE;
}

/** First address that the host may use. */
export function heapBase(): usize {
  return __heap_base;
}
