// Losses position by position: values against plain arithmetic, reductions, masks, gradients, errors.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkGrad, grad } from "../../src/autodiff/grad.js";
import { ShapeError } from "../../src/base/errors.js";
import { key, normal } from "../../src/core/random.js";
import { type Tensor, tensor, zeros } from "../../src/core/tensor.js";
import { huber, meanSquaredError, sigmoidCrossEntropy } from "../../src/nn/losses.js";
import type { TensorLike } from "../../src/ops/define.js";
import { mul } from "../../src/ops/elementwise/index.js";
import type { LossOptions } from "../../src/ops/loss/losses.js";
import { sum } from "../../src/ops/reduce/reduce.js";

type Loss = (prediction: TensorLike, target: TensorLike, options?: LossOptions) => Tensor;

const losses: [string, Loss, (p: number, t: number) => number][] = [
  ["meanSquaredError", meanSquaredError, (p, t) => (p - t) ** 2],
  [
    "huber",
    (p, t, options) => huber(p, t, { delta: 0.7, ...options }),
    (p, t) => (Math.abs(p - t) <= 0.7 ? (p - t) ** 2 / 2 : 0.7 * (Math.abs(p - t) - 0.35)),
  ],
  [
    "sigmoidCrossEntropy",
    sigmoidCrossEntropy,
    (p, t) => -t * Math.log(1 / (1 + Math.exp(-p))) - (1 - t) * Math.log(1 - 1 / (1 + Math.exp(-p))),
  ],
];

const prediction = normal(key(1), [3, 5]);
const target = normal(key(2), [3, 5]);
const mask = [0, 1, 0.5, 2, 0, 1, 1, 0, 0, 1, 3, 1, 0, 1, 1];

describe.each(losses)("%s", (name, loss, f) => {
  const want = Array.from(prediction.data, (p, i) => f(p, target.data[i]));
  const close = (x: Tensor, values: number[]): void => {
    values.forEach((v, i) => {
      expect(x.data[i]).toBeCloseTo(v, 5);
    });
  };
  const total = (values: number[]): number => values.reduce((s, v) => s + v, 0);

  it("gives every position, their sum, and by default their mean", () => {
    const none = loss(prediction, target, { reduction: "none" });
    expect(none.shape).toEqual([3, 5]);
    close(none, want);
    close(loss(prediction, target, { reduction: "sum" }), [total(want)]);
    close(loss(prediction, target), [total(want) / 15]);
  });

  it("weighs by a mask, whose sum divides the mean", () => {
    const weighted = want.map((v, i) => v * mask[i]);
    const options = { mask: tensor(mask, [3, 5]) };
    close(loss(prediction, target, { ...options, reduction: "none" }), weighted);
    close(loss(prediction, target, { ...options, reduction: "sum" }), [total(weighted)]);
    close(loss(prediction, target, options), [total(weighted) / total(mask)]);
  });

  it("stretches a mask of rows over their columns, in the mean as well", () => {
    const rows = [1, 0, 1].map((w) => [w]);
    close(loss(prediction, target, { mask: rows }), [(total(want.slice(0, 5)) + total(want.slice(10))) / 10]);
  });

  it("ignores whatever stands where the mask is 0, in the gradient too", () => {
    const spoil = (x: Tensor): Tensor =>
      tensor(x.data.map((v, i) => (mask[i] === 0 ? Number.NaN : v)) as Float32Array, [3, 5]);
    const options = { mask: tensor(mask, [3, 5]) };
    expect(loss(spoil(prediction), spoil(target), options).item()).toBe(loss(prediction, target, options).item());
    const gradient = (p: Tensor, t: Tensor) =>
      grad((x: Tensor[]) => loss(x[0], x[1], options))([p, t]).map((g) => Array.from(g.data));
    const clean = gradient(prediction, target);
    expect(gradient(spoil(prediction), spoil(target))).toEqual(clean);
    expect(clean[0].filter((_, i) => mask[i] === 0)).toEqual(Array(5).fill(0));
  });

  it("has gradients, by the mask as well, that agree with central differences", () => {
    const shape = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 });
    const reductions = fc.constantFrom("mean", "sum", "none") as fc.Arbitrary<"mean">;
    fc.assert(
      fc.property(shape, fc.nat({ max: 1000 }), reductions, fc.boolean(), (s, seed, reduction, masked) => {
        const [p, t, w] = [1, 2, 3].map((i) => normal(key(seed * 3 + i), s));
        const weights = tensor(w.data.map((v) => 1 + v * v) as Float32Array, s);
        const f = (x: { p: Tensor; t: Tensor; mask: Tensor }): Tensor =>
          sum(mul(loss(x.p, x.t, { reduction, ...(masked && { mask: x.mask }) }), 1.5));
        // the targets of sigmoidCrossEntropy are data
        if (name === "sigmoidCrossEntropy")
          checkGrad(
            ({ p, mask }: { p: Tensor; mask: Tensor }) => f({ p, t, mask }),
            { p, mask: weights },
            { tolerance: 0.02 },
          );
        else checkGrad(f, { p, t, mask: weights }, { tolerance: 0.02 });
      }),
      { numRuns: 30 },
    );
  });

  it("of nothing is 0, or NaN for the mean", () => {
    const nothing = zeros([0, 2]);
    expect(loss(nothing, nothing, { reduction: "sum" }).item()).toBe(0);
    expect(loss(nothing, nothing).item()).toBe(Number.NaN);
    expect(loss(nothing, nothing, { reduction: "none" }).shape).toEqual([0, 2]);
  });
});

