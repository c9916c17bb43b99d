// What stops a step, what it says, and that the trainer is as before: wrong values, wrong losses, an abort.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import { DivergenceError } from "../../src/base/errors.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { digest } from "../../src/files/save.js";
import { log } from "../../src/ops/elementwise/index.js";
import { accumulate, adam, addNoise, chain, clipByGlobalNorm, sgd } from "../../src/optim/index.js";
import { createTrainer } from "../../src/train/trainer.js";

const good = { x: tensor([[1, 2]]), y: tensor([[1]]) };
const bad = { x: tensor([[1, Number.NaN]]), y: tensor([[1]]) };

function make(optimizer = chain(addNoise({ eta: 0.01, seed: 1 }), adam(0.01))) {
  return createTrainer({
    params: { layer: { weight: tensor([[0.5], [0.25]]) } },
    loss: (p, { x, y }: typeof good) => {
      const e = x.matmul(p.layer.weight).sub(y);
      return e.mul(e).mean();
    },
    optimizer,
  });
}

function errorOf(f: () => unknown): DivergenceError {
  try {
    f();
  } catch (error) {
    if (error instanceof DivergenceError) return error;
    throw error;
  }
  throw new Error("no DivergenceError was thrown");
}

describe("a NaN in the batch", () => {
  it("stops the step with an error that names step, value, position and last finite loss", () => {
    const trainer = make();
    const { loss } = trainer.step(good);
    const error = errorOf(() => trainer.step(bad));
    expect(error.message).toBe(
      `step 1: the loss is NaN: batch.x holds NaN at position 1; the last finite loss was ${loss}. Replace that value, or leave out its example`,
    );
    expect([error.step, error.lastFiniteLoss]).toEqual([1, loss]);
  });

  it("at the first step says that there was no finite loss", () => {
    const error = errorOf(() => make().step(bad));
    expect(error.message).toContain(
      "step 0: the loss is NaN: batch.x holds NaN at position 1; there was no finite loss.",
    );
  });

  it("leaves the trainer as it was: training goes on as if the batch had not been", () => {
    for (const optimizer of [undefined, accumulate(2, chain(addNoise({ eta: 0.1, seed: 1 }), adam(0.1)))]) {
      const [a, b] = [make(optimizer), make(optimizer)];
      for (let i = 0; i < 5; i++) {
        a.step(good);
        expect(() => b.step(bad)).toThrow(DivergenceError);
        b.step(good);
      }
      expect(b.checkpoint()).toEqual(a.checkpoint());
    }
  });
});

describe("an exploding run", () => {
  it("stops before the parameters are not finite, with the last loss that was", () => {
    const trainer = make(sgd(1e6));
    const losses: number[] = [];
    const error = errorOf(() => {
      for (let i = 0; i < 100; i++) losses.push(trainer.step({ ...good, y: tensor([[2]]) }).loss);
    });
    expect(error.lastFiniteLoss).toBe(losses.at(-1));
    expect(error.step).toBe(losses.length);
    expect(trainer.steps).toBe(losses.length);
    expect(trainer.params.layer.weight.data.every(Number.isFinite)).toBe(true);
  });

  it("can go on after setParams with better parameters", () => {
    const trainer = make(sgd(0.01));
    trainer.setParams({ layer: { weight: tensor([[3e38], [3e38]]) } });
    expect(() => trainer.step(good)).toThrow(DivergenceError);
    trainer.setParams({ layer: { weight: tensor([[0.5], [0.25]]) } });
    expect(trainer.step(good).loss).toBe(0);
  });

  it("names the parameter whose gradient is not finite while the loss still is", () => {
    const trainer = createTrainer({
      params: { fine: tensor([1]), layers: [{ weight: tensor([1]) }, { weight: tensor([1e-45]) }] },
      // log has a finite value at the smallest denormal, and 1 / x has not
      loss: (p, _: undefined) => p.fine.add(p.layers[0].weight).add(log(p.layers[1].weight)).sum(),
      optimizer: sgd(0.1),
    });
    const before = digest(trainer.params);
    expect(() => trainer.step(undefined)).toThrow(
      "step 0: the gradient of params.layers[1].weight is not finite; there was no finite loss.",
    );
    expect(digest(trainer.params)).toBe(before);
  });

  it("that met one gradient that is not finite goes on with the next that is", () => {
    const trainer = createTrainer({
      params: { w: tensor([1e-45]) },
      loss: (p, use: "log" | "sum") => (use === "log" ? log(p.w).sum() : p.w.sum()),
      optimizer: sgd(0.5),
    });
    expect(() => trainer.step("log")).toThrow(DivergenceError);
    expect(trainer.step("sum").step).toBe(0);
    expect(trainer.params.w.item()).toBe(-0.5);
  });

  it("names a parameter of an array and of a single tensor as code would", () => {
    const list = createTrainer({
      params: [tensor([1e-45])],
      loss: ([w], _: undefined) => log(w).sum(),
      optimizer: sgd(0.1),
    });
    expect(() => list.step(undefined)).toThrow("the gradient of params[0] is not finite");
    const one = createTrainer({
      params: tensor([1e-45]),
      loss: (w, _: undefined) => log(w).sum(),
      optimizer: sgd(0.1),
    });
    expect(() => one.step(undefined)).toThrow("the gradient of params is not finite");
  });

  it("is not declared where squares of finite gradients leave the range of float32", () => {
    const trainer = createTrainer({
      params: { w: tensor([1]) },
      loss: (p, _: undefined) => p.w.mul(1e30).sum(),
      optimizer: chain(clipByGlobalNorm(0.5), sgd(1)),
    });
    trainer.step(undefined);
    expect(trainer.params.w.item()).toBeCloseTo(0.5, 6);
  });
});

