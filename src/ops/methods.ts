// The few ops that tensors also have as methods, for arithmetic that reads from left to right.
import type { Shape } from "../base/shape.js";
import { Tensor } from "../core/tensor.js";
import type { TensorLike } from "./define.js";
import { add, div, mul, neg, sub } from "./elementwise/index.js";
import { reshape, slice, transpose } from "./layout/layout.js";
import { type MatmulOptions, matmul } from "./product/matmul.js";
import { max, mean, type Reduction, sum } from "./reduce/reduce.js";

declare module "../core/tensor.js" {
  interface Tensor {
    /** `add(this, other)`: a + b, broadcast. */
    add(other: TensorLike): Tensor;
    /** `sub(this, other)`: a - b, broadcast. */
    sub(other: TensorLike): Tensor;
    /** `mul(this, other)`: a * b, element by element, broadcast. */
    mul(other: TensorLike): Tensor;
    /** `div(this, other)`: a / b, broadcast. */
    div(other: TensorLike): Tensor;
    /** `neg(this)`: -x. */
    neg(): Tensor;
    /** `matmul(this, other)`: the product of matrices over the last two axes. */
    matmul(other: TensorLike, options?: MatmulOptions): Tensor;
    /** `sum(this)`: over an axis, a list of them, or all; also `{ axis, keepDims }`. */
    sum(axis?: Reduction, keepDims?: boolean): Tensor;
    /** `mean(this)`: over an axis, a list of them, or all; also `{ axis, keepDims }`. */
    mean(axis?: Reduction, keepDims?: boolean): Tensor;
    /** `max(this)`: over an axis, a list of them, or all; also `{ axis, keepDims }`. */
    max(axis?: Reduction, keepDims?: boolean): Tensor;
    /** `reshape(this, shape)`: the same elements under another shape; one size may be -1. */
    reshape(shape: Shape): Tensor;
    /** `transpose(this, axes)`: reorders the axes; reverses them by default. */
    transpose(axes?: readonly number[]): Tensor;
    /** `slice(this, start, size)`: a block of elements. */
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
