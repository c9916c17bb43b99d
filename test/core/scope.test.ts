// How long tensors live: host tensors for ever, a scope's until it ends; what a loss may and may not return.
import { describe, expect, it } from "vitest";
import { grad, valueAndGrad } from "../../src/autodiff/grad.js";
import { ShapeError, StaleTensorError } from "../../src/base/errors.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { add, exp, mul, tanh } from "../../src/ops/elementwise/index.js";
import { sum } from "../../src/ops/reduce/reduce.js";
import "../../src/ops/methods.js";
import { sgd } from "../../src/optim/index.js";
import { createTrainer } from "../../src/train/trainer.js";

type P = { w: Tensor };
const optimizer = sgd(0.1);
const params = (): P => ({ w: tensor([1, 2]) });
const trainer = (loss: (p: P, batch: unknown, context: { step: number }) => any) =>
  createTrainer({ params: params(), loss, optimizer });

const staleText = (what: string, step: string): string =>
  `${what}: the result of tanh [2] belongs to ${step}, which has ended. Read it with .data or .item() before the scope ends, or return it`;

describe("a tensor whose scope has ended", () => {
  it("names its op and step when it is read", () => {
    let kept: Tensor | undefined;
    const t = trainer((p) => (kept = tanh(p.w)).sum());
    for (let step = 0; step < 4; step++) t.step(undefined);
    expect(() => kept!.data).toThrow(new StaleTensorError(staleText("data", "step 3")));
    expect(() => kept!.toArray()).toThrow(StaleTensorError);
    expect(() => sum(kept!).item()).toThrow(new StaleTensorError(staleText("sum", "step 3")));
  });

  it("names the step it came from when a later step uses it", () => {
    let kept: Tensor | undefined;
    const t = trainer((p, _, { step }) => {
      if (step === 2) return add(p.w, kept!).sum();
      return (kept = tanh(p.w)).sum();
    });
    t.step(undefined);
    t.step(undefined);
    expect(() => t.step(undefined)).toThrow(new StaleTensorError(staleText("add", "step 1")));
  });

  it("names the step although an earlier one had failed", () => {
    let kept: Tensor | undefined;
    let fail = true;
    const t = trainer((p) => {
      if (fail) throw new Error("not yet");
      return (kept = tanh(p.w)).sum();
    });
    expect(() => t.step(undefined)).toThrow("not yet");
    fail = false;
    t.step(undefined);
    expect(() => kept!.data).toThrow(staleText("data", "step 0"));
  });

  it("prints itself without throwing", () => {
    let kept: Tensor | undefined;
    const seen: string[] = [];
    const t = trainer((p) => {
      if (kept) seen.push(String(kept));
      kept = tanh(p.w);
      seen.push(String(kept));
      return kept.sum();
    });
    t.step(undefined);
    seen.push(String(kept));
    t.step(undefined);
    expect(seen.slice(0, 3)).toEqual([
      "tensor [2] float32 [0.76159424, 0.9640277 ]",
      "tensor [2] float32 (stale: the result of tanh of step 0, which has ended)",
      "tensor [2] float32 (stale: the result of tanh of step 0, which has ended)",
    ]);
  });

  it("cannot be a parameter", () => {
    let kept: Tensor | undefined;
    grad((x: Tensor) => (kept = tanh(x)).sum())(tensor([1, 2]));
    expect(() => grad((x: Tensor) => x.sum())(kept!)).toThrow(staleText("data", "grad 0"));
  });

  it("leaves a parameter of an ended step unreadable too", () => {
    let kept: Tensor | undefined;
    const t = trainer((p) => (kept = p.w).sum());
    t.step(undefined);
    expect(() => kept!.data).toThrow(/^data: the result of params\.w \[2\] belongs to step 0, which has ended/);
  });
});

describe("a tensor of another live scope", () => {
  const outerUses = (use: (inner: P, outer: Tensor) => Tensor): (() => void) => {
    const outer = trainer((p) => {
      const h = tanh(p.w);
      trainer((q) => use(q, h)).step(undefined);
      return h.sum();
    });
    return () => outer.step(undefined);
  };

  it("is refused, and both scopes are named", () => {
    expect(outerUses((q, h) => mul(q.w, h).sum())).toThrow(
      new StaleTensorError(
        "mul: the result of tanh [2] belongs to step 0, not to step 0. Take its .data and make a host tensor of it with tensor(...)",
      ),
    );
  });

  it("is refused as the loss", () => {
    expect(outerUses((_, h) => h.slice([0], [1]))).toThrow(StaleTensorError);
    let loss: Tensor | undefined;
    const outer = trainer((p) => {
      loss = p.w.sum();
      trainer(() => loss!).step(undefined);
      return loss;
    });
    expect(() => outer.step(undefined)).toThrow(/^loss: the result of sum \[\] belongs to step 0, not to step 0/);
  });

  it("may be used through its data", () => {
    expect(outerUses((q, h) => mul(q.w, tensor(h.data)).sum())).not.toThrow();
  });
});

