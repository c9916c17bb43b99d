// Matrix products and the linear layer: x W + b, with a ReLU fused where it is wanted.
import { ShapeError } from "../../base/errors.js";
import { flag, readOptions } from "../../base/options.js";
import { broadcastShapes, broadcastStrides, type Shape, sameShape, showShape, sizeOf } from "../../base/shape.js";
import type { Tensor } from "../../core/tensor.js";
import type { Runtime } from "../../wasm/runtime.js";
import { defineOp, run, type TensorLike } from "../define.js";

const TRANSPOSE_A = 1;
export const TRANSPOSE_B = 2;

const RELU = 1;
// Gradients below 2^-100 become zero: from an all-zero start they shrink twentyfold a layer, and products of denormals
// made the first steps 26 times as slow (46 ms against 1.8, Node 20, Zen 4).
export const FLUSH = 2;

export function multiply(
  runtime: Runtime,
  form: number,
  m: number,
  n: number,
  k: number,
  a: number,
  b: number,
  bias: number,
  finish: number,
  c: number,
): void {
  const { kernels, memory } = runtime;
  const scratch = memory.temporary(kernels.matmulScratch(m, n, k, form) * 4);
  kernels.matmul(m, n, k, a, b, bias, 0, form, finish, scratch, c);
}

/** Sizes of a matrix op(x), which may have axes before it. */
const rowsIn = (x: Shape, transposed: number): number => x[x.length - (transposed ? 1 : 2)];
const columnsIn = (x: Shape, transposed: number): number => x[x.length - (transposed ? 2 : 1)];

function checkProduct(a: Shape, b: Shape, form: number): void {
  if (a.length < 2 || b.length < 2)
    throw new ShapeError(`matmul: expected matrices, got ${showShape(a)} x ${showShape(b)}. Use .reshape(...) first`);
  const k = columnsIn(a, form & TRANSPOSE_A);
  const kb = rowsIn(b, form & TRANSPOSE_B);
  if (k === kb) return;
  const sides = [form & TRANSPOSE_A ? "transposeA" : "", form & TRANSPOSE_B ? "transposeB" : ""]
    .filter(Boolean)
    .join(", ");
  const hint =
    form === 0 && k === columnsIn(b, 0)
      ? ". Did you mean matmul(x, w, { transposeB: true })?"
      : form === 0 && rowsIn(a, 0) === kb
        ? ". Did you mean matmul(x, w, { transposeA: true })?"
        : ". The last size of the left must be the first of the right";
  throw new ShapeError(
    `matmul: inner sizes differ: ${showShape(a)} x ${showShape(b)}${sides ? ` with ${sides}` : ""}${hint}`,
  );
}

/** The axes before the matrix. */
const leadOf = (shape: Shape): Shape => shape.slice(0, -2);

function broadcastLead(a: Shape, b: Shape): Shape {
  const [x, y] = [leadOf(a), leadOf(b)];
  try {
    return broadcastShapes("matmul", x, y);
  } catch {
    throw new ShapeError(
      `matmul: the leading axes ${showShape(x)} and ${showShape(y)} of ${showShape(a)} x ${showShape(b)} do not broadcast. Sizes must be equal or 1, counted from the right`,
    );
  }
}

/**
 * C[i] = op(A[i]) op(B[i]) for every index i of the leading axes, in row-major order. What meets the same C[i] again, as the
 * gradient of a stretched operand does, is complete in scratch before it is added.
 */
