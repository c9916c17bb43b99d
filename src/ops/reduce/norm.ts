// Reductions beyond the sum: the product, the Euclidean norm, the logarithm of a sum of exponentials; and logSoftmax.
import { checkAxis, type Shape, sizeOf } from "../../base/shape.js";
import type { Tensor } from "../../core/tensor.js";
import type { Value } from "../../core/value.js";
import type { Runtime } from "../../wasm/runtime.js";
import { defineOp, run, type TensorLike } from "../define.js";
import { broadcastBinary, CODES } from "../elementwise/broadcast.js";
import { reshape } from "../layout/layout.js";
import { kept, type Reduction, rankOf, readReduction, reduce, reduceAxes, reduction, withKept } from "./reduce.js";

/** [outer, count, inner] of neighbouring axes first..last. */
const around = (shape: Shape, first: number, last: number): [number, number, number] => [
  sizeOf(shape.slice(0, first)),
  sizeOf(shape.slice(first, last + 1)),
  sizeOf(shape.slice(last + 1)),
];

/** The product over neighbouring axes first..last, which stay with size 1. */
export const prodOp = defineOp({
  name: "prod",
  inputs: { x: "float32" },
  shape: ({ x }, { first, last }: { first: number; last: number }) =>
    x.shape.map((size, d) => (d >= first && d <= last ? 1 : size)),
  forward: ({ kernels, inputs: { x }, output }, { first, last }) =>
    kernels.prodColumns(...around(x.shape, first, last), x.pointer, output.pointer),
  backward: ({ kernels, inputs: { x }, gradientOut, gradients }, { first, last }) =>
    kernels.prodBackward(...around(x.shape, first, last), x.pointer, gradientOut, gradients.x),
});

/**
 * Product over axes, factor after factor in their order; of nothing it is 1. The gradient is right where factors are 0.
 * Shapes: as sum. Throws RangeError for axes that are not there. Example: `prod(x, { axis: 0 })`
 */
export function prod(x: TensorLike, axis?: Reduction, keepDims?: boolean): Tensor {
  const rank = rankOf(x);
  const { axes, keepDims: keep } = readReduction("prod", withKept("prod", axis, keepDims), rank);
  let y: Tensor | undefined;
  for (let i = axes.length - 1; i >= 0; i--) {
    const last = axes[i];
    while (i > 0 && axes[i - 1] === axes[i] - 1) i--;
    y = run(prodOp, { first: axes[i], last }, y ?? x);
  }
  y ??= run(prodOp, { first: rank, last: rank - 1 }, x);
  const { shape } = y;
  return keep || axes.length === 0
    ? y
    : reshape(
        y,
        shape.filter((_, d) => !axes.includes(d)),
      );
}

export const normOp = reduction("norm", {
  guard: "Keep its input away from 0, where its gradient is undefined",
  forward: ({ runtime, kernels, inputs: { x }, output }, { axes }) => {
    // over no axes it is |x|
    if (axes.length === 0) kernels.normColumns(x.size, 1, 1, x.pointer, output.pointer);
    else reduceAxes(runtime, "norm", x.pointer, x.shape, axes, 1, output.pointer);
  },
  // x / y dy, with y = 1 where it is 0: the quotient is within -1..1, whatever the size of x
  backward: ({ runtime, kernels, inputs: { x }, output, gradientOut, gradients: { x: dx } }, { axes }) => {
    const { memory } = runtime;
    const shape = kept(x, axes);
    const held = memory.top;
    const divisor = memory.allocate(output.size * 4);
    const zero = memory.allocate(4);
    kernels.fill(1, 0, zero);
    kernels.binary(output.size, output.pointer, 1, zero, 0, CODES.equal, divisor);
    kernels.addKernel(output.size, output.pointer, 1, divisor, 1, divisor);
    broadcastBinary(runtime, "div", x.pointer, x.shape, divisor, shape, dx, x.shape);
    broadcastBinary(runtime, "mul", dx, x.shape, gradientOut, shape, dx, x.shape);
    memory.top = held;
  },
});

/**
 * Euclidean norm over axes, squares added in double: never falsely 0 or infinite. Its gradient at 0 is 0.
 * Shapes: as sum. Throws RangeError for axes that are not there. Example: `norm(x, { axis: -1 })`
 */
export const norm = (x: TensorLike, axis?: Reduction, keepDims?: boolean): Tensor => reduce(normOp, x, axis, keepDims);

const LARGEST = 3.4028234663852886e38;

