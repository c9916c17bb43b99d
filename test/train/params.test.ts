// Looking into a trainer and moving parameters in and out: inspect, setParams, save, load, digest.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import { DataError } from "../../src/base/errors.js";
import { key } from "../../src/core/random.js";
import { type Tensor, tensor, zeros } from "../../src/core/tensor.js";
import { digest, load, save } from "../../src/files/save.js";
import { mlp } from "../../src/nn/layers.js";
import { accumulate, chain, clipByGlobalNorm, freeze, sgd } from "../../src/optim/index.js";
import { createTrainer } from "../../src/train/trainer.js";

const linear = (optimizer = sgd(0.5)) =>
  createTrainer({
    params: { weight: tensor([3, 4]), bias: tensor([0]) },
    loss: (p, x: Tensor) => p.weight.mul(x).sum().add(p.bias.sum()),
    optimizer,
  });

describe("inspect", () => {
  it("reports weights alone before the first step", () => {
    expect(linear().inspect()).toEqual([
      { path: "weight", shape: [2], weight: 5, gradient: 0, update: 0 },
      { path: "bias", shape: [1], weight: 0, gradient: 0, update: 0 },
    ]);
  });

  it("reports the norms of the new weights, the gradient as the loss gave it, and the update", () => {
    const trainer = linear(chain(clipByGlobalNorm(0.5), sgd(2)));
    trainer.step(tensor([0, -7]));
    const [weight, bias] = trainer.inspect();
    expect([weight.gradient, bias.gradient]).toEqual([7, 1]);
    const factor = 1 / Math.sqrt(50);
    expect(weight.update).toBeCloseTo(7 * factor, 6);
    expect(bias.update).toBeCloseTo(factor, 6);
    expect(weight.weight).toBeCloseTo(Math.hypot(3, 4 + 7 * factor), 6);
  });

  it("reports no update where the step made none", () => {
    const trainer = linear(accumulate(2, sgd(0.5)));
    trainer.step(tensor([3, 4]));
    expect(trainer.inspect().map(({ gradient, update }) => [gradient, update])).toEqual([
      [5, 0],
      [1, 0],
    ]);
    trainer.step(tensor([3, 4]));
    expect(trainer.inspect()[0].update).toBe(2.5);
  });

  it("shows a frozen parameter's gradient and no update", () => {
    const trainer = linear(chain(sgd(0.5), freeze("weight")));
    trainer.step(tensor([3, 4]));
    expect(trainer.inspect().map(({ gradient, update }) => [gradient, update])).toEqual([
      [5, 0],
      [1, 0.5],
    ]);
  });

  it("is not changed by evaluate, and changes nothing", () => {
    const trainer = linear();
    trainer.step(tensor([1, 2]));
    const [before, bytes] = [trainer.inspect(), trainer.checkpoint()];
    trainer.evaluate(tensor([5, 6]));
    expect(trainer.inspect()).toEqual(before);
    expect(trainer.checkpoint()).toEqual(bytes);
  });
});

describe("setParams", () => {
  it("replaces the values and keeps the step", () => {
    const trainer = linear();
    trainer.step(tensor([1, 1]));
    trainer.setParams({ weight: tensor([8, 9]), bias: tensor([1]) });
    expect([...trainer.params.weight.data, ...trainer.params.bias.data, trainer.steps]).toEqual([8, 9, 1, 1]);
  });

  const cases: [string, any, string][] = [
    [
      "of another shape",
      { weight: tensor([1]), bias: tensor([1]) },
      "params.weight: expected shape [2], got weight [1]",
    ],
    ["too few", { weight: tensor([1, 2]) }, "setParams: expected 2 parameters, got 1"],
    [
      "of another name",
      { weight: tensor([1, 2]), offset: tensor([1]) },
      "params.bias: expected shape [1], got offset [1]",
    ],
    [
      "of whole numbers",
      { weight: tensor([1, 2]), bias: tensor([1], { dtype: "int32" }) },
      "params.bias: expected shape [1], got bias [1] of int32",
    ],
  ];
  it.each(cases)("%s is a DataError that changes nothing", (_, tree, message) => {
    const trainer = linear();
    const before = trainer.checkpoint();
    expect(() => trainer.setParams(tree)).toThrow(DataError);
    expect(() => trainer.setParams(tree)).toThrow(message);
    expect(trainer.checkpoint()).toEqual(before);
  });
});

