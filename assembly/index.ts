// The exports of the WASM module, family by family. No imports, no allocation, no state from call to call: kernels over pointers.
//
// The arguments of every export stand in one order (test/assembly/convention.test.ts holds it):
//   sizes              the leading one first: rows of the output; then what is inside a row
//   inputs             addresses that are only read, each with its step behind it
//   scalars            factors, options, codes
//   scratch, outputs   addresses that are written, read before or not: scratch, slots, gates, then the result
// Addresses are byte offsets, and 0 stands for "none" where a kernel says so; sizes and steps count elements, not bytes. What is
// returned is a sum, a truth value, or the position of the first bad index (-1: none).
//
// So rows from..to of an output are the same call with the leading size to - from, and every address that has such rows moved on
// by `from` of its own rows; the bits are those of the whole. Not to be split so:
//   sums into one place, whose order is a law: sum.., segmentSquares within a piece, ..Columns and sumRows but over outer,
//     batchStatistics, layerNormBackward, batchNormBackward, scatterAdd and takeAlongBackward but over outer, convolveWeights
//     (by rows of the kernel it can: see there)
//   where the leading size is also a stride or a divisor: matmul with A' (form 1, 3), transpose, crossEntropyBackward
//   where sizes stand in TABLE: copyStrided, binaryStrided; where rows come in another order: turnKernel; a chain: xoshiro
// A thread needs rooms of its own: its scratch, and the fixed ones of TAIL, TOTALS, WORDS and NORMALS.
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

/** Where the host writes the sizes and strides of a strided kernel, and those of a pooling: see TABLE. */
export function tableAddress(): usize {
  return TABLE;
}

/** First address that the host may use: below it lie the constants and the fixed rooms of the kernels. */
export function heapBase(): usize {
  return __heap_base;
}