describe("the gradient by a mask", () => {
  it.each(losses)("of %s is the loss of the position, 0 where the mask is 0", (_, loss, f) => {
    const [p, t, m] = [
      [3, -2, 0.5],
      [0, 1, 0.25],
      [1, 0, 2],
    ];
    const own = p.map((v, i) => f(v, t[i]));
    const by = (reduction: "sum" | "mean"): number[] =>
      Array.from(grad((mask: Tensor) => loss(p, t, { mask, reduction }))(tensor(m)).data);
    const total = own.reduce((s, v, i) => s + v * m[i], 0);
    by("sum").forEach((v, i) => {
      expect(v).toBeCloseTo(m[i] === 0 ? 0 : own[i], 5);
    });
    // (l_i S - L) / S^2 with S the mask's sum and L the weighed sum of the losses
    by("mean").forEach((v, i) => {
      expect(v).toBeCloseTo((3 * (m[i] === 0 ? 0 : own[i]) - total) / 9, 5);
    });
  });
});

describe("shapes that could be stretched by accident", () => {
  it.each([
    ["meanSquaredError", meanSquaredError, "prediction", "target"],
    ["huber", huber, "prediction", "target"],
    ["sigmoidCrossEntropy", sigmoidCrossEntropy, "logits", "targets"],
  ] as const)("are refused by %s, which says what to write", (name, loss, a, b) => {
    expect(() => loss(zeros([4, 1]), zeros([4]))).toThrow(
      new ShapeError(`${name}: ${a} [4, 1] needs ${b} of its shape, got [4]. Use reshape(${b}, [4, 1])`),
    );
    expect(() => loss(zeros([4]), zeros([4, 1]))).toThrow(`got [4, 1]. Use reshape(${b}, [4])`);
    expect(() => loss(zeros([4, 3]), zeros([3]))).toThrow(
      `got [3]. Where it is meant to be stretched, use broadcastTo(${b}, [4, 3])`,
    );
    expect(() => loss(zeros([]), zeros([3]))).toThrow(ShapeError);
    expect(() => loss(zeros([3, 3]), zeros([3, 3]), { mask: [1, 0, 1] })).toThrow(
      "the mask [3] must have the shape [3, 3] of the losses",
    );
  });

  it("do not stop a scalar target or a scalar mask", () => {
    for (const [, loss, f] of losses) {
      expect(loss([[0.5], [2]], 1, { mask: 0.5, reduction: "none" }).toArray()).toEqual([
        [expect.closeTo(f(0.5, 1) / 2, 5)],
        [expect.closeTo(f(2, 1) / 2, 5)],
      ]);
    }
  });

  it("may be masked by whole numbers", () => {
    expect(meanSquaredError([1, 2, 3], 0, { mask: tensor([1, 0, 1], { dtype: "int32" }) }).item()).toBe(5);
  });
});

