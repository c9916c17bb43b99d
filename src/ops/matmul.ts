// Matrix products and the linear layer: x W + b, with a ReLU fused where it is wanted.
import { ShapeError } from "../base/errors.js";
import { type Shape, sameShape, showShape } from "../base/shape.js";
import type { Tensor } from "../core/tensor.js";
import type { Runtime } from "../wasm/runtime.js";
import { defineOp, run, type TensorLike } from "./define.js";

const TRANSPOSE_A = 1;
const TRANSPOSE_B = 2;

const RELU = 1;
// Gradients below 2^-100 become zero: from an all-zero start they shrink twentyfold a layer, and products of denormals
// made the first steps 26 times as slow (46 ms against 1.8, Node 20, Zen 4).
const FLUSH = 2;

function multiply(
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
  const scratch = memory.temporary(kernels.matmulScratch(form, m, n, k) * 4);
  kernels.matmul(form, m, n, k, a, b, bias, 0, finish, scratch, c);
}

/** m, k of op(a); k, n of op(b). */
function sizes(a: Shape, b: Shape, form: number): { m: number; k: number; n: number } {
  const [m, k] = form & TRANSPOSE_A ? [a[1], a[0]] : a;
  const [kb, n] = form & TRANSPOSE_B ? [b[1], b[0]] : b;
  if (k !== kb) {
    const sides = [form & TRANSPOSE_A ? "transposeA" : "", form & TRANSPOSE_B ? "transposeB" : ""]
      .filter(Boolean)
      .join(", ");
    const hint =
      form === 0 && k === b[1]
        ? ". Did you mean matmul(x, w, { transposeB: true })?"
        : form === 0 && a[0] === kb
          ? ". Did you mean matmul(x, w, { transposeA: true })?"
          : ". The last size of the left must be the first of the right";
    throw new ShapeError(
      `matmul: inner sizes differ: ${showShape(a)} x ${showShape(b)}${sides ? ` with ${sides}` : ""}${hint}`,
    );
  }
  return { m, k, n };
}

export const matmulOp = defineOp<number>({
  name: "matmul",
  shape: ([a, b], form) => {
    if (a.rank !== 2 || b.rank !== 2)
      throw new ShapeError(
        `matmul: expected two matrices, got ${showShape(a.shape)} x ${showShape(b.shape)}. Use .reshape(...) first`,
      );
    const { m, n } = sizes(a.shape, b.shape, form);
    return [m, n];
  },
  forward: (r) => {
    const { m, k, n } = sizes(r.a.shape, r.b!.shape, r.attributes);
    multiply(r.runtime, r.attributes, m, n, k, r.a.pointer, r.b!.pointer, 0, 0, r.output.pointer);
  },
  backward: (r) => {
    const { m, k, n } = sizes(r.a.shape, r.b!.shape, r.attributes);
    const [da, db] = r.gradientIn;
    const { gradientOut: dy, runtime } = r;
    const a = r.a.pointer;
    const b = r.b!.pointer;
    const ta = r.attributes & TRANSPOSE_A;
    const tb = r.attributes & TRANSPOSE_B;
    // C = op(A) op(B): dA = dC op(B)' or its transpose, dB = op(A)' dC or its transpose
    if (da !== 0) {
      if (ta) multiply(runtime, (tb ? TRANSPOSE_A : 0) | TRANSPOSE_B, k, m, n, b, dy, 0, FLUSH, da);
      else multiply(runtime, tb ? 0 : TRANSPOSE_B, m, k, n, dy, b, 0, FLUSH, da);
    }
    if (db !== 0) {
      if (tb) multiply(runtime, TRANSPOSE_A | (ta ? TRANSPOSE_B : 0), n, k, m, dy, a, 0, FLUSH, db);
      else multiply(runtime, ta ? 0 : TRANSPOSE_A, k, n, m, a, dy, 0, FLUSH, db);
    }
  },
});

/**
 * Matrix product, every element summed strictly in the order of the inner axis.
 *
 * Shapes: [m, k] x [k, n] -> [m, n]; with transposeA a is [k, m], with transposeB b is [n, k].
 * Throws ShapeError when the inner sizes differ or an operand is no matrix.
 * Example: `matmul(x, w, { transposeB: true })`
 */
export function matmul(
  a: TensorLike,
  b: TensorLike,
  options: { transposeA?: boolean; transposeB?: boolean } = {},
): Tensor {
  return run(matmulOp, (options.transposeA ? TRANSPOSE_A : 0) | (options.transposeB ? TRANSPOSE_B : 0), a, b);
}

/** Product of all sizes but the last. Hot: no copy, and no destructuring, whose iterators were a third of a step's garbage. */
function rowsOf(shape: Shape): number {
  let rows = 1;
  for (let i = 0; i < shape.length - 1; i++) rows *= shape[i];
  return rows;
}

export const linearOp = defineOp<{ relu: boolean }>({
  name: "linear",
  shape: ([x, w, b]) => {
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
  forward: (r) => {
    const k = r.b!.shape[0];
    const n = r.b!.shape[1];
    multiply(
      r.runtime,
      0,
      rowsOf(r.a.shape),
      n,
      k,
      r.a.pointer,
      r.b!.pointer,
      r.c?.pointer ?? 0,
      r.attributes.relu ? RELU : 0,
      r.output.pointer,
    );
  },
  backward: (r) => {
    const { kernels, runtime, gradientOut: dy, gradientIn } = r;
    const k = r.b!.shape[0];
    const n = r.b!.shape[1];
    const m = rowsOf(r.a.shape);
    if (r.attributes.relu) kernels.reluBackward(m * n, r.output.pointer, dy, dy);
    if (gradientIn[0] !== 0) multiply(runtime, TRANSPOSE_B, m, k, n, dy, r.b!.pointer, 0, FLUSH, gradientIn[0]);
    if (gradientIn[1] !== 0) multiply(runtime, TRANSPOSE_A, k, n, m, r.a.pointer, dy, 0, 0, gradientIn[1]);
    if (r.c !== undefined && gradientIn[2] !== 0) kernels.sumColumns(1, m, n, dy, 1, gradientIn[2]);
  },
});

/**
 * x W + b, optionally through a ReLU; sums start from the bias.
 *
 * Shapes: x [.., nIn], weight [nIn, nOut], bias [nOut] -> [.., nOut].
 * Throws ShapeError when they do not fit. Example: `linear(x, weight, bias, { relu: true })`
 */
export function linear(x: TensorLike, weight: TensorLike, bias?: TensorLike, options: { relu?: boolean } = {}): Tensor {
  return run(linearOp, options.relu ? WITH_RELU : WITHOUT_RELU, x, weight, bias);
}

const WITH_RELU = { relu: true };
const WITHOUT_RELU = { relu: false };
