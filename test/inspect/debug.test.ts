// Hunting a NaN: debug names the op, its inputs and the place where the first non-finite value came in, and changes no bit.
import { describe, expect, it } from "vitest";
import { customGrad, recompute } from "../../src/autodiff/custom.js";
import { DivergenceError } from "../../src/base/errors.js";
import { Scope } from "../../src/core/scope.js";
import { type Tensor, tensor, zeros } from "../../src/core/tensor.js";
import * as nn from "../../src/nn/index.js";
import { div, exp, log } from "../../src/ops/elementwise/index.js";
import { softmax } from "../../src/ops/loss/softmax.js";
import { matmul } from "../../src/ops/product/matmul.js";
import "../../src/ops/methods.js";
import { key, normal } from "../../src/core/random.js";
import { digest } from "../../src/files/save.js";
import { adam, type GradientTransform, sgd } from "../../src/optim/index.js";
import { createTrainer } from "../../src/train/trainer.js";

/** What the first failing step says, after `calm` steps that do not. */
function complaint(
  loss: (p: { w: Tensor }, batch: { x: Tensor }, context: { step: number }) => Tensor,
  options: { calm?: number; w?: Tensor; x?: Tensor; optimizer?: GradientTransform } = {},
): string {
  const { calm = 0, w = tensor([1, 2, 3]), x = tensor([1, 0, 2]), optimizer = sgd(0) } = options;
  const trainer = createTrainer({ params: { w }, loss, optimizer, debug: true });
  for (let i = 0; i < calm; i++) trainer.step({ x });
  const before = digest(trainer.params);
  try {
    trainer.step({ x });
  } catch (error) {
    expect(error).toBeInstanceOf(DivergenceError);
    expect((error as DivergenceError).step).toBe(calm);
    expect(digest(trainer.params)).toBe(before);
    return (error as Error).message;
  }
  throw new Error("the step was made");
}

const none = "there was no finite loss";

describe("debug names the op of the forward pass", () => {
  it("that made an Infinity of a parameter", () => {
    const weight = new Float32Array(2500).fill(1);
    weight[17] = 0;
    const layers = [0, 1, 2, 3].map((i) => ({ weight: i === 3 ? tensor(weight, [50, 50]) : zeros([2]) }));
    const trainer = createTrainer({
      params: { layers },
      loss: (p, _: object, { step }) => (step < 12 ? p.layers[0].weight.sum() : log(p.layers[3].weight).sum()),
      optimizer: sgd(0),
      debug: true,
    });
    for (let i = 0; i < 12; i++) trainer.step({});
    expect(() => trainer.step({})).toThrow(
      "step 12: log of params.layers[3].weight [50, 50] gave -Infinity at position 17 (input 0 there: 0); the last finite loss was 0. Keep its input above 0, or compute with logits: softmaxCrossEntropy, logSoftmax",
    );
  });

  it("on a warm tape as well, and by the results it was made of", () => {
    const text = complaint((p, { x }, { step }) => log(p.w.mul(x).sub(step)).sum(), { x: tensor([3, 3, 3]), calm: 3 });
    expect(text).toBe(
      "step 3: log of the result of sub [3] gave -Infinity at position 0 (input 0 there: 0); the last finite loss was 6.43775177001953. Keep its input above 0, or compute with logits: softmaxCrossEntropy, logSoftmax".replace(
        "6.43775177001953",
        /finite loss was ([\d.]+)\. /.exec(text)![1],
      ),
    );
  });

  it("with the values that were stretched to the place", () => {
    expect(complaint((p) => div(p.w.reshape([3, 1]), tensor([[1, 0]])).sum())).toBe(
      `step 0: div of the result of reshape [3, 1] and a host tensor [1, 2] gave Infinity at position 1 (input 0 there: 1, input 1 there: 0); ${none}. Keep the divisor away from 0`,
    );
  });

  it("with the range of the inputs where the op mixes positions", () => {
    const w = tensor([
      [1e30, 2],
      [-3, 1e30],
    ]);
    expect(complaint((p) => matmul(p.w, p.w.mul(2)).sum(), { w })).toBe(
      `step 0: matmul of params.w [2, 2] and the result of mul [2, 2] gave Infinity at position 0 (input 0 lies in -3..1e+30, input 1 lies in -6..2e+30); ${none}. Lower the learning rate or the noise, or put clipByGlobalNorm(10) first in the chain`,
    );
  });

  it("with a number where a number went in", () => {
    expect(complaint((p) => div(p.w, 0).sum())).toContain(
      "div of params.w [3] and 0 gave Infinity at position 0 (input 0 there: 1, input 1 there: 0)",
    );
    expect(complaint((p) => p.w.mul(Number.NaN).sum())).toContain("step 0: a number that an op was given is NaN");
  });

  it("that averaged nothing", () => {
    expect(complaint((p, { x }) => x.slice([0], [0]).mean().add(p.w.sum()))).toContain(
      "mean of the result of slice [0] gave NaN at position 0 (input 0 is empty)",
    );
  });

  it("inside recompute", () => {
    expect(complaint((p) => recompute((w) => log(w.sub(1)), p.w).sum())).toContain(
      "log of the result of sub [3] gave -Infinity at position 0 (input 0 there: 0)",
    );
  });

  it("or the value of the batch", () => {
    expect(complaint((p, { x }) => p.w.mul(x).sum(), { x: tensor([1, 2, Number.NaN]) })).toBe(
      `step 0: batch.x [3] holds NaN at position 2; ${none}. Replace that value, or leave out its example`,
    );
  });
});

