// The warm tape: reusing the last step's records gives the bits of a fresh run, whatever the loss does between steps.
import { describe, expect, it } from "vitest";
import { grad, valueAndGrad } from "../../src/autodiff/grad.js";
import { key, normal } from "../../src/core/random.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { dropout } from "../../src/ops/elementwise/dropout.js";
import "../../src/ops/methods.js";
import { digest } from "../../src/files/save.js";
import { relu, sigmoid, tanh } from "../../src/ops/elementwise/index.js";
import { concat, slice } from "../../src/ops/layout/layout.js";
import { softmaxCrossEntropy } from "../../src/ops/loss/softmax.js";
import { linear, matmul } from "../../src/ops/product/matmul.js";
import { mean, sum } from "../../src/ops/reduce/reduce.js";
import { sgd } from "../../src/optim/index.js";
import { createTrainer, type LossContext } from "../../src/train/trainer.js";

interface Params {
  w: Tensor;
  v: Tensor;
  b: Tensor;
}
interface Batch {
  x: Tensor;
  y: Tensor;
}
type Loss = (params: Params, batch: Batch, context: { step: number }) => Tensor;

const start = (): Params => ({
  w: normal(key(1), [6, 5], { std: 0.5 }),
  v: normal(key(2), [5, 4], { std: 0.5 }),
  b: normal(key(3), [5], { std: 0.5 }),
});

const batchOf = (rows: number, seed: number): Batch => ({
  x: normal(key(seed), [rows, 6]),
  y: tensor(Int32Array.from({ length: rows }, (_, i) => (i * 3 + seed) % 4)),
});

const hidden = (p: Params, x: Tensor): Tensor => linear(x, p.w, p.b, { relu: true });

const losses: [string, Loss, (step: number) => number][] = [
  ["is the same at every step", (p, { x, y }) => softmaxCrossEntropy(matmul(hidden(p, x), p.v), y), () => 7],
  [
    "sees batches of changing size",
    (p, { x, y }) => softmaxCrossEntropy(matmul(hidden(p, x), p.v), y),
    (step) => [7, 3, 7, 12, 1][step % 5],
  ],
  [
    "branches on the step",
    (p, { x, y }, { step }) => {
      const h = step % 3 === 1 ? tanh(linear(x, p.w, p.b)) : hidden(p, x);
      return softmaxCrossEntropy(matmul(h, p.v), y);
    },
    () => 7,
  ],
  [
    "grows and shrinks",
    (p, { x, y }, { step }) => {
      let h = hidden(p, x);
      for (let i = 0; i < [0, 3, 1, 5, 2][step % 5]; i++) h = sigmoid(h.mul(1.5));
      return softmaxCrossEntropy(matmul(h, p.v), y);
    },
    () => 5,
  ],
  [
    "has constants that follow a schedule",
    (p, { x, y }, { step }) =>
      softmaxCrossEntropy(matmul(hidden(p, x), p.v), y).add(
        p.w
          .mul(p.w)
          .sum()
          .mul(0.01 / (1 + step)),
      ),
    () => 6,
  ],
  [
    "cuts and reduces elsewhere at every step",
    (p, { x }, { step }) => {
      const part = slice(x, [step % 3, 0], [2 + (step % 2), 6]);
      return mean(sum(matmul(part, p.w), { axis: step % 2 }).mul(p.b.sum()));
    },
    () => 6,
  ],
  [
    "uses values many times, and weights at several places",
    (p, { x, y }) => {
      const h = hidden(p, x);
      const twice = concat([h, h.mul(h)], 1);
      const tied = relu(matmul(matmul(h, p.w, { transposeB: true }), p.w));
      return softmaxCrossEntropy(matmul(tied.add(h).add(slice(twice, [0, 5], [x.shape[0], 5])), p.v), y);
    },
    () => 7,
  ],
  [
    "leaves a parameter out now and then",
    (p, { x }, { step }) => (step % 2 ? mean(matmul(x, p.w)) : mean(hidden(p, x).mul(p.b))),
    () => 4,
  ],
  [
    "computes more after the loss",
    (p, { x, y }, { step }) => {
      const h = hidden(p, x);
      const loss = softmaxCrossEntropy(matmul(h, p.v), y);
      if (step % 2) tanh(h).sum();
      return loss;
    },
    () => 7,
  ],
  [
    "drops other units at every step",
    (p, { x, y }, { step }) => softmaxCrossEntropy(matmul(dropout(hidden(p, x), 0.5, key(step)), p.v), y),
    () => 7,
  ],
];

