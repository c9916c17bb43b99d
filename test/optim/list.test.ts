// The list of what src/optim exports drives this file: a schedule or transform without an oracle fails.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import type { Tensor } from "../../src/core/tensor.js";
import * as optim from "../../src/optim/index.js";
import { createTrainer } from "../../src/train/trainer.js";
import { bits, series, vector } from "./fixtures.js";
import { type ScheduleCase, schedules } from "./oracles/schedules.js";
import { ERROR, SIZE, type TransformCase, transforms } from "./oracles/transforms.js";

/** Neither schedules nor transforms: parts of a loop of one's own, and a figure. */
const OTHERS = ["applyUpdates", "average", "init", "noiseStd", "update"];
const STEPS = 12;

it("every function of optim is a schedule or a transform with an oracle, or one of a few others", () => {
  const exported = Object.entries(optim).flatMap(([name, value]) => (typeof value === "function" ? [name] : []));
  expect([...Object.keys(schedules), ...Object.keys(transforms), ...OTHERS].sort()).toEqual(exported.sort());
});

const listed = <T>(table: { readonly [name: string]: readonly T[] }): [string, T][] =>
  Object.entries(table).flatMap(([name, cases]) =>
    cases.map((c, i): [string, T] => [cases.length > 1 ? `${name} (${i + 1})` : name, c]),
  );

describe.each(listed<ScheduleCase>(schedules))("the schedule %s", (_, { make, oracle, other, refused }) => {
  it("agrees with its definition at every t, to a few ulps of a double", () => {
    const schedule = make();
    for (let t = 0; t < 30; t++) expect(Math.abs(schedule(t) - oracle(t))).toBeLessThanOrEqual(1e-14);
  });

  it("describes itself by its settings, so that a checkpoint refuses others", () => {
    const of = (schedule: optim.ScheduleFunction): string => optim.sgd(schedule).description;
    expect(of(make())).toBe(of(make()));
    expect(of(other())).not.toBe(of(make()));
  });

  it("refuses a setting that is out of range", () => {
    expect(refused).toThrow(/^\w+: .*(expected|need)/);
  });
});

const gradients = Array.from({ length: STEPS }, (_, t) => series(SIZE, 7 + t));

describe.each(listed<TransformCase>(transforms))("the transform %s", (_, { make, partial, oracle, other, refused }) => {
  it("agrees with its rule at every update", () => {
    const transform = make();
    const rule = oracle();
    let state = optim.init(transform, { w: vector(series(SIZE, 3)) });
    gradients.forEach((g, t) => {
      const p = series(SIZE, 3 + t);
      const expected = rule(Array.from(g), t, Array.from(p));
      const inputs = { params: { w: vector(p) }, metrics: { error: ERROR } };
      const next = optim.update(transform, { w: vector(g) }, state, inputs);
      state = next.state;
      next.updates.w.data.forEach((v, i) => {
        const distance = Math.abs(v - expected[i]) / (Math.abs(expected[i]) + 0.05);
        if (!(distance < 1e-5)) throw new Error(`step ${t}, element ${i} is ${v}, expected ${expected[i]}`);
      });
    });
  });

  it("stopped at any step and resumed has the bits of an uninterrupted run", () => {
    const made = () =>
      createTrainer({
        params: { w: vector(series(SIZE, 3)) },
        loss: (params: { w: Tensor }, x: Tensor) => ({
          loss: params.w.mul(x).sum(),
          metrics: { error: params.w.sum().mul(0).add(ERROR) },
        }),
        optimizer: partial ? optim.chain(make(), optim.sgd(0.01)) : make(),
      });
    const whole = made();
    const seen = gradients.map((g) => {
      whole.step(vector(g));
      return { bits: bits(whole.params.w.data as Float32Array), checkpoint: whole.checkpoint() };
    });
    for (const from of [1, 4, 7]) {
      const resumed = made();
      resumed.restore(seen[from - 1].checkpoint);
      for (let t = from; t < STEPS; t++) resumed.step(vector(gradients[t]));
      expect(bits(resumed.params.w.data as Float32Array), `from ${from}`).toEqual(seen[STEPS - 1].bits);
    }
  });

  it("describes itself by its settings, so that a checkpoint refuses others", () => {
    expect(make().description).toBe(make().description);
    expect(other().description).not.toBe(make().description);
  });

  it("refuses a setting that is out of range", () => {
    expect(refused).toThrow(/^\w+: ./);
  });
});
