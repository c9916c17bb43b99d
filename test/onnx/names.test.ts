// Names and values of exported models in the ordinary gate, carried out by evaluate.ts: whatever the user's names are, no
// value of the model takes the place of another.
import { describe, expect, it } from "vitest";
import { flatten } from "../../src/base/tree.js";
import { isTensor, type Tensor } from "../../src/core/tensor.js";
import * as g from "../../src/index.js";
import { toONNX } from "../../src/onnx/index.js";
import { decodeOnnx } from "./decode.js";
import { evaluate } from "./evaluate.js";

const { nn, random, tensor } = g;
const normal = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), shape);

/** Largest difference between the model and the function, output by output in their order. */
function difference<P, X>(f: (p: P, x: X) => unknown, params: P, example: X, x: X = example): number {
  const inputs = Object.fromEntries(
    flatten(x, isTensor).map(({ path, leaf }) => [
      isTensor(x) ? "x" : path,
      { shape: [...leaf.shape], data: Array.from(leaf.data) },
    ]),
  );
  const theirs = Object.values(evaluate(toONNX(f, params, example), inputs));
  return Math.max(
    ...flatten(f(params, x), isTensor).map(({ leaf }, k) => {
      expect(theirs[k].shape).toEqual(leaf.shape);
      return Math.max(0, ...Array.from(leaf.data, (v, i) => Math.abs(v - theirs[k].data[i])));
    }),
  );
}

const x = normal(1, [2, 4]);
const w = normal(2, [4, 3]);
const b = normal(3, [3]);

describe("names of the user's", () => {
  it("may be any of those that a model's own values have", () => {
    const f = (name: string) => (p: any, v: Tensor) =>
      g
        .relu(g.linear(v, p.w, p[name]))
        .add(tensor([1, 2, 3]))
        .mul(tensor([4, 5, 6]))
        .mul(3);
    const own = decodeOnnx(toONNX(f("b"), { w, b }, x));
    const names = [...own.constants.map(({ name }) => name), ...own.nodes.flatMap(({ outputs }) => outputs)];
    expect(names.length).toBeGreaterThan(8);
    for (const name of names.filter((n) => n !== "w")) {
      expect(difference(f(name), { w, [name]: b }, x), name).toBeLessThan(1e-5);
      expect(
        difference((p, t: any) => f("b")(p, t[name]), { w, b }, { [name]: x }),
        name,
      ).toBeLessThan(1e-5);
      expect(
        difference((p, t) => ({ [name]: f("b")(p, t) }), { w, b }, x),
        name,
      ).toBeLessThan(1e-5);
    }
  });

  it("may be those of transposed and joined weights", () => {
    const layer = nn.gru(4, 3);
    const p = { ...layer.init(random.key(5)), bias: normal(6, [9]) };
    const v = normal(7, [3, 2, 4]);
    const { constants } = decodeOnnx(toONNX(layer.apply, p, v));
    const taken = Object.fromEntries(constants.map(({ name }, i) => [name, normal(20 + i, [3])]));
    const f = (q: any, t: Tensor) =>
      Object.keys(taken).reduce((sum: Tensor, name) => g.add(sum, q[name]), layer.apply(q.gru, t));
    expect(difference(f, { gru: p, ...taken }, v)).toBeLessThan(1e-5);
  });

  it("may be shared by parameters, inputs and outputs", () => {
    const f = (p: any, t: any) => ({ a: g.linear(t.a, p.a, p.params.a), a_out: t.a, "params.a": t.a });
    const params = { a: w, params: { a: b }, "params.a_1": b };
    expect(difference(f, params, { a: x })).toBeLessThan(1e-5);
    const model = decodeOnnx(toONNX(f, params, { a: x }));
    expect(model.inputs.map(({ name }) => name)).toEqual(["a"]);
    expect(model.outputs.map(({ name }) => name).slice(1)).toEqual(["a_out", "params.a"]);
  });

  it("may be equal once they are joined, empty or strange, for parameters", () => {
    const params = { "a.b": w, a: { b }, "": b, "\0": b, _: b, "\ud800": b };
    const f = (p: any, v: Tensor) => g.linear(v, p["a.b"], p.a.b).add(p[""]).mul(p["\0"]).add(p._).mul(p["\ud800"]);
    expect(difference(f, params, x)).toBeLessThan(1e-5);
  });

  it("are refused where an input or output could not be told from another, or not be named", () => {
    const f = (_: object, { "a.b": c, a }: any) => g.add(c, a.b);
    expect(() => toONNX(f, {}, { "a.b": x, a: { b: x } })).toThrow(
      new TypeError(
        'toONNX: two inputs are called a.b, since "." joins the keys of a tree. Give one of the keys another name',
      ),
    );
    expect(() => toONNX((_, v) => ({ "a.b": v, a: { b: v } }), {}, x)).toThrow(/^toONNX: two outputs are called a\.b,/);
    expect(() => toONNX((_, v: any) => g.relu(v[""]), {}, { "": x })).toThrow(
      new TypeError(
        'toONNX: an input is called "", which is no name in ONNX. Give its key in the tree visible characters',
      ),
    );
    expect(() => toONNX((_, v) => ({ "a\nb": g.relu(v) }), {}, x)).toThrow(
      /^toONNX: an output is called "a\\nb", which is no name in ONNX/,
    );
  });
});