describe("debug names the op of the backward pass", () => {
  // finite at 0, where its gradient is not
  const root = customGrad((v) => ({ value: v.mul(0), backward: (g) => [div(g, v)] }));

  it("whose gradient is not finite", () => {
    expect(complaint((p) => p.w.mul(1e30).mul(1e30).sum(), { w: tensor([0, 1e-38]) })).toContain(
      "step 0: the gradient of mul by params.w [2] is Infinity at position 0 (input 0 there: 0, input 1 there: 1e+30)",
    );
  });

  it("also inside the backward of customGrad", () => {
    expect(complaint((p) => root(p.w).sum(), { w: tensor([1, 0, 2]) })).toContain(
      "div of an argument of customGrad [3] and ",
    );
  });

  it("or the value whose gradients add up to Infinity", () => {
    const w = tensor([1e-30]);
    expect(complaint((p) => p.w.mul(3e38).add(p.w.mul(3e38)).sum(), { w })).toContain(
      "the gradients of params.w [1] add up to Infinity at position 0, with that of mul",
    );
  });
});

describe("debug", () => {
  it("lets the -Infinity of a mask pass", () => {
    const mask = tensor([0, Number.NEGATIVE_INFINITY, 0]);
    const trainer = createTrainer({
      params: { w: tensor([1, 2, 3]) },
      loss: (p, x: Tensor) => softmax(p.w.add(mask)).mul(x).sum(),
      optimizer: sgd(0.1),
      debug: true,
    });
    for (let i = 0; i < 3; i++) expect(Number.isFinite(trainer.step(tensor([1, 2, 3])).loss)).toBe(true);
  });

  it("names a transform that makes a NaN", () => {
    const broken: GradientTransform = {
      description: "broken()",
      init: () => ({}),
      update(block) {
        block.updates[1] = Number.NaN;
      },
    };
    expect(complaint((p) => p.w.sum(), { optimizer: broken })).toContain(
      "step 0: broken() made the update of params.w NaN at position 1",
    );
  });

  it("changes no bit of the training", () => {
    const model = nn.mlp([5, 8, 3]);
    const run = (debug: boolean): string => {
      const trainer = createTrainer({
        params: model.init(key(1)),
        loss: (p, { x, y }: { x: Tensor; y: Tensor }) =>
          nn.softmaxCrossEntropy(
            recompute((v, w) => v.matmul(w), model.apply(p, x), exp(p.layers[0].weight.slice([0, 0], [3, 3]))),
            y,
          ),
        optimizer: adam(0.01),
        debug,
      });
      for (let i = 0; i < 8; i++)
        trainer.step({
          x: normal(key(i), [4 + (i % 2), 5]),
          y: tensor(Int32Array.from({ length: 4 + (i % 2) }, () => i % 3)),
        });
      return digest(trainer.params);
    };
    expect(run(true)).toBe(run(false));
  });

  it("is a class of its own: the scope that does not watch has no trace of it", () => {
    expect(Scope.prototype.execute.toString()).not.toMatch(/watch|debug|report/);
  });

  it("lets training go on after a bad batch was taken out", () => {
    const trainer = createTrainer({
      params: { w: tensor([1, 2]) },
      loss: (p, x: Tensor) => log(x).mul(p.w).sum(),
      optimizer: sgd(0.1),
      debug: true,
    });
    trainer.step(tensor([1, 2]));
    expect(() => trainer.step(tensor([1, 0]))).toThrow("log of batch [2] gave -Infinity at position 1");
    expect(trainer.step(tensor([1, 3])).step).toBe(1);
  });
});
