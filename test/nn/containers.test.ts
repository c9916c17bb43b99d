// Containers and convolutional layers: what they compute is what their parts compute.
import { describe, expect, expectTypeOf, it } from "vitest";
import { DOMAIN, derive } from "../../src/core/random.js";
import {
  add,
  conv2d,
  digest,
  mul,
  nn,
  random,
  relu,
  saturatingSigmoid,
  saturatingTanh,
  sigmoid,
  sum,
  type Tensor,
  tanh,
  tensor,
  valueAndGrad,
  zeros,
} from "../../src/index.js";

const { key, foldIn, normal } = random;
const x = normal(key(1), [2, 3]);

describe("sequential", () => {
  const model = nn.sequential(nn.linear(3, 5), relu, nn.linear(5, 2), tanh);
  const params = model.init(key(2));

  it("applies its layers one after another", () => {
    const [first, , second] = params.layers;
    const want = tanh(nn.linear(5, 2).apply(second, relu(nn.linear(3, 5).apply(first, x))));
    expect(digest(model.apply(params, x))).toBe(digest(want));
  });

  it("draws the weights of layer i from foldIn(key, i)", () => {
    expect(digest(params.layers[2].weight)).toBe(digest(nn.linear(5, 2).init(foldIn(key(2), 2)).weight));
  });

  it("gives each layer a key of its own, and all the same training flag", () => {
    const seen: unknown[] = [];
    const spy = {
      init: () => ({}),
      apply: (_: object, x: Tensor, context?: { key?: unknown; training?: boolean }) => {
        seen.push([context?.key, context?.training]);
        return x;
      },
    };
    const both = nn.sequential(spy, spy);
    both.apply({ layers: [{}, {}] }, x, { key: key(7), training: true });
    const drawn = derive(key(7), 0, DOMAIN.draw);
    expect(seen).toEqual([
      [derive(drawn, 0, DOMAIN.layer), true],
      [derive(drawn, 1, DOMAIN.layer), true],
    ]);
  });

  it("takes its layers in an array too, with the same types", () => {
    const list = [nn.linear(3, 5), relu, nn.linear(5, 2), tanh] as const;
    const listed = nn.sequential([nn.linear(3, 5), relu, nn.linear(5, 2), tanh]);
    expect(digest(listed.apply(listed.init(key(2)), x))).toBe(digest(model.apply(params, x)));
    expectTypeOf(listed.init).returns.toEqualTypeOf<ReturnType<typeof model.init>>();
    expectTypeOf(listed.init(key(2)).layers[2].weight).toEqualTypeOf<Tensor>();
    // @ts-expect-error there are four layers
    expect(listed.init(key(2)).layers[4]).toBeUndefined();
    expect(digest(nn.sequential(list).apply(params, x))).toBe(digest(model.apply(params, x)));
    const stateful = nn.sequential([nn.linear(3, 4), nn.batchNorm(4)]);
    expectTypeOf(stateful.start().layers[1].mean).toEqualTypeOf<Tensor>();
    expect(stateful.start().layers[1].mean.shape).toEqual([4]);
  });

  it("keeps its own list of an array that grows later", () => {
    const list = [nn.linear(3, 3)];
    const own = nn.sequential(list);
    list.push(nn.linear(3, 3));
    expect(own.init(key(1)).layers.length).toBe(1);
  });

  it("takes recurrent layers, and attention with a context", () => {
    const memory = nn.sequential(nn.lstm(3, 4), nn.linear(4, 2));
    expect(memory.apply(memory.init(key(1)), zeros([5, 2, 3])).shape).toEqual([5, 2, 2]);
    const attention = nn.multiHeadAttention(4, 2);
    const block = nn.sequential(nn.residual(attention), attention);
    const p = block.init(key(1));
    const input = normal(key(2), [2, 3, 4]);
    const want = attention.apply(p.layers[1], add(input, attention.apply(p.layers[0], input)));
    for (const context of [{ training: true, key: key(3) }, {}, undefined])
      expect(digest(block.apply(p, input, context))).toBe(digest(want));
  });

  it("names what is no layer", () => {
    expect(() => nn.sequential(nn.linear(1, 1), 3 as never)).toThrow(
      "sequential: argument 1 expected a layer or a function, got 3",
    );
  });
});

describe("residual", () => {
  it("adds the layer's output to its input", () => {
    const layer = nn.linear(3, 3);
    const params = layer.init(key(3));
    expect(digest(nn.residual(layer).apply(params, x))).toBe(digest(add(x, layer.apply(params, x))));
  });

  it("has the state of a layer that has one", () => {
    const layer = nn.residual(nn.batchNorm(3));
    const params = layer.init(key(3));
    const { output, state } = layer.apply(params, x, layer.start(), { training: true });
    const inner = nn.batchNorm(3).apply(params, x, layer.start(), { training: true });
    expect(digest(output)).toBe(digest(add(x, inner.output)));
    expect(digest(state)).toBe(digest(inner.state));
    const model = nn.sequential([nn.linear(3, 3), layer]);
    expect(Object.keys(model.start().layers[1])).toEqual(["mean", "variance"]);
  });

  it("names the shapes of a layer that does not keep them", () => {
    const layer = nn.residual(nn.linear(3, 2));
    expect(() => layer.apply(layer.init(key(1)), x)).toThrow(
      "residual: the layer turns [2, 3] into [2, 2]; it must keep the shape",
    );
  });
});

