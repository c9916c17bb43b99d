// Elementwise ops: one input, or two that broadcast.
import { broadcastShapes, broadcastStrides, type Shape, sameShape, sizeOf } from "../base/shape.js";
import type { Op, OpRecord } from "../core/tape.js";
import type { Tensor } from "../core/tensor.js";
import type { Kernels } from "../wasm/kernels.js";
import type { Runtime } from "../wasm/runtime.js";
import { defineOp, run, type TensorLike } from "./define.js";
import { sumTo } from "./reduce.js";

type UnaryKernel = (n: number, x: number, out: number) => void;

function unary(
  name: string,
  forward: (k: Kernels) => UnaryKernel,
  backward: (r: OpRecord, n: number) => void,
): Op<undefined> {
  return defineOp({
    name,
    shape: ([x]) => x.shape,
    forward: (r) => forward(r.kernels)(r.output.size, r.a.pointer, r.output.pointer),
    backward: (r) => backward(r, r.output.size),
  });
}

export const expOp = unary(
  "exp",
  (k) => k.expKernel,
  (r, n) => r.kernels.mulKernel(n, r.output.pointer, 1, r.gradientOut, 1, r.gradientIn[0]),
);
export const logOp = unary(
  "log",
  (k) => k.logKernel,
  (r, n) => r.kernels.divKernel(n, r.gradientOut, 1, r.a.pointer, 1, r.gradientIn[0]),
);
export const tanhOp = unary(
  "tanh",
  (k) => k.tanhKernel,
  (r, n) => r.kernels.tanhBackward(n, r.output.pointer, r.gradientOut, r.gradientIn[0]),
);
export const sigmoidOp = unary(
  "sigmoid",
  (k) => k.sigmoidKernel,
  (r, n) => r.kernels.sigmoidBackward(n, r.output.pointer, r.gradientOut, r.gradientIn[0]),
);
export const reluOp = unary(
  "relu",
  (k) => k.reluKernel,
  (r, n) => r.kernels.reluBackward(n, r.output.pointer, r.gradientOut, r.gradientIn[0]),
);
export const negOp = unary(
  "neg",
  (k) => k.negKernel,
  (r, n) => r.kernels.negKernel(n, r.gradientOut, r.gradientIn[0]),
);

/** e^x. Shapes: any. Largest error 1 ulp; 0 below -86.98, where it is under 2^-125. Source: Cephes expf. */
export const exp = (x: TensorLike): Tensor => run(expOp, undefined, x);
/** Natural logarithm. Shapes: any. Largest error 0.8 ulp. -Infinity at 0, NaN below. Source: Cephes logf. */
export const log = (x: TensorLike): Tensor => run(logOp, undefined, x);
/** Hyperbolic tangent. Shapes: any. Largest error 2.5 ulp. */
export const tanh = (x: TensorLike): Tensor => run(tanhOp, undefined, x);
/** 1 / (1 + e^-x). Shapes: any. Largest error 2.4 ulp. */
export const sigmoid = (x: TensorLike): Tensor => run(sigmoidOp, undefined, x);
/** max(0, x); NaN stays NaN. Shapes: any. */
export const relu = (x: TensorLike): Tensor => run(reluOp, undefined, x);
/** -x. Shapes: any. */
export const neg = (x: TensorLike): Tensor => run(negOp, undefined, x);

const CODES = { add: 0, sub: 1, mul: 2, div: 3, equal: 7 } as const;
type BinaryName = keyof typeof CODES;

/**
 * out = a op b broadcast. Runs of equal shape, and scalars, take one kernel call; the rest goes through a table of
 * strides, with neighbouring axes of the same kind merged first.
 */
