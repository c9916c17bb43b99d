// The gradient of every op against central differences, over random shapes, with every output weighed differently.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkGrad, grad } from "../../src/autodiff/grad.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { add, div, greater, maximum, mul, pow, relu, sub, tanh, where } from "../../src/ops/elementwise/index.js";
import { broadcastTo, concat, reshape, slice } from "../../src/ops/layout/layout.js";
import { linear, matmul } from "../../src/ops/product/matmul.js";
import { max, sum } from "../../src/ops/reduce/reduce.js";
import { inputsOf, oracles } from "./oracles.js";

/** sum(y * weights), with weights between 1 and 2 in size that are all different. */
function weigh(y: Tensor): Tensor {
  const weights = Float32Array.from({ length: y.size }, (_, i) => (i % 3 === 1 ? -1 : 1) * (1 + ((i * 7) % 13) / 13));
  return sum(mul(y, tensor(weights, y.shape)));
}

// twice the default: the differences of a sum of 60 floats carry an error of 1e-3 themselves
const tolerance = 0.02;

const differentiable = Object.entries(oracles).filter(([, oracle]) => oracle.differentiable);

describe.each(differentiable)("the gradient of %s", (_, oracle) => {
  it("agrees with central differences for random shapes", () => {
    fc.assert(
      fc.property(oracle.random, fc.integer(), (one, seed) => {
        checkGrad((inputs: Tensor[]) => weigh(one.apply(inputs)), inputsOf(one, seed), { tolerance });
      }),
      { numRuns: 25 },
    );
  });

  it("agrees with central differences for every tail up to 19", () => {
    for (let n = 0; n <= 19; n++) {
      const one = oracle.line(n);
      checkGrad((inputs: Tensor[]) => weigh(one.apply(inputs)), inputsOf(one, n), { tolerance });
    }
  });
});

describe("gradients of one tensor used twice", () => {
  const square = tensor(
    Float32Array.from({ length: 9 }, (_, i) => ((i * 5) % 9) / 4 - 1.1),
    [3, 3],
  );

  it.each([
    ["add(x, x)", (x: Tensor) => add(x, x)],
    ["sub(x, x)", (x: Tensor) => sub(x, x)],
    ["mul(x, x)", (x: Tensor) => mul(x, x)],
    ["div(x, x)", (x: Tensor) => div(x, x)],
    ["maximum(x, x)", (x: Tensor) => maximum(x, x)],
    ["pow(x^2, x)", (x: Tensor) => pow(add(mul(x, x), 1), x)],
    ["where(x > 0, x, -x)", (x: Tensor) => where(greater(x, 0), x, mul(x, -1))],
    ["matmul(x, x)", (x: Tensor) => matmul(x, x)],
    ["matmul(x', x)", (x: Tensor) => matmul(x, x, { transposeA: true })],
    ["matmul(x, x')", (x: Tensor) => matmul(x, x, { transposeB: true })],
    ["matmul(x', x')", (x: Tensor) => matmul(x, x, { transposeA: true, transposeB: true })],
    ["linear(x, x)", (x: Tensor) => linear(x, x, undefined, { relu: true })],
    ["concat([x, x, x])", (x: Tensor) => concat([x, x, x], 1)],
    ["mul of two views of x", (x: Tensor) => mul(slice(x, [0, 0], [2, 3]), slice(x, [1, 0], [2, 3]))],
    ["a broadcast against itself", (x: Tensor) => mul(reshape(x, [1, 9]), reshape(x, [9, 1]))],
    ["tanh of itself times itself", (x: Tensor) => mul(tanh(x), add(x, tanh(x)))],
  ] as const)("%s agrees with central differences", (_, f) => {
    expect(checkGrad((x: Tensor) => weigh(f(x)), square).worst).toBeLessThan(0.01);
  });
});

describe("what a gradient is at the edges", () => {
  const values = (x: Tensor): number[] => Array.from(x.data);

  it("shares evenly between equal largest values", () => {
    expect(values(grad((x: Tensor) => max(x))(tensor([1, 3, 3, 0])))).toEqual([0, 0.5, 0.5, 0]);
  });

  it("of relu is 0 at 0 and at -0", () => {
    expect(values(grad((x: Tensor) => sum(relu(x)))(tensor([0, -0, 1, -1])))).toEqual([0, 0, 1, 0]);
  });

  it("of the loss by itself is 1", () => {
    expect(values(grad((x: Tensor) => x)(tensor(3)))).toEqual([1]);
  });

  it("of a constant is 0", () => {
    expect(values(grad((_: Tensor) => mul(2, 3))(tensor([1, 2])))).toEqual([0, 0]);
  });

  it("of a parameter that is also held outside counts only the use of the argument", () => {
    const held = tensor([2, 5]);
    expect(values(grad((x: Tensor) => sum(mul(x, held)))(held))).toEqual([2, 5]);
  });

  it("is told apart for one host tensor at two places of the tree", () => {
    const w = tensor([2, 5]);
    const { a, b } = grad((p: { a: Tensor; b: Tensor }) => sum(mul(p.a, mul(p.b, 3))))({ a: w, b: w });
    expect([values(a), values(b)]).toEqual([
      [6, 15],
      [6, 15],
    ]);
  });

  it("of a broadcast sums over what was stretched", () => {
    expect(values(grad((x: Tensor) => sum(broadcastTo(x, [4, 3, 2])))(tensor([[1], [1], [1]])))).toEqual([8, 8, 8]);
  });

  it("of an unused parameter is zero", () => {
    const gradients = grad((p: { used: Tensor; unused: Tensor }) => sum(p.used))({
      used: tensor([1, 2]),
      unused: tensor([[1, 2, 3]]),
    });
    expect(values(gradients.unused)).toEqual([0, 0, 0]);
    expect(gradients.unused.shape).toEqual([1, 3]);
  });

  it("reads the arguments of slice as they were at the call, not as they are later", () => {
    const start = [0, 0];
    const gradient = grad((x: Tensor) => {
      let total: Tensor = tensor(0);
      for (let t = 0; t < 3; t++) {
        start[1] = t;
        total = add(total, sum(mul(slice(x, start, [2, 1]), t + 1)));
      }
      return total;
    });
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect([values(gradient(x)), values(gradient(x))]).toEqual(Array(2).fill([1, 2, 3, 1, 2, 3]));
  });
});