function product(
  runtime: Runtime,
  form: number,
  m: number,
  n: number,
  k: number,
  a: number,
  aShape: Shape,
  b: number,
  bShape: Shape,
  finish: number,
  c: number,
  cShape: Shape,
): void {
  if (aShape.length === 2 && bShape.length === 2) {
    multiply(runtime, form, m, n, k, a, b, 0, finish, c);
    return;
  }
  const { kernels, memory } = runtime;
  const lead = broadcastLead(aShape, bShape);
  const count = sizeOf(lead);
  const matrices = sizeOf(leadOf(cShape));
  if (count === 0) kernels.fill(matrices * m * n, 0, c);
  // one B for all of A: leading axes only mean more rows, and one call gives the same bits
  if (
    (form & TRANSPOSE_A) === 0 &&
    sizeOf(leadOf(bShape)) === 1 &&
    sizeOf(leadOf(aShape)) === count &&
    matrices === count
  ) {
    multiply(runtime, form, count * m, n, k, a, b, 0, finish, c);
    return;
  }
  const [aSteps, bSteps, cSteps] = [aShape, bShape, cShape].map((shape) => broadcastStrides(leadOf(shape), lead));
  const held = memory.top;
  const scratch = matrices < count ? memory.allocate(m * n * 4) : 0;
  for (let i = 0; i < count; i++) {
    let [p, q, r, rest, again] = [a, b, c, i, false];
    for (let d = lead.length - 1; d >= 0; d--) {
      const at = rest % lead[d];
      rest = (rest - at) / lead[d];
      p += at * aSteps[d] * m * k * 4;
      q += at * bSteps[d] * k * n * 4;
      r += at * cSteps[d] * m * n * 4;
      again ||= at > 0 && cSteps[d] === 0;
    }
    multiply(runtime, form, m, n, k, p, q, 0, finish, again ? scratch : r);
    if (again) kernels.accumulate(m * n, scratch, r);
  }
  memory.top = held;
}

/** Which operands of a matrix product are transposed. */
export interface MatmulOptions {
  /** Takes the left as [.., k, m]. */
  readonly transposeA?: boolean;
  /** Takes the right as [.., n, k]. */
  readonly transposeB?: boolean;
}

export const matmulOp = defineOp({
  name: "matmul",
  inputs: { a: "float32", b: "float32" },
  mixes: true,
  read: (given: MatmulOptions | undefined) => {
    const options = readOptions<MatmulOptions>("matmul", given, { transposeA: flag, transposeB: flag });
    return (options.transposeA ? TRANSPOSE_A : 0) | (options.transposeB ? TRANSPOSE_B : 0);
  },
  shape: ({ a: { shape: a }, b: { shape: b } }, form) => {
    checkProduct(a, b, form);
    return [...broadcastLead(a, b), rowsIn(a, form & TRANSPOSE_A), columnsIn(b, form & TRANSPOSE_B)];
  },
  forward: ({ runtime, inputs: { a, b }, output }, form) => {
    const m = rowsIn(a.shape, form & TRANSPOSE_A);
    const k = columnsIn(a.shape, form & TRANSPOSE_A);
    const n = columnsIn(b.shape, form & TRANSPOSE_B);
    product(runtime, form, m, n, k, a.pointer, a.shape, b.pointer, b.shape, 0, output.pointer, output.shape);
  },
  backward: (r, form) => {
    const { gradientOut: dy, runtime } = r;
    const { a: da, b: db } = r.gradients;
    const ta = form & TRANSPOSE_A;
    const tb = form & TRANSPOSE_B;
    const { pointer: a, shape: aShape } = r.inputs.a;
    const { pointer: b, shape: bShape } = r.inputs.b;
    const { shape } = r.output;
    const m = rowsIn(aShape, ta);
    const k = columnsIn(aShape, ta);
    const n = columnsIn(bShape, tb);
    // C = op(A) op(B): dA = dC op(B)' or its transpose, dB = op(A)' dC or its transpose
    if (da !== 0) {
      const back = ta ? (tb ? TRANSPOSE_A : 0) | TRANSPOSE_B : tb ? 0 : TRANSPOSE_B;
      if (ta) product(runtime, back, k, m, n, b, bShape, dy, shape, FLUSH, da, aShape);
      else product(runtime, back, m, k, n, dy, shape, b, bShape, FLUSH, da, aShape);
    }
    if (db !== 0) {
      const back = tb ? TRANSPOSE_A | (ta ? TRANSPOSE_B : 0) : ta ? 0 : TRANSPOSE_A;
      if (tb) product(runtime, back, n, k, m, dy, shape, a, aShape, FLUSH, db, bShape);
      else product(runtime, back, k, n, m, a, aShape, dy, shape, FLUSH, db, bShape);
    }
  },
});

