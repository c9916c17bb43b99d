// Batched products: the bits of the matrices one by one, and gradients of stretched operands added product by product.
import { describe, expect, it } from "vitest";
import { grad } from "../../../src/autodiff/grad.js";
import { key, normal } from "../../../src/core/random.js";
import { type Tensor, tensor } from "../../../src/core/tensor.js";
import { mul } from "../../../src/ops/elementwise/index.js";
import { reshape, slice } from "../../../src/ops/layout/layout.js";
import { matmul } from "../../../src/ops/product/matmul.js";
import { sum } from "../../../src/ops/reduce/reduce.js";

const draw = (seed: number, shape: number[]): Tensor => normal(key(seed), shape);
/** Matrix i of the leading axes, which lie one after another. */
const matrix = (x: Tensor, i: number): Tensor => {
  const [rows, columns] = x.shape.slice(-2);
  return tensor(Float32Array.from(x.data.subarray(i * rows * columns, (i + 1) * rows * columns)), [rows, columns]);
};

const forms = [0, 1, 2, 3].map((form) => ({ transposeA: (form & 1) > 0, transposeB: (form & 2) > 0 }));

describe.each(forms)("a batched product with %j", (options) => {
  const [m, k, n] = [5, 7, 6];
  const shapeA = options.transposeA ? [k, m] : [m, k];
  const shapeB = options.transposeB ? [n, k] : [k, n];

  it.each([
    [[3], [3], [0, 1, 2], [0, 1, 2]],
    [[3], [], [0, 1, 2], [0, 0, 0]],
    [[], [3], [0, 0, 0], [0, 1, 2]],
    [
      [2, 1],
      [1, 2],
      [0, 0, 1, 1],
      [0, 1, 0, 1],
    ],
    [[2, 2], [2], [0, 1, 2, 3], [0, 1, 0, 1]],
    [[1, 1], [1], [0], [0]],
  ])("of leading axes %j and %j has the bits of its matrices", (leadA, leadB, whichA, whichB) => {
    const a = draw(1, [...leadA, ...shapeA]);
    const b = draw(2, [...leadB, ...shapeB]);
    const c = matmul(a, b, options);
    const upstream = draw(3, [...c.shape]);
    const gradients = grad((p: Tensor[]) => sum(mul(matmul(p[0], p[1], options), upstream)))([a, b]);
    const sums = [a, b].map((t) => new Float32Array(t.size));
    const used = [new Set<number>(), new Set<number>()];
    whichA.forEach((p, i) => {
      const pair = [matrix(a, p), matrix(b, whichB[i])];
      expect(matrix(c, i).data).toEqual(matmul(pair[0], pair[1], options).data);
      const own = grad((q: Tensor[]) => sum(mul(matmul(q[0], q[1], options), matrix(upstream, i))))(pair);
      own.forEach((g, side) => {
        const at = [p, whichB[i]][side];
        g.data.forEach((v, e) => {
          const to = at * g.size + e;
          sums[side][to] = used[side].has(at) ? sums[side][to] + v : v;
        });
        used[side].add(at);
      });
    });
    expect(gradients.map((g) => g.data)).toEqual(sums);
  });
});

describe("a batched product of nothing", () => {
  it("is empty, and gives the stretched operand a gradient of 0", () => {
    const [a, b] = [tensor(new Float32Array(0), [0, 2, 3]), draw(1, [3, 4])];
    expect(matmul(a, b).shape).toEqual([0, 2, 4]);
    const gradients = grad((p: Tensor[]) => sum(matmul(p[0], p[1])))([a, b]);
    expect(Array.from(gradients[1].data)).toEqual(Array(12).fill(0));
    expect(gradients[0].shape).toEqual([0, 2, 3]);
  });

  it("along the inner axis is 0", () => {
    const a = tensor(new Float32Array(0), [2, 2, 0]);
    expect(Array.from(matmul(a, tensor(new Float32Array(0), [2, 0, 2])).data)).toEqual(Array(8).fill(0));
    expect(Array.from(matmul(a, tensor(new Float32Array(0), [0, 2])).data)).toEqual(Array(8).fill(0));
  });
});

describe("one tensor as both operands of a batched product", () => {
  it("has the gradient of two uses", () => {
    const x = draw(4, [2, 3, 3]);
    const both = grad((t: Tensor) => sum(matmul(t, t)))(x);
    [0, 1].forEach((i) => {
      const one = grad((t: Tensor) => sum(matmul(t, t)))(matrix(x, i));
      expect(matrix(both, i).data).toEqual(one.data);
    });
    expect(reshape(slice(matmul(x, x), [1, 0, 0], [1, 3, 3]), [3, 3]).data).toEqual(
      matmul(matrix(x, 1), matrix(x, 1)).data,
    );
  });
});
