// Sequences of their own lengths in one batch, against each example alone in a batch of one: that is what PyTorch's
// pack_padded_sequence means. Values, last states, gradients; both directions; and nothing of the padding is read.
import { describe, expect, it } from "vitest";
import { checkGrad, valueAndGrad } from "../../src/autodiff/grad.js";
import { ShapeError } from "../../src/base/errors.js";
import { key, normal } from "../../src/core/random.js";
import { type Tensor, tensor, zeros } from "../../src/core/tensor.js";
import { gru, lstm, type RecurrentLayer, simpleRnn } from "../../src/nn/recurrent.js";
import { add, mul } from "../../src/ops/elementwise/index.js";
import { concat, reshape, reverse, slice } from "../../src/ops/layout/layout.js";
import { sum } from "../../src/ops/reduce/reduce.js";
import * as ops from "../../src/ops/sequence/recurrent.js";

const [time, batch, nIn, nHidden] = [6, 7, 3, 5];
const lengths = [3, 6, 1, 4, 4, 0, 2];
const x = normal(key(5), [time, batch, nIn]);

/** The padding filled with what must not be read. */
const padded = (fill: number): Tensor =>
  tensor(
    x.data.map((v, i) =>
      Math.floor(i / (batch * nIn)) < lengths[Math.floor(i / nIn) % batch] ? v : fill,
    ) as Float32Array,
    x.shape,
  );

type Any = [string, RecurrentLayer<any, any>, (state: any) => Tensor[], (states: Tensor[]) => any];
const kinds: Any[] = [
  ["lstm", lstm(nIn, nHidden), ({ h, c }) => [h, c], ([h, c]) => ({ h, c })],
  ["gru", gru(nIn, nHidden), (h) => [h], ([h]) => h],
  ["simpleRnn", simpleRnn(nIn, nHidden), (h) => [h], ([h]) => h],
];

const weights = normal(key(9), [time + 2, batch, nHidden]);
const row = (t: Tensor, i: number): Tensor => reshape(slice(t, [i, 0], [1, nHidden]), [1, nHidden]);