describe("conv2d as a layer", () => {
  it("is the op with its own weight and bias", () => {
    const layer = nn.conv2d(2, 3, [3, 2], { stride: 2, padding: "same", bias: 0.5, activation: "relu" });
    const params = layer.init(key(4));
    expect([params.weight.shape, params.bias.toArray()]).toEqual([
      [3, 2, 2, 3],
      [0.5, 0.5, 0.5],
    ]);
    const image = normal(key(5), [2, 5, 4, 2]);
    const options = { stride: 2, padding: "same", activation: "relu" } as const;
    expect(digest(layer.apply(params, image))).toBe(digest(conv2d(image, params.weight, params.bias, options)));
  });

  it("starts from weights of variance 2 / (kh kw nIn)", () => {
    const { weight } = nn.conv2d(16, 64, 5).init(key(6));
    const mean = Array.from(weight.data).reduce((s, v) => s + v * v, 0) / weight.size;
    expect(mean).toBeGreaterThan(0.95 * (2 / 400));
    expect(mean).toBeLessThan(1.05 * (2 / 400));
  });
});

describe("an activation inside conv2d", () => {
  const image = normal(key(8), [2, 4, 3, 3], { std: 2 });
  const weights = { weight: normal(key(9), [3, 3, 3, 5]), bias: normal(key(10), [5]) };
  it.each(Object.entries({ relu, sigmoid, tanh, saturatingSigmoid, saturatingTanh }))(
    "%s gives the value and the gradients that it gives after it, bit for bit",
    (name, f) => {
      const activation = name as "relu";
      const loss = (inside: boolean) => (p: typeof weights) => {
        const y = conv2d(image, p.weight, p.bias, { padding: "same", ...(inside && { activation }) });
        return sum(mul(inside ? y : f(y), normal(key(11), [2, 4, 3, 5])));
      };
      const [got, want] = [valueAndGrad(loss(true))(weights), valueAndGrad(loss(false))(weights)];
      expect(got.value).toBe(want.value);
      expect(digest(got.gradients)).toBe(digest(want.gradients));
    },
  );
});

describe("what conv2d says to bad input", () => {
  const image = zeros([1, 4, 4, 2]);
  it.each([
    [() => conv2d(zeros([4, 4]), zeros([1, 1, 2, 3])), "conv2d: expected an image [batch, height, width, channels]"],
    [
      () => conv2d(image, zeros([3, 3, 3, 1])),
      "conv2d: the image [1, 4, 4, 2] has 2 channels, the weight [3, 3, 3, 1] takes 3. Channels come last; transpose(x, [0, 2, 3, 1]) turns NCHW",
    ],
    [() => conv2d(image, zeros([3, 3, 2, 5]), zeros([4])), "conv2d: the bias [4] must be [5], one per output channel"],
    [
      () => conv2d(image, zeros([5, 5, 2, 1])),
      "conv2d: the weight [5, 5, 2, 1] does not fit into the image [1, 4, 4, 2] with padding 0",
    ],
    [
      () => conv2d(image, zeros([1, 1, 2, 1]), undefined, { stride: 0 }),
      'conv2d: "stride" expected an integer >= 1 or a pair of them, got 0',
    ],
    [
      () => conv2d(image, zeros([1, 1, 2, 1]), undefined, { padding: -1 }),
      'conv2d: "padding" expected an integer >= 0, [top, right, bottom, left] or "same", got -1',
    ],
  ])("%#", (f, text) => {
    expect(f).toThrow(text);
  });
});

describe("flatten", () => {
  it("keeps the batch", () => {
    expect(nn.flatten(zeros([2, 3, 4])).shape).toEqual([2, 12]);
    expect(nn.flatten(zeros([0, 3])).shape).toEqual([0, 0]);
    expect(nn.flatten(tensor([1, 2])).shape).toEqual([2, 1]);
    expect([zeros([2, 3])].map(nn.flatten)[0].shape).toEqual([2, 3]);
  });

  it("called as if it made a layer is itself", () => {
    const [made, given] = [nn.sequential(nn.flatten(), nn.linear(6, 2)), nn.sequential(nn.flatten, nn.linear(6, 2))];
    const params = made.init(key(1));
    const image = normal(key(2), [2, 3, 2]);
    expect(digest(made.apply(params, image))).toBe(digest(given.apply(params, image)));
  });
});

describe("initialisers", () => {
  const shape = [60, 40];
  const moments = (t: Tensor): number => Array.from(t.data).reduce((s, v) => s + v * v, 0) / t.size;

  it.each([
    ["heUniform", nn.init.heUniform, 2 / 60],
    ["lecun", nn.init.lecun, 1 / 60],
    ["glorotNormal", nn.init.glorotNormal, 2 / 100],
  ] as const)("%s has its variance", (_, init, variance) => {
    expect(moments(init(key(1), shape)) / variance).toBeCloseTo(1, 1);
  });

  it("truncatedNormal has nothing beyond two standard deviations", () => {
    const { data } = nn.init.truncatedNormal(0.5)(key(1), [5000]);
    expect(Math.max(...data.map(Math.abs))).toBeLessThanOrEqual(1);
    expect(moments(tensor(data)) / 0.25).toBeCloseTo(0.774, 1); // the variance of a normal cut at 2 std
  });

  it.each([[[7, 4]], [[4, 7]], [[3, 3, 2, 5]]])("orthogonal of %j has orthonormal columns or rows", (shape) => {
    const columns = shape[shape.length - 1];
    const rows = shape.slice(0, -1).reduce((n, s) => n * s, 1);
    const { data } = nn.init.orthogonal(2)(key(1), shape);
    const [count, length] = rows >= columns ? [columns, rows] : [rows, columns];
    const entry = (i: number, l: number): number => (rows >= columns ? data[l * columns + i] : data[i * columns + l]);
    for (let i = 0; i < count; i++)
      for (let j = 0; j < count; j++) {
        let dot = 0;
        for (let l = 0; l < length; l++) dot += entry(i, l) * entry(j, l);
        expect(dot).toBeCloseTo(i === j ? 4 : 0, 5);
      }
  });
});
