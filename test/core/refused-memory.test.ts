import { afterEach, describe, expect, it } from "vitest";
import {
  createTrainer,
  customGrad,
  digest,
  exp,
  matmul,
  mean,
  mul,
  optim,
  random,
  recompute,
  softmax,
  square,
  type Tensor,
  tanh,
  tensor,
  unroll,
  valueAndGrad,
} from "../../src/index.js";

// An engine that refuses memory at a point that is chosen: every allocation of a step is one that may fail.
const { grow } = WebAssembly.Memory.prototype;
let limit = Infinity;
WebAssembly.Memory.prototype.grow = function (pages) {
  if (this.buffer.byteLength / 65536 + pages > limit) throw new RangeError("refused");
  return grow.call(this, pages);
};
afterEach(() => {
  limit = Infinity;
});

type P = { w: Tensor; v: Tensor };
const programs: { [name: string]: (p: P, x: Tensor) => Tensor } = {
  mlp: (p, x) => mean(square(tanh(matmul(tanh(matmul(x, p.w)), p.v)))),
  recompute: (p, x) => mean(square(recompute((a, w) => tanh(mul(tanh(matmul(a, w)), 2)), x, p.w))),
  custom: (p, x) =>
    mean(square(matmul(customGrad((a) => ({ value: tanh(a), backward: (g) => [mul(g, g)] }))(matmul(x, p.w)), p.v))),
  unroll: (p, x) =>
    mean(
      square(
        unroll((s: Tensor, _, q: P) => tanh(matmul(s, q.v)), tanh(matmul(x, p.w)), 4, { params: p, recompute: true }),
      ),
    ),
};
const make = (loss: (p: P, x: Tensor) => Tensor) =>
  createTrainer({
    params: { w: random.normal(random.key(1), [30, 40]), v: random.normal(random.key(2), [40, 40]) },
    loss,
    optimizer: optim.chain(optim.addNoise({ eta: 0.01, seed: 1 }), optim.momentum(0.9), optim.sgd(0.1)),
  });
const small = (i: number) => random.normal(random.foldIn(random.key(3), i), [5, 30]);
const big = random.normal(random.key(4), [3000, 30]);

describe("memory that the engine refuses in the middle of a step", () => {
  it.each(Object.entries(programs))("leaves the trainer as it was: %s", (_, loss) => {
    for (const warm of [0, 2]) {
      const reference = make(loss);
      for (let i = 0; i < warm; i++) reference.step(small(i));
      const most = make(loss);
      most.step(big);
      const top = Math.ceil(most.memory.held / 65536);
      for (let i = warm; i < warm + 2; i++) reference.step(small(i));
      let refusals = 0;
      for (let pages = 2; pages < top; pages += Math.ceil(top / 12)) {
        limit = Infinity;
        const trainer = make(loss);
        for (let i = 0; i < warm; i++) trainer.step(small(i));
        const before = digest(trainer.params);
        limit = Math.max(pages, trainer.memory.held / 65536);
        let refused: unknown;
        try {
          trainer.step(big);
        } catch (error) {
          refused = error;
        }
        limit = Infinity;
        if (refused === undefined) continue; // the last little was not needed
        expect(refused).toBeInstanceOf(RangeError);
        refusals++;
        expect([digest(trainer.params), trainer.steps]).toEqual([before, warm]);
        for (let i = warm; i < warm + 2; i++) trainer.step(small(i));
        expect(digest(trainer.params)).toBe(digest(reference.params));
      }
      expect(refusals).toBeGreaterThan(5);
    }
  });

  it("leaves grad and all host arithmetic as they were", () => {
    const f = valueAndGrad(programs.mlp);
    const params = { w: random.normal(random.key(1), [30, 40]), v: random.normal(random.key(2), [40, 40]) };
    const all = () => [
      digest(f(params, small(0)).gradients),
      digest(exp(tensor([1, 2, 3]))),
      digest(softmax(tensor([[1, 2, 3]]))),
      digest(random.normal(random.key(1), [5])),
    ];
    const before = all();
    let refusals = 0;
    for (limit = 2; limit < 400; limit += 7) {
      try {
        f(params, big);
        break;
      } catch {
        refusals++;
      }
    }
    limit = Infinity;
    expect(refusals).toBeGreaterThan(5);
    expect(all()).toEqual(before);
  });
});