describe.each(kinds)("%s of lengths", (name, layer, partsOf, stateOf) => {
  const params = layer.init(key(2));
  const start = partsOf(layer.start(batch)).map((s, i) => normal(key(20 + i), s.shape));

  /** Outputs and last states of each example alone, weighed and added up. */
  const alone = (p: any, input: Tensor, initial: Tensor[], backwards: boolean): Tensor => {
    let total: Tensor = tensor(0);
    lengths.forEach((length, b) => {
      let last = initial.map((s) => row(s, b));
      if (length > 0) {
        const own = slice(input, [0, b, 0], [length, 1, nIn]);
        const { outputs, state } = layer.run(p, backwards ? reverse(own) : own, stateOf(last));
        last = partsOf(state);
        const w = slice(weights, [0, b, 0], [length, 1, nHidden]);
        total = add(total, sum(mul(backwards ? reverse(outputs) : outputs, w)));
      }
      last.forEach((s, i) => {
        const w = reshape(slice(weights, [time + i, b, 0], [1, 1, nHidden]), [1, nHidden]);
        total = add(total, sum(mul(s, w)));
      });
    });
    return total;
  };

  const together = (p: any, input: Tensor, initial: Tensor[], backwards: boolean): Tensor => {
    const { outputs, state } = layer.run(p, input, stateOf(initial), { lengths, reverse: backwards });
    let total = sum(mul(outputs, slice(weights, [0, 0, 0], [time, batch, nHidden])));
    partsOf(state).forEach((s, i) => {
      total = add(total, sum(mul(s, reshape(slice(weights, [time + i, 0, 0], [1, batch, nHidden]), [batch, nHidden]))));
    });
    return total;
  };

  it.each([
    ["forwards", false],
    ["backwards", true],
  ])("equals each example alone, %s, with all gradients", (_, backwards) => {
    const of = (f: typeof alone, input: Tensor) =>
      valueAndGrad(({ p, x, s }: { p: any; x: Tensor; s: Tensor[] }) => f(p, x, s, backwards))({
        p: params,
        x: input,
        s: start,
      });
    const want = of(alone, x);
    for (const fill of [0, 1e3, Number.NaN, Infinity]) {
      const got = of(together, padded(fill));
      expect(got.value).toBeCloseTo(want.value, 4);
      const pairs: [string, Tensor, Tensor][] = [
        ...Object.keys(params).map((k): [string, Tensor, Tensor] => [k, got.gradients.p[k], want.gradients.p[k]]),
        ["x", got.gradients.x, want.gradients.x],
        ...start.map((_, i): [string, Tensor, Tensor] => [`state ${i}`, got.gradients.s[i], want.gradients.s[i]]),
      ];
      for (const [what, a, b] of pairs)
        b.data.forEach((v, i) => {
          expect(Math.abs(a.data[i] - v), `${what} at ${i}, padding ${fill}`).toBeLessThan(1e-4 * (1 + Math.abs(v)));
        });
    }
  });

  it("gives zeros past an example's end, and its own last state, to the bit of a shorter batch", () => {
    const { outputs, state } = layer.run(params, padded(Number.NaN), undefined, { lengths });
    outputs.data.forEach((v, i) => {
      const [t, b] = [Math.floor(i / (batch * nHidden)), Math.floor(i / nHidden) % batch];
      if (t >= lengths[b]) expect(v).toBe(0);
    });
    const four = layer.run(params, slice(x, [0, 3, 0], [4, 1, nIn]));
    partsOf(four.state).forEach((s, i) => {
      expect(Array.from(row(partsOf(state)[i], 3).data)).toEqual(Array.from(s.data).map((v) => expect.closeTo(v, 6)));
    });
    for (const s of partsOf(state)) expect(Array.from(row(s, 5).data)).toEqual(Array(nHidden).fill(0));
  });

  it("of all steps is the plain layer, to the bit, and reverse alone is a reversed sequence", () => {
    const plain = layer.run(params, x);
    const full = layer.run(params, x, undefined, { lengths: Array(batch).fill(time) });
    expect([full.outputs, full.state]).toEqual([plain.outputs, plain.state]);
    const back = layer.run(params, x, undefined, { reverse: true });
    expect(back.outputs.data).toEqual(reverse(layer.apply(params, reverse(x))).data);
    expect(layer.apply(params, x, { reverse: true }).data).toEqual(back.outputs.data);
  });

  it("may change from step to step, and come as any whole numbers", () => {
    const of = (l: any): Float32Array => layer.apply(params, x, { lengths: l }).data as Float32Array;
    const want = of(lengths);
    for (const form of [Int32Array.from(lengths), Uint8Array.from(lengths), tensor(lengths, { dtype: "int32" })])
      expect(of(form)).toEqual(want);
    const f = valueAndGrad(({ p, l }: any) => sum(layer.apply(p, x, { lengths: l.lengths })));
    const sums = [lengths, Array(batch).fill(6), lengths].map(
      (l) => f({ p: params, l: { lengths: tensor(l, { dtype: "int32" }) } as never }).value,
    );
    expect(sums[0]).toBe(sums[2]);
    expect(sums[1]).not.toBe(sums[0]);
  });

  it("has the gradients of central differences", () => {
    checkGrad(
      (p: any) => sum(mul(layer.apply(p, slice(x, [0, 0, 0], [3, 3, nIn]), { lengths: [2, 3, 1] }), 3)),
      params,
      { tolerance: 0.02 },
    );
  });

  it("reads both directions of a padded batch", () => {
    const back = layer.init(key(3));
    const both = concat([layer.apply(params, x, { lengths }), layer.apply(back, x, { lengths, reverse: true })], -1);
    expect(both.shape).toEqual([time, batch, 2 * nHidden]);
    // backwards, an example's last step is its first
    const last = layer.apply(back, slice(x, [3, 3, 0], [1, 1, nIn]));
    expect(Array.from(slice(both, [3, 3, nHidden], [1, 1, nHidden]).data)).toEqual(
      Array.from(last.data).map((v) => expect.closeTo(v, 6)),
    );
  });

  it.each([
    [{ lengths: [1, 2] }, new ShapeError(`${name}: "lengths" [2] must be [7], one per example`)],
    [{ lengths: [1, 2, 3, 7, 1, 1, 1] }, new RangeError(`${name}: length 7 at position 3 is outside 0..6`)],
    [{ lengths: [1, 2, 3, -1, 1, 1, 1] }, new RangeError(`${name}: length -1 at position 3 is outside 0..6`)],
    [{ lengths: [1, 2.5, 3, 1, 1, 1, 1] }, new TypeError(`${name}: length 2.5 at position 1 is no whole number`)],
    [
      { lengths: zeros([batch]) },
      new TypeError(`${name}: "lengths" [7] are float32, expected int32. Use cast(lengths, "int32")`),
    ],
    [{ lengths: 3 }, new TypeError(`${name}: "lengths" expected an int32 tensor or an array of whole numbers, got 3`)],
    [
      { length: lengths },
      new TypeError(`${name}: there is no option "length". Did you mean "lengths"? There are: lengths, reverse`),
    ],
    [{ reverse: 1 }, new TypeError(`${name}: "reverse" expected true or false, got 1`)],
  ])("refuses %j", (options, error) => {
    expect(() => layer.run(params, x, undefined, options as never)).toThrow(error);
    expect(() => layer.apply(params, x, options as never)).toThrow(error);
  });
});

