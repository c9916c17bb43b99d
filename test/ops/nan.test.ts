// The one rule for gradients at NaN: a slope that is read at a NaN is NaN, so that no gradient hides one. The list of ops drives
// the test. Slopes that do not depend on the value (of add, neg, the taken side of where) pass the upstream on.
import { describe, expect, it } from "vitest";
import { grad } from "../../src/autodiff/grad.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import * as ops from "../../src/ops/elementwise/index.js";
import { lerp } from "../../src/ops/elementwise/lerp.js";
import { maxPool2d } from "../../src/ops/image/pool.js";
import { linear } from "../../src/ops/product/matmul.js";
import { max, min, sum } from "../../src/ops/reduce/reduce.js";
import { opsOf } from "./list.js";

const { NaN: nan } = Number;

const straight = ["negOp", "addOp", "subOp", "mulOp", "whereOp"];

/** Where the op alone is not all: with other attributes, or with the other input held at 0.7. */
const cases: { [op: string]: ((x: Tensor) => Tensor)[] } = {
  clipOp: [(x) => ops.clip(x, -1, 1), (x) => ops.clip(x, 0, Infinity)],
  eluOp: [ops.elu, (x) => ops.elu(x, 0)],
  leakyReluOp: [ops.leakyRelu, (x) => ops.leakyRelu(x, 0)],
  divOp: [(x) => ops.div(0.7, x)],
  maximumOp: [(x) => ops.maximum(x, 0.7), (x) => ops.maximum(0.7, x)],
  minimumOp: [(x) => ops.minimum(x, 0.7), (x) => ops.minimum(0.7, x)],
  powOp: [(x) => ops.pow(x, 0.7), (x) => ops.pow(x, 2), (x) => ops.pow(0.7, x)],
};

const all = [...opsOf(ops)].filter(([, op]) => op.backward);
/** The slope of all the others depends on the value. */
const bending = all
  .filter(([name]) => !straight.includes(name))
  .map(([name, op]) => [name, cases[name] ?? [(ops as any)[op.name]]] as const);

const values = [0.5, -0.4, 1.5, 0.25, 0.9, -2, 0.7, 3, -0.1, 0.6, 1.1];
const slopes = (f: (x: Tensor) => Tensor, x: number[]): number[] =>
  Array.from(grad((t: Tensor) => sum(ops.mul(f(t), 3)))(tensor(x)).data);

describe("a gradient at NaN", () => {
  it("is looked at for every elementwise op that has one", () => {
    const named = [...Object.keys(cases), ...straight];
    expect(named.filter((name) => !all.some(([own]) => own === name))).toEqual([]);
    expect(bending.length).toBeGreaterThanOrEqual(24);
  });

  it.each(bending)("of %s is NaN there, in every lane, and as ever elsewhere", (_, cases) => {
    for (const f of cases) {
      const clean = slopes(f, values);
      values.forEach((_, position) => {
        const at = (list: number[]): number[] => list.map((v, i) => (i === position ? nan : v));
        expect(slopes(f, at(values)), `position ${position}`).toEqual(at(clean));
      });
    }
  });

  it("of mul, and of a quotient by its dividend, is the other factor's, NaN where that is", () => {
    const by = (f: (a: Tensor, b: Tensor) => Tensor): number[][] =>
      grad(([a, b]: Tensor[]) => sum(f(a, b)))([tensor([nan, 2]), tensor([4, nan])]).map((t) => Array.from(t.data));
    expect(by(ops.mul)).toEqual([
      [4, nan],
      [nan, 2],
    ]);
    expect(by(ops.div)).toEqual([
      [0.25, nan],
      [nan, nan],
    ]);
  });

  it("of maximum and minimum is NaN for both sides", () => {
    for (const f of [ops.maximum, ops.minimum])
      expect(
        grad(([a, b]: Tensor[]) => sum(f(a, b)))([tensor([nan, 1]), tensor([1, nan])]).map((t) => Array.from(t.data)),
      ).toEqual([
        [nan, nan],
        [nan, nan],
      ]);
  });

  it("of max, min and maxPool2d is NaN all over the group that holds it, and nowhere else", () => {
    const x = tensor([
      [1, nan, 3],
      [4, 6, 5],
    ]);
    for (const [f, other] of [
      [max, [0, 1, 0]],
      [min, [1, 0, 0]],
    ] as const)
      expect(grad((t: Tensor) => sum(f(t, { axis: 1 })))(x).toArray()).toEqual([[nan, nan, nan], other]);
    const image = tensor([1, nan, 3, 4, 6, 5, 7, 2], [1, 2, 4, 1]);
    expect(Array.from(grad((t: Tensor) => sum(maxPool2d(t, 2)))(image).data)).toEqual([nan, nan, 0, 0, nan, nan, 1, 0]);
  });

  it("of what where does not take is 0 all the same", () => {
    const f = (x: Tensor): Tensor => sum(ops.where(ops.greater(x, 0), x, 0));
    expect(Array.from(grad(f)(tensor([nan, 2])).data)).toEqual([0, 1]);
  });

  it("passes through the ReLU of a product, and through lerp", () => {
    const weight = tensor([[1], [1]]);
    const by = grad(({ x, w }: { x: Tensor; w: Tensor }) => sum(linear(x, w, undefined, { relu: true })));
    const { x, w } = by({ x: tensor([[nan, 1]]), w: weight });
    expect([...x.data, ...w.data]).toEqual([nan, nan, nan, nan]);
    const t = grad((t: Tensor) => sum(lerp([1, nan], [2, 3], t)))(tensor([0.5, 0.5]));
    expect(Array.from(t.data)).toEqual([1, nan]);
  });

  it("is NaN whatever the upstream, 0 included", () => {
    const f = (x: Tensor): Tensor => sum(ops.mul(ops.relu(x), 0));
    expect(Array.from(grad(f)(tensor([nan, 2])).data)).toEqual([nan, 0]);
  });
});
