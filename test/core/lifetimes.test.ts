import { describe, expect, it } from "vitest";
import {
  createTrainer,
  grad,
  matmul,
  mul,
  optim,
  random,
  StaleTensorError,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  unroll,
  zeros,
} from "../../src/index.js";

const w = () => ({ w: tensor([1, 2]) });

describe("a tensor kept from step n", () => {
  it("throws in step n + 1, whatever it is and whatever computes with it", () => {
    for (const keep of [(p: { w: Tensor }) => mul(p.w, 2), (p: { w: Tensor }) => p.w]) {
      let kept: Tensor | undefined;
      const trainer = createTrainer({
        params: w(),
        loss: (p, _: undefined) => {
          const now = keep(p);
          const change = kept ? sub(now, kept) : now;
          kept = now;
          return sum(change);
        },
        optimizer: optim.sgd(0.1),
      });
      trainer.step(undefined);
      expect(() => trainer.step(undefined)).toThrow(StaleTensorError);
      expect(() => kept!.item()).toThrow();
      expect(() => kept!.data).toThrow(/belongs to step 0, which has ended/);
    }
  });

  it("throws in evaluate, in predict and outside, and the step's own bits go on", () => {
    let kept: Tensor | undefined;
    let use = false;
    const trainer = createTrainer({
      params: w(),
      loss: (p, _: undefined) => {
        const now = use ? mul(p.w, kept!) : mul(p.w, p.w);
        kept ??= now;
        return sum(now);
      },
      predict: (p, _: number) => mul(p.w, kept!),
      optimizer: optim.sgd(0.1),
    });
    trainer.step(undefined);
    const before = trainer.params.w.data;
    use = true;
    for (const f of [() => trainer.step(undefined), () => trainer.evaluate(undefined), () => trainer.predict(0)])
      expect(f).toThrow(/^mul: the result of mul \[2\] belongs to step 0, which has ended\./);
    expect(() => mul(kept!, 2)).toThrow(StaleTensorError);
    expect(trainer.params.w.data).toEqual(before);
    expect(trainer.steps).toBe(1);
  });

  it("keeps its own value where it was read in time", () => {
    const seen: number[][] = [];
    const trainer = createTrainer({
      params: w(),
      loss: (p, _: undefined) => {
        const y = mul(p.w, 10);
        seen.push(Array.from(y.data));
        return sum(y);
      },
      optimizer: optim.sgd(0.1),
    });
    for (let i = 0; i < 3; i++) trainer.step(undefined);
    expect(seen.map(([a]) => Math.round(a))).toEqual([10, 0, -10]);
  });
});

describe("a cell of unroll that closes over an earlier state", () => {
  it("throws under predict and evaluate, where its memory is used again", () => {
    const run = (p: { w: Tensor }) => {
      let earlier: Tensor | undefined;
      return unroll(
        (s: Tensor) => {
          const next = tanh(earlier ? mul(s, earlier) : s);
          earlier ??= s;
          return next;
        },
        p.w,
        3,
      );
    };
    const trainer = createTrainer({
      params: w(),
      loss: (p, _: undefined) => sum(run(p)),
      predict: (p, _: number) => run(p),
      optimizer: optim.sgd(0.1),
    });
    expect(() => trainer.predict(0)).toThrow(StaleTensorError);
    expect(() => trainer.evaluate(undefined)).toThrow(StaleTensorError);
    trainer.step(undefined);
  });
});

describe("what a loss writes into the tree it is given", () => {
  const pure = (p: { w: Tensor; b: Tensor }) => sum(mul(mul(p.w, [1, 0]), p.b));
  const make = (loss: (p: any) => Tensor) =>
    createTrainer<any, undefined, number>({
      params: { w: tensor([1, 2]), b: tensor([3]) },
      loss,
      predict: loss,
      optimizer: optim.sgd(0.1),
    });

  it("ends with the step, the evaluation and the prediction", () => {
    const other = make((p) => {
      p.w = mul(p.w, [1, 0]);
      const { b } = p;
      delete p.b;
      p.more = 1;
      return sum(mul(p.w, b));
    });
    const trainer = make(pure);
    for (let i = 0; i < 3; i++) {
      expect(other.step(undefined)).toEqual(trainer.step(undefined));
      expect(other.evaluate(undefined)).toEqual(trainer.evaluate(undefined));
      expect(other.predict(0).data).toEqual(trainer.predict(0).data);
    }
    expect(other.params).toEqual(trainer.params);
  });

  it("does not reach the caller's tree in grad", () => {
    const params = w();
    const { w: held } = params;
    grad((p: { w: Tensor }) => {
      p.w = mul(p.w, 2);
      return sum(p.w);
    })(params);
    expect(params.w).toBe(held);
  });
});

describe("a kept batch", () => {
  it("knows nothing of the trainer that used it", () => {
    const x = random.normal(random.key(1), [4, 8]);
    const fields = Object.keys(x);
    const trainer = createTrainer({
      params: { w: zeros([8, 2]) },
      loss: (p, batch: Tensor) => sum(matmul(batch, p.w)),
      optimizer: optim.sgd(0.1),
    });
    trainer.step(x);
    expect(Object.keys(x)).toEqual(fields);
    for (const value of Object.values(x))
      expect(
        value === undefined || typeof value !== "object" || Array.isArray(value) || ArrayBuffer.isView(value),
      ).toBe(true);
  });
});