/**
 * Matrix product over the last two axes, every element summed strictly in the order of the inner axis; leading axes broadcast.
 * The gradient of a stretched operand is the sum over what it met, product after product, in row-major order.
 *
 * Shapes: [.., m, k] x [.., k, n] -> [.., m, n]; with transposeA a is [.., k, m], with transposeB b is [.., n, k].
 * Throws ShapeError when the inner sizes differ, the leading axes do not broadcast, or an operand has fewer than two axes.
 * Example: `matmul(x, y, { transposeB: true })`
 */
export const matmul = (a: TensorLike, b: TensorLike, options?: MatmulOptions): Tensor => run(matmulOp, options, a, b);

/** Product of all sizes but the last. Hot: no copy, and no destructuring, whose iterators were a third of a step's garbage. */
function rowsOf(shape: Shape): number {
  let rows = 1;
  for (let i = 0; i < shape.length - 1; i++) rows *= shape[i];
  return rows;
}

/** What a linear layer's product ends in. */
export interface LinearOpOptions {
  /** max(0, x W + b), in the product's own ending. */
  readonly relu?: boolean;
}

export const linearOp = defineOp({
  name: "linear",
  inputs: { x: "float32", weight: "float32", bias: "float32?" },
  mixes: true,
  read: (given: LinearOpOptions | undefined) => ({
    relu: readOptions<LinearOpOptions>("linear", given, { relu: flag }).relu ?? false,
  }),
  shape: ({ x, weight: w, bias: b }) => {
    if (w.rank !== 2 || x.rank < 1 || x.shape[x.rank - 1] !== w.shape[0])
      throw new ShapeError(
        `linear: the last size of the input ${showShape(x.shape)} must be the first of the weight ${showShape(w.shape)}, which is [nIn, nOut]`,
      );
    if (b && !sameShape(b.shape, [w.shape[1]]))
      throw new ShapeError(
        `linear: the bias ${showShape(b.shape)} must be [${w.shape[1]}], one per output of the weight ${showShape(w.shape)}`,
      );
    return [...x.shape.slice(0, -1), w.shape[1]];
  },
  forward: ({ runtime, inputs: { x, weight, bias }, output }, { relu }) => {
    const k = weight.shape[0];
    const n = weight.shape[1];
    const start = bias === undefined ? 0 : bias.pointer;
    const finish = relu ? RELU : 0;
    multiply(runtime, 0, rowsOf(x.shape), n, k, x.pointer, weight.pointer, start, finish, output.pointer);
  },
  backward: (r, { relu }) => {
    const { kernels, runtime, gradientOut: dy } = r;
    const { x, weight } = r.inputs;
    const { x: dx, weight: dw, bias: db } = r.gradients;
    const k = weight.shape[0];
    const n = weight.shape[1];
    const m = rowsOf(x.shape);
    if (relu) kernels.reluBackward(m * n, r.output.pointer, dy, dy);
    if (dx !== 0) multiply(runtime, TRANSPOSE_B, m, k, n, dy, weight.pointer, 0, FLUSH, dx);
    if (dw !== 0) multiply(runtime, TRANSPOSE_A, k, n, m, x.pointer, dy, 0, 0, dw);
    if (db !== 0) kernels.sumColumns(1, m, n, dy, 1, db);
  },
});

/**
 * x W + b, optionally through a ReLU; sums start from the bias.
 *
 * Shapes: x [.., nIn], weight [nIn, nOut], bias [nOut] -> [.., nOut].
 * Throws ShapeError when they do not fit. Example: `linear(x, weight, bias, { relu: true })`
 */
export const linear = (x: TensorLike, weight: TensorLike, bias?: TensorLike, options?: LinearOpOptions): Tensor =>
  run(linearOp, options, x, weight, bias);
