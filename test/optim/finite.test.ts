// What is not finite is refused before it is added; whatever throws is asked first, and leaves the optimizer as it was.
import { describe, expect, it } from "vitest";
import { DivergenceError } from "../../src/base/errors.js";
import { ParameterBlock, Slot } from "../../src/core/parameter-block.js";
import * as optim from "../../src/optim/index.js";
import { updateNotFinite } from "../../src/optim/loop.js";
import { Runtime } from "../../src/wasm/runtime.js";
import { bits, series, vector } from "./fixtures.js";

const { accumulate, adam, addNoise, chain, clipByGlobalNorm, masked, momentum, partition, sgd } = optim;

/** The parameters after every update, or the error. */
function loop(optimizer: optim.GradientTransform, w: number[], gradients: number[][]) {
  let params = { w: vector(w), idle: vector([2]) };
  const state = optim.init(optimizer, params);
  return gradients.map((g) => {
    try {
      const { updates } = optim.update(optimizer, { w: vector(g), idle: vector([0]) }, state);
      params = optim.applyUpdates(params, updates);
    } catch (error) {
      return error as Error;
    }
    return [...params.w.data, ...params.idle.data];
  });
}

describe("an update that is not finite", () => {
  it.each([
    ["adam, epsilon 0", adam(0.1, { epsilon: 0 }), "params.idle NaN at position 0"],
    ["rmsprop, epsilon 0", optim.rmsprop(0.1, { epsilon: 0 }), "params.idle NaN at position 0"],
    ["rmsprop, centred", optim.rmsprop(0.1, { epsilon: 0, centered: true }), "params.idle NaN at position 0"],
    ["adagrad, epsilon 0", optim.adagrad(0.1, { epsilon: 0 }), "params.idle NaN at position 0"],
    [
      "adamw under a mask",
      chain(masked(sgd(1), "w"), masked(optim.adamw(1, { epsilon: 0 }), "idle")),
      "params.idle NaN",
    ],
    ["noise on top", chain(adam(0.1, { epsilon: 0 }), addNoise({ std: 1, seed: 1 })), "params.idle NaN"],
  ])("is refused, names the parameter, and stops the state: %s", (_, optimizer, message) => {
    const [first, second] = loop(optimizer, [1], [[1], [1]]);
    expect(first).toBeInstanceOf(DivergenceError);
    expect((first as Error).message).toContain(
      `optim.update: t = 0: ${optimizer.description} made the update of ${message}`,
    );
    expect((first as Error).message).toContain("what the optimizer keeps has moved, and the parameters have not");
    expect((second as Error).message).toContain("optim.update: the state has stopped at t = 0, where ");
  });

  it("is refused, and nothing has moved where nothing is kept", () => {
    const [first, second] = loop(sgd(3e38), [1], [[1e10], [0]]);
    expect((first as Error).message).toBe(
      "optim.update: t = 0: sgd(3e+38) made the update of params.w -Infinity at position 0. Lower the learning rate or the noise, or put clipByGlobalNorm(10) first in the chain",
    );
    expect(second).toEqual([1, 2]);
  });

  it("is one that is finite and makes a parameter that is not", () => {
    const [first] = loop(sgd(1), [-3e38], [[1e38]]);
    expect((first as Error).message).toContain(
      "made the update of params.w -9.999999680285692e+37 at position 0, which makes the parameter -Infinity",
    );
    expect(loop(sgd(1), [3e38], [[1e38]])[0]).toEqual([Math.fround(Math.fround(3e38) - Math.fround(1e38)), 2]);
  });

  it("is found at every position of every length, NaN and both infinities, whatever the last pass", () => {
    for (const n of [1, 2, 3, 4, 5, 7, 8, 9, 31, 67])
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
        for (let at = 0; at < n; at++) {
          const block = ParameterBlock.allocate(new Runtime(), { w: vector(series(n)) });
          block.updates.set(series(n, 2));
          sgd(1).update(block, {}, { t: 0 });
          expect(block.isFinite()).toBe(true);
          block.updates[at] = bad;
          expect(block.isFinite()).toBe(false);
          expect(block.firstNotFinite()).toMatchObject({ path: "w", position: at, update: bad });
          block.changed();
          sgd(1).update(block, {}, { t: 0 });
          expect(updateNotFinite(sgd(1), block)).toContain(`at position ${at}`);
        }
  });

  it("of a transform of one's own is found, also where it writes through a view that it held", () => {
    const late: optim.GradientTransform = {
      description: "late",
      init: () => ({}),
      update(block, state, context) {
        const { updates } = block;
        sgd(1).update(block, state, context);
        updates[0] = Number.NaN;
      },
    };
    for (const optimizer of [late, chain(late), chain(sgd(1), late), accumulate(1, late), masked(late, ["w", "idle"])])
      expect((loop(optimizer, [1], [[1]])[0] as Error).message).toContain(
        "made the update of params.w NaN at position 0",
      );
  });
});