describe("save and load", () => {
  const params = () => mlp([3, 4, 2]).init(key(5));

  it("give back the same bits, shapes and names", () => {
    const before = params();
    const after = load(save(before), { like: before });
    expect(digest(after)).toBe(digest(before));
    const names = ["layers[0].weight", "layers[0].bias", "layers[1].weight", "layers[1].bias"];
    expect(Object.keys(load(save(before)))).toEqual(names);
  });

  it("carry NaN, infinities, negative zero and denormals", () => {
    const odd = {
      w: tensor(Float32Array.of(Number.NaN, Infinity, -Infinity, -0, 1e-45)),
      i: tensor(Int32Array.of(-1)),
    };
    const bits = (t: { w: Tensor }) => Array.from(new Uint32Array(t.w.data.slice().buffer));
    const back = load(save(odd), { like: odd });
    expect(bits(back)).toEqual(bits(odd));
    expect(back.i.dtype).toBe("int32");
  });

  it("move parameters from one trainer to another", () => {
    const [a, b] = [linear(), linear()];
    a.step(tensor([1, 2]));
    b.setParams(load(save(a.params), { like: b.params }));
    expect(digest(b.params)).toBe(digest(a.params));
  });

  it("read other names through rename", () => {
    const file = save({ "dense.w": tensor([1, 2]) });
    const like = { weight: tensor([0, 0]) };
    expect(load(file, { like, rename: () => "dense.w" }).weight.data).toEqual(Float32Array.of(1, 2));
  });

  it("turns matrices that the file holds the other way round", () => {
    const file = save({
      w: tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
      b: tensor([7]),
    });
    const like = { w: zeros([3, 2]), b: zeros([1]) };
    expect(load(file, { like, transpose: (path) => path === "w" }).w.toArray()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(() => load(file, { like })).toThrow("load: w: expected shape [3, 2], the file has [2, 3]");
  });

  it("do not lose one of two tensors of one path", () => {
    expect(() => save({ "a.b": tensor([1]), a: { b: tensor([2]) } })).toThrow(
      'save: two tensors are called "a.b". Rename the one whose key holds a dot',
    );
  });

  it("name what does not fit", () => {
    const file = save({ w: tensor([1, 2]) });
    expect(() => load(file, { like: { v: tensor([1]) } })).toThrow('load: the file has no tensor "v". It holds: w');
    expect(() => load(file, { like: { w: tensor([1]) } })).toThrow("load: w: expected shape [1], the file has [2]");
    expect(() => load(file.slice(0, 20), { like: { w: tensor([1, 2]) } })).toThrow(DataError);
  });
});

describe("digest", () => {
  const base = { a: tensor([1, 2]), b: tensor([3]) };

  it("does not depend on whether a tensor shares its array", () => {
    expect(digest({ a: tensor(new Float32Array([0, 1, 2]).subarray(1)), b: tensor([3]) })).toBe(digest(base));
  });

  it("changes with a bit, a shape, a name, a dtype and an order", () => {
    const others = [
      { a: tensor([1, 2]), b: tensor([Math.fround(3 + 2 ** -22)]) },
      { a: tensor([1, 2], [1, 2]), b: tensor([3]) },
      { a: tensor([1, 2]), c: tensor([3]) },
      { a: tensor([1, 2]), b: tensor(new Int32Array(Float32Array.of(3).buffer)) },
      { b: tensor([3]), a: tensor([1, 2]) },
      { a: tensor([1]), b: tensor([2, 3]) },
    ].map(digest);
    expect(new Set([digest(base), ...others]).size).toBe(7);
  });

  it("tells zero from negative zero", () => {
    expect(digest(tensor([0]))).not.toBe(digest(tensor([-0])));
  });
});