describe("a loss that", () => {
  const steps = 12;

  it.each(losses)("%s has the bits of a fresh trainer at every step", (_, loss, rows) => {
    const warm = createTrainer({ params: start(), loss, optimizer: sgd(0.1) });
    let params = start();
    for (let step = 0; step < steps; step++) {
      const batch = batchOf(rows(step), step);
      const cold = createTrainer({
        params,
        loss: (p: Params, b: Batch) => loss(p, b, { step }),
        optimizer: sgd(0.1),
      });
      expect(warm.step(batch).loss).toBe(cold.step(batch).loss);
      params = cold.params;
      expect(digest(warm.params), `after step ${step}`).toBe(digest(params));
    }
  });

  it.each(losses)("%s does not mind evaluations and predictions between steps", (_, loss, rows) => {
    const options = {
      params: start(),
      loss,
      predict: (p: Params, x: Tensor) => matmul(hidden(p, x), p.v),
      optimizer: sgd(0.1),
    };
    const alone = createTrainer(options);
    const among = createTrainer(options);
    for (let step = 0; step < steps; step++) {
      alone.step(batchOf(rows(step), step));
      among.evaluate(batchOf(rows(step + 1), 100));
      among.step(batchOf(rows(step), step));
      among.predict(batchOf(9, step).x);
    }
    expect(digest(among.params)).toBe(digest(alone.params));
  });

  it.each(losses)("%s does not mind a step that throws in the middle", (_, loss, rows) => {
    let fail = false;
    const failing = (p: Params, b: Batch, c: LossContext): Tensor => {
      const h = tanh(hidden(p, b.x));
      if (fail) throw new Error("stop");
      return loss(p, b, c).add(h.sum().mul(0));
    };
    const calm = createTrainer({ params: start(), loss: failing, optimizer: sgd(0.1) });
    const interrupted = createTrainer({ params: start(), loss: failing, optimizer: sgd(0.1) });
    for (let step = 0; step < steps; step++) {
      calm.step(batchOf(rows(step), step));
      fail = step % 2 === 0;
      if (fail) expect(() => interrupted.step(batchOf(rows(step), step))).toThrow("stop");
      fail = false;
      interrupted.step(batchOf(rows(step), step));
    }
    expect(digest(interrupted.params)).toBe(digest(calm.params));
  });
});

describe("the warm tape of grad", () => {
  it("gives the same bits when the function is called again", () => {
    const f = (p: Params): Tensor => matmul(hidden(p, batchOf(7, 1).x), p.v).sum();
    const again = valueAndGrad(f);
    const first = again(start());
    expect(digest(again(start()).gradients)).toBe(digest(first.gradients));
    expect(digest(valueAndGrad(f)(start()).gradients)).toBe(digest(first.gradients));
  });

  it("serves arguments of other shapes", () => {
    const f = grad((x: Tensor) => x.mul(x).sum());
    for (const n of [3, 5, 3, 0, 1])
      expect(Array.from(f(tensor(new Float32Array(n).fill(2))).data)).toEqual(Array(n).fill(4));
  });

  it("adds the contributions to a value in reverse order of the tape", () => {
    // forward: x * 1, x * 2^24, x * -2^24 in this order; backward adds -2^24 first, then 2^24, then 1: exactly 1
    const f = grad((x: Tensor) =>
      x
        .mul(1)
        .add(x.mul(2 ** 24))
        .add(x.mul(-(2 ** 24)))
        .sum(),
    );
    expect(f(tensor([1])).item()).toBe(1);
    // 1 would be lost if it came first or second: (2^24 + 1) - 2^24 is 0 in float32
    const g = grad((x: Tensor) =>
      x
        .mul(-(2 ** 24))
        .add(x.mul(1))
        .add(x.mul(2 ** 24))
        .sum(),
    );
    expect(g(tensor([1])).item()).toBe(0);
  });
});