describe("sigmoidCrossEntropy", () => {
  it("is right for large logits and for small losses", () => {
    const of = (x: number, t: number): number => sigmoidCrossEntropy([x], [t]).item();
    expect([of(1000, 1), of(-1000, 0), of(1000, 0), of(-1000, 1)]).toEqual([0, 0, 1000, 1000]);
    for (const x of [5, 10, 15, 20, 40]) expect(of(x, 1) / Math.log1p(Math.exp(-x))).toBeCloseTo(1, 5);
  });

  it("passes no gradient to its targets, which are data", () => {
    const gradient = grad((t: Tensor) => sigmoidCrossEntropy([3, -2], t))(tensor([0.5, 1]));
    expect(Array.from(gradient.data)).toEqual([0, 0]);
  });

  it("has the gradient sigmoid(x) - t, at 0 as well", () => {
    expect(
      Array.from(grad((x: Tensor) => sigmoidCrossEntropy(x, [1, 0], { reduction: "sum" }))(tensor([0, 0])).data),
    ).toEqual([-0.5, 0.5]);
  });
});

describe("huber", () => {
  it("has delta 1 by default, and is continuous there with its gradient", () => {
    expect(Array.from(huber([0.5, 1, 2, -3], 0, { reduction: "none" }).data)).toEqual([0.125, 0.5, 1.5, 2.5]);
    const gradient = grad((x: Tensor) => huber(x, 0, { reduction: "sum" }))(tensor([0.5, 1, 2, -3, -1, 0]));
    expect(Array.from(gradient.data)).toEqual([0.5, 1, 1, -1, -1, 0]);
  });
});

describe("a loss names what is wrong with", () => {
  it.each([
    [
      () => huber([1], [2], 0.5 as never),
      new TypeError("huber: expected options { delta, reduction, mask }, got 0.5. Write { delta: 0.5 }"),
    ],
    [
      () => meanSquaredError([1], tensor([2], { dtype: "int32" })),
      new TypeError('meanSquaredError: "target" [1] is int32, expected float32. Use cast(target, "float32")'),
    ],
    [
      () => meanSquaredError([1], undefined as never),
      new TypeError(
        'meanSquaredError: "target" expected a tensor, a number or an array of numbers, got undefined. Check the name it is read from',
      ),
    ],
    [
      () => sigmoidCrossEntropy([1], "yes" as never),
      new TypeError('sigmoidCrossEntropy: "targets" expected a tensor, a number or an array of numbers, got "yes"'),
    ],
    [() => huber([1], [2], { delta: 0 }), new RangeError('huber: "delta" expected a number > 0 in float32, got 0')],
    [
      () => huber([1], [2], { delta: 1e-50 }),
      new RangeError('huber: "delta" expected a number > 0 in float32, got 1e-50'),
    ],
    [
      () => sigmoidCrossEntropy([1, 2], [1]),
      new ShapeError(
        "sigmoidCrossEntropy: logits [2] needs targets of its shape, got [1]. Where it is meant to be stretched, use broadcastTo(targets, [2])",
      ),
    ],
    [
      () => sigmoidCrossEntropy([1, 2], [1], { mask: [1, 1] }),
      new ShapeError(
        "sigmoidCrossEntropy: logits [2] needs targets of its shape, got [1]. Where it is meant to be stretched, use broadcastTo(targets, [2])",
      ),
    ],
    [
      () => meanSquaredError([1, 2], [1, 2], { mask: [[1, 1]] }),
      new ShapeError(
        "meanSquaredError: the mask [1, 2] must have the shape [2] of the losses, with sizes of 1 where it is to be stretched. Use reshape(mask, [2])",
      ),
    ],
    [
      () => meanSquaredError([[1], [2]], [[1], [2]], { mask: [1, 0] }),
      new ShapeError(
        "meanSquaredError: the mask [2] must have the shape [2, 1] of the losses, with sizes of 1 where it is to be stretched. Use reshape(mask, [2, 1])",
      ),
    ],
    [
      () => huber([1, 2, 3], [1, 2, 3], { mask: [1, 0] }),
      new ShapeError(
        "huber: the mask [2] must have the shape [3] of the losses, with sizes of 1 where it is to be stretched. Use reshape(mask, [...])",
      ),
    ],
    [
      () => meanSquaredError([1], [1], { reduction: "max" as never }),
      new TypeError('meanSquaredError: "reduction" expected "mean" or "sum" or "none", got "max"'),
    ],
  ] as [() => unknown, Error][])("%s", (run, error) => {
    expect(run).toThrow(error);
  });
});