describe("what a loss returns", () => {
  const step = (result: unknown) => () => trainer(() => result).step(undefined);
  const gradient = (result: unknown) => () => valueAndGrad(() => result as Tensor)(tensor([1, 2]));

  it.each([
    ["a trainer", step],
    ["grad", gradient],
  ])("must be a tensor, says %s", (_, run) => {
    expect(run(3)).toThrow(new TypeError("loss returned 3; return a scalar tensor"));
    expect(run(undefined)).toThrow(new TypeError("loss returned undefined; return a scalar tensor"));
    expect(run([1])).toThrow(new TypeError("loss returned [1]; return a scalar tensor"));
  });

  it.each([
    ["a trainer", step],
    ["grad", gradient],
  ])("must not be a Promise, says %s", (_, run) => {
    expect(run(Promise.resolve(1))).toThrow(
      new TypeError("loss returned a Promise: a loss must be synchronous. Await data before the step, not inside it"),
    );
  });

  it.each([
    ["a trainer", step],
    ["grad", gradient],
  ])("must not be a host tensor, says %s", (_, run) => {
    expect(run(tensor(1))).toThrow(
      new TypeError("loss returned a host tensor: it was made outside of the loss, so it depends on no parameter"),
    );
  });

  it("must be a scalar", () => {
    const text = "loss returned shape [2]; reduce it to a scalar with .mean() or .sum()";
    expect(() => trainer((p) => tanh(p.w)).step(undefined)).toThrow(new ShapeError(text));
    expect(() => grad((x: Tensor) => tanh(x))(tensor([1, 2]))).toThrow(new ShapeError(text));
  });

  it("may be of one element in any rank", () => {
    expect(Array.from(grad((x: Tensor) => x.mul(x).sum({ keepDims: true }))(tensor([[1, 2]])).data)).toEqual([2, 4]);
  });

  it("leaves the parameters as they were when it is refused", () => {
    const t = trainer((p) => tanh(p.w));
    expect(() => t.step(undefined)).toThrow(ShapeError);
    expect(t.params).toEqual(params());
    expect(t.steps).toBe(0);
  });
});

describe("scopes within scopes", () => {
  const nested = "grad: nested gradients are not supported: gradnoise computes first derivatives only";
  const inner = grad((x: Tensor) => x.mul(x).sum());

  it("refuse a gradient in a gradient", () => {
    expect(() => grad((x: Tensor) => inner(x).sum())(tensor([1, 2]))).toThrow(nested);
  });

  it("refuse a gradient in a step", () => {
    expect(() => trainer((p) => inner(p.w).sum()).step(undefined)).toThrow(nested);
  });

  it("refuse a trainer's step in its own loss", () => {
    const t: { step(batch: unknown): unknown } = trainer((p) => {
      t.step(undefined);
      return p.w.sum();
    });
    expect(() => t.step(undefined)).toThrow(/^step: this runtime is already inside a scope\./);
  });

  it("are closed again after a refusal", () => {
    expect(() => grad(() => tensor(1))(tensor([1]))).toThrow(TypeError);
    expect(exp(tensor([0])).isHost).toBe(true);
    expect(inner(tensor([3])).item()).toBe(6);
  });
});

describe("ops outside of a scope", () => {
  it("give host tensors, which last", () => {
    const y = tanh(tensor([0.5, 1]));
    for (let i = 0; i < 50; i++) exp(tensor([1, 2, 3]));
    expect(y.isHost).toBe(true);
    expect(Array.from(y.data)).toEqual(Array.from(tanh(tensor([0.5, 1])).data));
  });

  it("take numbers and nested arrays", () => {
    expect(add(1, 2).item()).toBe(3);
    expect(
      add(
        [
          [1, 2],
          [3, 4],
        ],
        [10, 20],
      ).toArray(),
    ).toEqual([
      [11, 22],
      [13, 24],
    ]);
  });

  it("inside a loss see a host tensor that was changed since the last step", () => {
    const outside = tensor([1, 1]);
    const t = trainer((p) => mul(p.w, outside).sum());
    const first = t.evaluate(undefined).loss;
    outside.data.fill(2);
    expect(t.evaluate(undefined).loss).toBe(2 * first);
  });
});