export function broadcastBinary(
  runtime: Runtime,
  name: BinaryName,
  a: number,
  aShape: Shape,
  b: number,
  bShape: Shape,
  out: number,
  outShape: Shape,
): void {
  const { kernels } = runtime;
  const aSize = sizeOf(aShape);
  const bSize = sizeOf(bShape);
  const n = sizeOf(outShape);
  if (n === 0) return;
  const aStep = aSize === n ? 1 : aSize === 1 ? 0 : -1;
  const bStep = bSize === n ? 1 : bSize === 1 ? 0 : -1;
  if (aStep >= 0 && bStep >= 0) {
    kernels[`${name}Kernel`](n, a, aStep, b, bStep, out);
    return;
  }
  const x = broadcastStrides(aShape, outShape);
  const y = broadcastStrides(bShape, outShape);
  const { i32 } = runtime.memory;
  const axes: [number, number, number][] = [];
  outShape.forEach((size, d) => {
    if (size === 1) return;
    const last = axes[axes.length - 1];
    if (last && last[1] === x[d] * size && last[2] === y[d] * size) {
      last[0] *= size;
      last[1] = x[d];
      last[2] = y[d];
    } else axes.push([size, x[d], y[d]]);
  });
  axes.forEach(([size, p, q], d) => {
    i32[runtime.table + d] = size;
    i32[runtime.table + 8 + d] = p;
    i32[runtime.table + 16 + d] = q;
  });
  kernels.binaryStrided(CODES[name], axes.length, a, b, out);
}

/** dx = sum to x's shape of `write`, which fills a gradient of the output's shape. */
function towards(r: OpRecord, i: number, write: (out: number) => void): void {
  const target = r.gradientIn[i];
  if (target === 0) return;
  const { shape } = r.inputs[i];
  if (sameShape(shape, r.output.shape)) {
    write(target);
    return;
  }
  const { memory } = r.runtime;
  const held = memory.top;
  const scratch = memory.allocate(r.output.size * 4);
  write(scratch);
  sumTo(r.runtime, scratch, r.output.shape, shape, target);
  memory.top = held;
}

function binary(name: "add" | "sub" | "mul" | "div", backward: (r: OpRecord) => void): Op<undefined> {
  return defineOp({
    name,
    shape: ([a, b]) => broadcastShapes(name, a.shape, b.shape),
    forward: (r) =>
      broadcastBinary(
        r.runtime,
        name,
        r.a.pointer,
        r.a.shape,
        r.b!.pointer,
        r.b!.shape,
        r.output.pointer,
        r.output.shape,
      ),
    backward,
  });
}

const dy = (r: OpRecord): [number, Shape] => [r.gradientOut, r.output.shape];

export const addOp = binary("add", (r) => {
  for (const i of [0, 1]) towards(r, i, (out) => r.kernels.copy(r.output.size, r.gradientOut, out));
});
export const subOp = binary("sub", (r) => {
  towards(r, 0, (out) => r.kernels.copy(r.output.size, r.gradientOut, out));
  towards(r, 1, (out) => r.kernels.negKernel(r.output.size, r.gradientOut, out));
});
export const mulOp = binary("mul", (r) => {
  const { output, a, runtime } = r;
  const b = r.b!;
  towards(r, 0, (out) => broadcastBinary(runtime, "mul", ...dy(r), b.pointer, b.shape, out, output.shape));
  towards(r, 1, (out) => broadcastBinary(runtime, "mul", ...dy(r), a.pointer, a.shape, out, output.shape));
});
export const divOp = binary("div", (r) => {
  const { output, runtime } = r;
  const b = r.b!;
  towards(r, 0, (out) => broadcastBinary(runtime, "div", ...dy(r), b.pointer, b.shape, out, output.shape));
  // d(a/b)/db = -(a/b) / b
  towards(r, 1, (out) => {
    r.kernels.mulKernel(output.size, r.gradientOut, 1, output.pointer, 1, out);
    broadcastBinary(runtime, "div", out, output.shape, b.pointer, b.shape, out, output.shape);
    r.kernels.negKernel(output.size, out, out);
  });
});

/** a + b. Shapes: broadcast. Throws ShapeError where they do not. */
export const add = (a: TensorLike, b: TensorLike): Tensor => run(addOp, undefined, a, b);
/** a - b. Shapes: broadcast. Throws ShapeError where they do not. */
export const sub = (a: TensorLike, b: TensorLike): Tensor => run(subOp, undefined, a, b);
/** a * b. Shapes: broadcast. Throws ShapeError where they do not. */
export const mul = (a: TensorLike, b: TensorLike): Tensor => run(mulOp, undefined, a, b);
/** a / b. Shapes: broadcast. Throws ShapeError where they do not. */
export const div = (a: TensorLike, b: TensorLike): Tensor => run(divOp, undefined, a, b);