describe("a recurrent layer's model", () => {
  const layers = { lstm: nn.lstm(3, 4), gru: nn.gru(3, 4), simpleRnn: nn.simpleRnn(3, 4) };
  const sequences = (n: number, time = 5): Tensor => normal(30 + n, [n, time, 3]);

  it.each(Object.keys(layers) as (keyof typeof layers)[])("of %s computes what the layer does", (name) => {
    const layer = layers[name] as ReturnType<typeof nn.lstm>;
    const init = layer.init(random.key(8));
    // no weight is 0: a gate in the wrong place shows
    const params = Object.fromEntries(
      Object.entries(init).map(([key, t], i) => [key, g.add(t as Tensor, normal(40 + i, [...(t as Tensor).shape]))]),
    ) as unknown as typeof init;
    const batchFirst = (p: typeof init, v: Tensor) => layer.run(p, g.transpose(v, [1, 0, 2]));
    const started = (p: typeof init, v: Tensor) => layer.run(p, g.transpose(v, [1, 0, 2]), layer.start(v.shape[0]));
    for (const n of [2, 1, 4]) {
      expect(difference(batchFirst, params, sequences(2), sequences(n))).toBeLessThan(1e-5);
      expect(difference(started, params, sequences(2), sequences(n))).toBeLessThan(1e-5);
      expect(difference(batchFirst, params, sequences(2, 1), sequences(n, 1))).toBeLessThan(1e-5);
      // along the first axis, which here is the time
      expect(difference(layer.run, params, sequences(2), sequences(n))).toBeLessThan(1e-5);
    }
    const given = (p: typeof init, { v, h }: { v: Tensor; h: Tensor }) =>
      layer.run(p, g.transpose(v, [1, 0, 2]), (name === "lstm" ? { h, c: g.mul(h, 2) } : h) as never);
    expect(difference(given, params, { v: sequences(2), h: normal(50, [2, 4]) })).toBeLessThan(1e-5);
    // weights that are computed are turned in the model
    const computed = (p: typeof init, v: Tensor) =>
      layer.apply({ ...p, inputWeight: g.mul(p.inputWeight, 2), bias: g.mul(p.bias, 2) }, v);
    expect(difference(computed, params, sequences(2))).toBeLessThan(1e-5);
  });

  it("holds no cut and no copy where the outputs, or the last state, are all that is wanted", () => {
    const kinds = (f: (p: any, v: Tensor) => unknown): string[] =>
      decodeOnnx(toONNX(f, layers.lstm.init(random.key(1)), sequences(2))).nodes.map(({ kind }) => kind);
    expect(kinds(layers.lstm.apply)).toEqual(["LSTM", "Squeeze", "Identity"]);
    expect(kinds((p, v) => layers.lstm.run(p, v).state)).toEqual([
      "LSTM",
      "Reshape",
      "Reshape",
      "Identity",
      "Identity",
    ]);
  });

  it("read backwards joins both directions", () => {
    const layer = layers.gru;
    const f = (p: any, v: Tensor) => g.concat([layer.apply(p.f, v), g.reverse(layer.apply(p.b, g.reverse(v)))], -1);
    const params = { f: layer.init(random.key(1)), b: layer.init(random.key(2)) };
    expect(difference(f, params, sequences(2), sequences(3))).toBeLessThan(1e-5);
    expect(difference((_, v) => g.reverse(v, 1), {}, sequences(2), sequences(3))).toBe(0);
  });
});

describe("other ops", () => {
  it("saturating gates close as ours do", () => {
    const v = g.reshape(g.mul(tensor(Array.from({ length: 12 }, (_, i) => i - 6)), 0.7), [2, 6]);
    expect(difference((_, t) => [g.saturatingSigmoid(t), g.saturatingTanh(t)], {}, v)).toBeLessThan(1e-6);
  });

  it("a one-hot table keeps a parameter of its name", () => {
    const f = (p: any, i: Tensor) => g.matmul(g.oneHot(i, 3), p.w).add(p.oneHot_3).add(p.constant_0);
    const ids = tensor([0, 1], { dtype: "int32" });
    expect(
      difference(f, { w: normal(1, [3, 2]), oneHot_3: normal(2, [2]), constant_0: normal(3, [2]) }, ids),
    ).toBeLessThan(1e-6);
  });
});