describe("a recurrent op names", () => {
  const loose = ops as unknown as { [name: string]: (...args: unknown[]) => unknown };
  const w = lstm(nIn, nHidden).init(key(1));

  it.each([
    ["no weights", () => loose.lstm(x), 'lstm: "weights" expected { inputWeight, hiddenWeight, bias }, got undefined'],
    ["a missing bias", () => loose.lstm(x, { ...w, bias: undefined }), 'lstm: "bias" expected a tensor'],
    ["a missing second bias", () => loose.gru(x, w), 'gru: "hiddenBias" expected a tensor'],
    [
      "options in the state's place",
      () => loose.lstm(x, w, { lengths }),
      'lstm: "state" expected { h, c }, got an object { lengths }. Options come after it: pass undefined for the state',
    ],
    [
      "options in the state's place of a GRU",
      () => loose.gru(x, { ...w, hiddenBias: w.bias }, { reverse: true }),
      'gru: "state" expected a tensor, got an object { reverse }. Options come after it',
    ],
    ["a state without c", () => loose.lstm(x, w, { h: zeros([batch, nHidden]) }), 'lstm: "state.c" expected a tensor'],
    ["a tensor for { h, c }", () => loose.lstm(x, w, zeros([batch, nHidden])), 'lstm: "state" expected { h, c }'],
    [
      "an int32 state",
      () => ops.simpleRnn(x, simpleRnn(nIn, 2).init(key(1)), tensor(new Int32Array(14), [7, 2])),
      "simpleRnn: the initial state [7, 2] is int32, expected float32",
    ],
  ])("%s", (_, call, text) => {
    expect(call).toThrow(text);
  });

  it("an option of a layer that is none, or an initialiser by name", () => {
    const make = lstm as unknown as (...args: unknown[]) => unknown;
    expect(() => make(3, 4, { forgetbias: 1 })).toThrow(
      'lstm: there is no option "forgetbias". Did you mean "forgetBias"?',
    );
    expect(() => make(3, 4, { init: "he" })).toThrow('lstm: "init" expected a function of (key, shape)');
    expect(() => (gru as unknown as typeof make)(3, 4, 1)).toThrow("gru: expected options { init }, got 1");
  });

  it("a context beside lengths: both may be in one object", () => {
    const layer = gru(nIn, nHidden);
    const params = layer.init(key(2));
    const context = { key: key(1), training: true };
    expect(layer.apply(params, x, context).data).toEqual(layer.apply(params, x).data);
    expect(layer.apply(params, x, { ...context, lengths }).data).toEqual(layer.apply(params, x, { lengths }).data);
  });
});
