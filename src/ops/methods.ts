// The few ops that tensors also have as methods, for arithmetic that reads from left to right.
import type { Shape } from "../base/shape.js";
import { Tensor } from "../core/tensor.js";
import type { TensorLike } from "./define.js";
import { add, div, mul, neg, sub } from "./elementwise.js";
import { reshape, slice, transpose } from "./layout.js";
import { matmul } from "./matmul.js";
import { max, mean, type ReduceOptions, sum } from "./reduce.js";

declare module "../core/tensor.js" {
  interface Tensor {
    add(other: TensorLike): Tensor;
    sub(other: TensorLike): Tensor;
    mul(other: TensorLike): Tensor;
    div(other: TensorLike): Tensor;
    neg(): Tensor;
    matmul(other: TensorLike, options?: { transposeA?: boolean; transposeB?: boolean }): Tensor;
    sum(options?: ReduceOptions): Tensor;
    mean(options?: ReduceOptions): Tensor;
    max(options?: ReduceOptions): Tensor;
    reshape(shape: Shape): Tensor;
    transpose(axes?: readonly number[]): Tensor;
    slice(start: readonly number[], size: readonly number[]): Tensor;
  }
}

/** Every op whose first argument becomes `this`. */
const methods = { add, sub, mul, div, neg, matmul, sum, mean, max, reshape, transpose, slice };

for (const [name, op] of Object.entries(methods))
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: unknown[]) {
      return (op as (...all: unknown[]) => Tensor)(this, ...rest);
    },
  });