describe("a loss that is none", () => {
  const withLoss = (loss: any) =>
    createTrainer<{ w: Tensor }, undefined>({ params: { w: tensor([1, 2]) }, loss, optimizer: sgd(0.1) });
  const cases: [string, (p: { w: Tensor }) => unknown, string][] = [
    ["a Promise", async (p) => p.w.sum(), "loss returned a Promise: a loss must be synchronous"],
    ["a number", () => 1, "loss returned 1; return a scalar tensor"],
    ["nothing", () => undefined, "loss returned undefined; return a scalar tensor"],
    ["a vector", (p) => p.w.mul(2), "loss returned shape [2]; reduce it to a scalar with .mean() or .sum()"],
    ["a host tensor", () => tensor(1), "loss returned a host tensor"],
    ["an exception", () => JSON.parse("{"), "JSON"],
  ];
  it.each(cases)("%s stops the step and leaves the trainer as it was", (_, loss, message) => {
    let use = loss;
    const trainer = withLoss((p: { w: Tensor }) => use(p));
    const before = trainer.checkpoint();
    expect(() => trainer.step(undefined)).toThrow(message);
    expect(trainer.checkpoint()).toEqual(before);
    use = (p) => p.w.sum();
    expect(trainer.step(undefined).loss).toBe(3);
  });

  it("of a missing function or optimizer is refused when the trainer is made", () => {
    expect(() => withLoss(undefined)).toThrow('createTrainer: "loss" expected a function, got undefined');
    expect(() =>
      createTrainer({ params: { w: tensor([1]) }, loss: (p) => p.w.sum(), optimizer: 0.1 as never }),
    ).toThrow('createTrainer: "optimizer" expected a gradient transform, got 0.1');
  });

  it("an optimizer that throws leaves parameters, moments and step as they were", () => {
    let rate = 0.1;
    for (const of of [adam, (r: () => number) => sgd(r, { momentum: 0.9 })]) {
      const trainer = make(of(() => rate));
      trainer.step(good);
      const before = trainer.checkpoint();
      rate = Number.NaN;
      expect(() => trainer.step(good)).toThrow('"learningRate" at t = 1 expected a finite number, got NaN');
      expect(trainer.checkpoint()).toEqual(before);
      rate = 0.1;
    }
  });
});

describe("trainer.run", () => {
  const endless = function* () {
    for (;;) yield good;
  };

  it("steps through all batches and reports each", async () => {
    const [a, b] = [make(), make()];
    const seen: number[] = [];
    const last = await a.run([good, good, good], { onProgress: ({ step }) => seen.push(step) });
    for (let i = 0; i < 3; i++) b.step(good);
    expect(seen).toEqual([0, 1, 2]);
    expect(last?.step).toBe(2);
    expect(a.checkpoint()).toEqual(b.checkpoint());
  });

  it("takes batches that come asynchronously", async () => {
    const later = async function* () {
      for (let i = 0; i < 3; i++) yield await Promise.resolve(good);
    };
    const trainer = make();
    await trainer.run(later());
    expect(trainer.steps).toBe(3);
  });

  it("of no batches returns undefined", async () => {
    expect(await make().run([])).toBeUndefined();
  });

  it("stops between two steps when it is aborted from a timer", async () => {
    const trainer = make();
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    const last = await trainer.run(endless(), { signal: stop.signal, yieldEveryMs: 5 });
    expect(last?.step).toBe(trainer.steps - 1);
    expect(trainer.step(good).step).toBe(trainer.steps - 1);
  });

  it("makes no step when it is aborted beforehand", async () => {
    const trainer = make();
    expect(await trainer.run(endless(), { signal: AbortSignal.abort() })).toBeUndefined();
    expect(trainer.steps).toBe(0);
  });

  it("rejects with the step's own error and closes the batches", async () => {
    let closed = false;
    const batches = function* () {
      try {
        yield good;
        yield bad;
      } finally {
        closed = true;
      }
    };
    await expect(make().run(batches())).rejects.toThrow(DivergenceError);
    expect(closed).toBe(true);
  });
});
