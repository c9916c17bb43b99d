// The average of the parameters: its value, that it follows the updated parameters, and where it may stand.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import * as optim from "../../src/optim/index.js";
import { createTrainer } from "../../src/train/trainer.js";
import { bits, run, series, vector } from "./fixtures.js";

const { accumulate, adam, average, chain, ema, freeze, masked, partition, sgd } = optim;

/** A trainer of one vector whose gradient is the batch. */
function follow(optimizer: optim.GradientTransform, start: ArrayLike<number>) {
  return createTrainer({
    params: { w: vector(start), v: vector([1, 2]) },
    loss: (p, g: Float32Array) => p.w.mul(vector(g)).sum().add(p.v.mul(0).sum()),
    optimizer,
  });
}
const w = (tree: { w: { data: ArrayLike<number> } }): Float32Array => tree.w.data as Float32Array;

describe("ema", () => {
  it.each([[true], [false]])("agrees with its oracle for every length, debias %s", (debias) => {
    for (const n of [1, 3, 4, 5, 67, 4095, 4096, 4097, 9001]) {
      const trainer = follow(chain(sgd(0.1), ema(0.75, { debias })), series(n, 3));
      const expected = Float64Array.from(series(n, 3));
      if (debias) expected.fill(0);
      for (let t = 0; t < 5; t++) {
        trainer.step(series(n, t + 10));
        const now = w(trainer.params);
        const found = w(trainer.average);
        expected.forEach((v, i) => {
          expected[i] = 0.75 * v + 0.25 * now[i];
          const correct = debias ? expected[i] / (1 - 0.75 ** (t + 1)) : expected[i];
          if (!(Math.abs(found[i] - correct) < 1e-6))
            throw new Error(`${n}, ${t}: ${i} is ${found[i]}, not ${correct}`);
        });
      }
    }
  });

  it("after one update is the updated parameters, with debias", () => {
    const trainer = follow(chain(adam(0.1), ema(0.999)), series(50));
    trainer.step(series(50, 2));
    w(trainer.average).forEach((v, i) => {
      expect(v).toBeCloseTo(w(trainer.params)[i], 6);
    });
  });

  it("before the first update is the parameters, set ones too, and starts from those where it does not debias", () => {
    for (const debias of [true, false]) {
      const trainer = follow(chain(sgd(1), ema(0.5, { debias })), [0, 0]);
      trainer.setParams({ w: vector([4, 8]), v: vector([1, 2]) });
      expect(w(trainer.average)).toEqual(Float32Array.of(4, 8));
      trainer.step(Float32Array.of(-2, -2));
      expect(w(trainer.average)).toEqual(debias ? Float32Array.of(6, 10) : Float32Array.of(5, 9));
    }
  });

  it("of constant parameters is those parameters, at a long memory and after many updates", () => {
    const trainer = follow(chain(sgd(0), ema(0.9999)), [1, -3, 1e-3]);
    for (let t = 0; t < 3000; t++) trainer.step(Float32Array.of(1, 1, 1));
    [1, -3, 1e-3].forEach((v, i) => {
      expect(Math.abs(w(trainer.average)[i] / v - 1)).toBeLessThan(2e-5);
    });
  });

  it("leaves the updates their bits", () => {
    const steps = [series(67, 1), series(67, 2)].map((g) => ({ w: vector(g) }));
    const [plain, watched] = [adam(0.1), chain(adam(0.1), ema(0.9))].map((o) =>
      run(o, { w: vector(series(67)) }, steps),
    );
    expect(watched.map((u) => bits(u.w))).toEqual(plain.map((u) => bits(u.w)));
  });

  it("follows what a mask names; the rest is the parameters", () => {
    for (const optimizer of [
      chain(sgd(1), masked(ema(0), "w")),
      partition({ w: chain(sgd(1), ema(0.5)), "**": sgd(1) }),
      chain(sgd(1), masked(ema(0.5), { w: vector([1, 0]), v: vector([0, 0]) })),
    ]) {
      const trainer = follow(optimizer, [0, 0]);
      trainer.step(Float32Array.of(-1, -1));
      trainer.setParams({ w: vector([7, 7]), v: vector([5, 6]) });
      expect(w(trainer.average)[0]).toBe(1);
      expect(Array.from(trainer.average.v.data)).toEqual([5, 6]);
    }
  });

  it("of two decays in two groups keeps both", () => {
    const trainer = follow(
      partition({ w: chain(sgd(1), ema(0)), "**": chain(sgd(1), ema(0.5, { debias: false })) }),
      [0],
    );
    trainer.step(Float32Array.of(-1));
    trainer.step(Float32Array.of(-1));
    expect([...w(trainer.average), ...trainer.average.v.data]).toEqual([2, 1, 2]);
  });

  it("counts updates, not micro-batches, inside accumulate and behind it", () => {
    for (const optimizer of [accumulate(2, chain(sgd(1), ema(0.5))), chain(accumulate(2, sgd(1)), ema(0.5))]) {
      const trainer = follow(optimizer, [0]);
      for (let t = 0; t < 4; t++) trainer.step(Float32Array.of(-1));
      expect(w(trainer.average)[0]).toBeCloseTo((0.25 * 1 + 0.5 * 2) / 0.75, 6);
    }
  });

  it("comes back with a checkpoint", () => {
    const make = () => follow(chain(adam(0.1), ema(0.9)), series(20));
    const [a, b] = [make(), make()];
    for (let t = 0; t < 3; t++) a.step(series(20, t));
    b.restore(a.checkpoint());
    expect(bits(w(b.average))).toEqual(bits(w(a.average)));
  });

  it("is read by average(params, state) in a loop of one's own, with the trainer's bits", () => {
    const optimizer = chain(adam(0.1), ema(0.9));
    const trainer = follow(optimizer, series(20));
    let params = { w: vector(series(20)), v: vector([1, 2]) };
    let state = optim.init(optimizer, params);
    for (let t = 0; t < 3; t++) {
      trainer.step(series(20, t));
      const next = optim.update(optimizer, { v: vector([0, 0]), w: vector(series(20, t)) }, state);
      state = next.state;
      params = optim.applyUpdates(params, next.updates as typeof params);
    }
    expect(bits(w(average(params, state)))).toEqual(bits(w(trainer.average)));
    expect(() => average({ x: vector([1]) }, state)).toThrow("average: x is no parameter of the optimizer's state");
  });

  it("must stand last, wherever it is nested", () => {
    const message = "chain: freeze(v) stands behind";
    for (const first of [
      ema(0.9),
      masked(ema(0.9), "w"),
      chain(sgd(1), ema(0.9)),
      accumulate(2, chain(sgd(1), ema(0.9))),
    ])
      expect(() => chain(first, freeze("v"))).toThrow(message);
    expect(() => chain(sgd(1), freeze("v"), ema(0.9))).not.toThrow();
    expect(() => chain(ema(0.9), sgd(1))).toThrow(
      "chain: sgd(1) stands behind ema(0.9), which averages the parameters that the finished updates make. Put that last",
    );
  });

  it("is missed by name", () => {
    const message = "average: the optimizer keeps none; put ema(0.999) last in its chain";
    expect(() => follow(sgd(1), [0]).average).toThrow(message);
    const params = { w: vector([0]) };
    expect(() => average(params, optim.init(sgd(1), params))).toThrow(message);
    expect(() => ema(1)).toThrow('ema: "decay" expected a number in 0 <= decay < 1, got 1');
  });
});