describe("a gradient that is not finite", () => {
  it("is refused in a loop of one's own, and nothing has moved", () => {
    for (const optimizer of [adam(0.1), accumulate(2, chain(momentum(0.9), sgd(0.1))), optim.clipByValue(1)]) {
      const params = { w: vector([1, 1]) };
      const [a, b] = [optim.init(optimizer, params), optim.init(optimizer, params)];
      for (let i = 0; i < 4; i++) {
        for (const bad of [Number.NaN, Number.POSITIVE_INFINITY])
          expect(() => optim.update(optimizer, { w: vector([1, bad]) }, a)).toThrow(
            `optim.update: t = ${i}: the gradient of params.w is ${bad} at position 1; nothing has moved`,
          );
        const [u, v] = [a, b].map((s) => optim.update(optimizer, params, s).updates.w.data as Float32Array);
        expect(bits(u)).toEqual(bits(v));
      }
    }
  });

  it("is refused by applyUpdates too", () => {
    const [p, u] = [{ w: vector([1]) }, { w: vector([Number.NaN]) }];
    expect(() => optim.applyUpdates(p, u)).toThrow("applyUpdates: the update of w is NaN at position 0");
  });
});

describe("what throws", () => {
  let broken = false;
  const rate = (t: number) => {
    if (broken) throw new Error("mine");
    return 0.1 / (1 + t);
  };
  const error = () => {
    if (broken) throw new Error("mine");
    return 0.5;
  };
  const late: [string, () => optim.GradientTransform][] = [
    ["momentum, then a rate", () => chain(momentum(0.9), sgd(rate))],
    ["a chain in a chain", () => chain(chain(momentum(0.9)), chain(chain(sgd(rate))))],
    ["two groups", () => partition({ a: sgd(0.1, { momentum: 0.9 }), "**": adam(rate) })],
    ["masks", () => chain(masked(momentum(0.9), "a"), masked(sgd(rate), "b"), masked(sgd(0.1), "a"))],
    ["accumulate", () => chain(momentum(0.5), accumulate(2, chain(momentum(0.9), sgd(rate))))],
    ["a rate behind accumulate", () => chain(accumulate(2, momentum(0.9)), sgd(rate))],
    [
      "an error that is heard",
      () => accumulate(2, chain(momentum(0.9), optim.errorScaledNoise({ scale: 1, seed: 1, error }), sgd(0.1))),
    ],
    [
      "an error that is heard behind",
      () => chain(accumulate(2, sgd(0.1)), optim.errorScaledNoise({ scale: 1, seed: 1, error })),
    ],
    ["a std", () => chain(adam(0.1), optim.anticorrelatedNoise({ std: rate, seed: 1 }), optim.ema(0.9))],
    ["a decay", () => chain(momentum(0.9), optim.weightDecay(rate), sgd(0.1))],
    ["a step of Langevin dynamics", () => chain(momentum(0.9), optim.sgld(rate, { seed: 1 }))],
  ];
  const params = { a: vector(series(37)), b: vector(series(5, 2)) };
  const kept = (node: unknown): unknown =>
    node instanceof Slot
      ? bits(node.data)
      : typeof node === "object" && node !== null
        ? Object.entries(node).map(([name, child]) => [name, kept(child)])
        : node;

  it.each(late)("is asked before anything is rewritten: %s", (_, make) => {
    const optimizer = make();
    const [a, b] = [optim.init(optimizer, params), optim.init(optimizer, params)];
    let thrown = 0;
    for (let step = 0; step < 6; step++) {
      const before = kept(a.state);
      broken = true;
      try {
        optimizer.prepare?.(a.state, { t: a.t });
      } catch {
        thrown++;
        expect(() => optim.update(optimizer, params, a)).toThrow("mine");
      }
      broken = false;
      expect(kept(a.state)).toEqual(before);
      const [u, v] = [a, b].map((s) => optim.update(optimizer, params, s).updates);
      for (const name of ["a", "b"] as const)
        expect(bits(u[name].data as Float32Array)).toEqual(bits(v[name].data as Float32Array));
    }
    expect(thrown).toBeGreaterThan(2);
  });

  it("in update, of a transform of one's own, stops a state that has moved", () => {
    const own: optim.GradientTransform = {
      description: "own",
      init: () => ({}),
      update() {
        throw new Error("mine");
      },
    };
    const state = optim.init(chain(momentum(0.9), own), params);
    expect(() => optim.update(chain(momentum(0.9), own), params, state)).toThrow("mine");
    expect(() => optim.update(chain(momentum(0.9), own), params, state)).toThrow(
      'optim.update: the state has stopped at t = 0, where chain(momentum(0.9), own) threw "Error: mine": what the optimizer keeps has moved',
    );
    const light = optim.init(own, params);
    for (let i = 0; i < 2; i++) expect(() => optim.update(own, params, light)).toThrow("mine");
  });

  it("nothing where the parameters given are refused: those it follows stay", () => {
    const decay = chain(optim.weightDecay(1), sgd(1));
    const state = optim.init(decay, { w: vector([1]) });
    const given = { params: { w: vector([100]) } };
    expect(() => optim.update(decay, { w: vector([Number.NaN]) }, state, given)).toThrow(DivergenceError);
    expect(optim.update(decay, { w: vector([0]) }, state).updates.w.data[0]).toBe(-1);
  });

  it("clipping an enormous gradient is no reason", () => {
    const [[w, idle]] = loop(chain(clipByGlobalNorm(1), sgd(1)), [1], [[3e38]]) as number[][];
    expect([Math.abs(w) < 1e-7, idle]).toEqual([true, 2]);
  });
});