/** Infinite floats become the largest finite ones, so that infinity minus them is no NaN; NaN stays. */
const makeFinite = ({ kernels }: Runtime, n: number, x: number, out: number): void =>
  kernels.clipKernel(n, x, -LARGEST, LARGEST, out);

/** The largest value over axes, made finite; the lowest finite number for none. */
function shiftOf(runtime: Runtime, x: Value, axes: readonly number[], out: number): void {
  const n = sizeOf(kept(x, axes));
  if (axes.some((d) => x.shape[d] === 0)) runtime.kernels.fill(n, -LARGEST, out);
  else {
    reduceAxes(runtime, "max", x.pointer, x.shape, axes, 1, out);
    makeFinite(runtime, n, out, out);
  }
}

export const logSumExpOp = reduction("logSumExp", {
  forward: ({ runtime, kernels, inputs: { x }, output }, { axes }) => {
    const { memory } = runtime;
    const held = memory.top;
    const shift = memory.allocate(output.size * 4);
    const terms = memory.allocate(x.size * 4);
    shiftOf(runtime, x, axes, shift);
    broadcastBinary(runtime, "sub", x.pointer, x.shape, shift, kept(x, axes), terms, x.shape);
    kernels.expKernel(x.size, terms, terms);
    reduceAxes(runtime, "sum", terms, x.shape, axes, 1, output.pointer);
    kernels.logKernel(output.size, output.pointer, output.pointer);
    kernels.addKernel(output.size, output.pointer, 1, shift, 1, output.pointer);
    memory.top = held;
  },
  // dy exp(x - y), which is 0 where all of x is -infinity
  backward: ({ runtime, kernels, inputs: { x }, output, gradientOut, gradients: { x: dx } }, { axes }) => {
    const { memory } = runtime;
    const shape = kept(x, axes);
    const held = memory.top;
    const y = memory.allocate(output.size * 4);
    makeFinite(runtime, output.size, output.pointer, y);
    broadcastBinary(runtime, "sub", x.pointer, x.shape, y, shape, dx, x.shape);
    kernels.expKernel(x.size, dx, dx);
    broadcastBinary(runtime, "mul", dx, x.shape, gradientOut, shape, dx, x.shape);
    memory.top = held;
  },
});

/**
 * log(sum(exp(x))) over axes, shifted by the largest value so that nothing overflows; -Infinity where all of x is, or none is.
 * Shapes: as sum. Throws RangeError for axes that are not there. Example: `logSumExp(x, { axis: -1, keepDims: true })`
 */
export const logSumExp = (x: TensorLike, axis?: Reduction, keepDims?: boolean): Tensor =>
  reduce(logSumExpOp, x, axis, keepDims);

export const logSoftmaxOp = defineOp({
  name: "logSoftmax",
  inputs: { x: "float32" },
  shape: ({ x }) => x.shape,
  forward: ({ runtime, kernels, inputs: { x }, output: { pointer: y } }, axis: number) => {
    const { memory } = runtime;
    const shape = kept(x, [axis]);
    const n = sizeOf(shape);
    const held = memory.top;
    const shift = memory.allocate(n * 4);
    const terms = memory.allocate(x.size * 4);
    shiftOf(runtime, x, [axis], shift);
    broadcastBinary(runtime, "sub", x.pointer, x.shape, shift, shape, y, x.shape);
    kernels.expKernel(x.size, y, terms);
    reduceAxes(runtime, "sum", terms, x.shape, [axis], 1, shift);
    kernels.logKernel(n, shift, shift);
    broadcastBinary(runtime, "sub", y, x.shape, shift, shape, y, x.shape);
    memory.top = held;
  },
  // dy - exp(y) sum(dy)
  backward: ({ runtime, kernels, inputs: { x }, output, gradientOut: dy, gradients: { x: dx } }, axis) => {
    const { memory } = runtime;
    const shape = kept(x, [axis]);
    const held = memory.top;
    const total = memory.allocate(sizeOf(shape) * 4);
    reduceAxes(runtime, "sum", dy, x.shape, [axis], 1, total);
    kernels.expKernel(x.size, output.pointer, dx);
    broadcastBinary(runtime, "mul", dx, x.shape, total, shape, dx, x.shape);
    kernels.subKernel(x.size, dy, 1, dx, 1, dx);
    memory.top = held;
  },
});

/**
 * log(softmax(x)) along an axis, without the rounding of taking the logarithm afterwards.
 * Shapes: unchanged. Throws RangeError for an axis that is not there. Example: `logSoftmax(x, 0)`
 */
export const logSoftmax = (x: TensorLike, axis = -1): Tensor =>
  run(logSoftmaxOp, checkAxis("logSoftmax", axis, rankOf(x)), x);
