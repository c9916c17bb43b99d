// customGrad, recompute and stopGradient against the same function written plainly.
import { describe, expect, it } from "vitest";
import {
  add,
  argMax,
  createTrainer,
  customGrad,
  digest,
  exp,
  gather,
  grad,
  linear,
  mul,
  nn,
  optim,
  random,
  recompute,
  relu,
  stopGradient,
  sum,
  type Tensor,
  tanh,
  tensor,
  unroll,
  valueAndGrad,
  zeros,
} from "../../src/index.js";

const x = tensor([
  [0.5, -1, 2],
  [1.5, 0.25, -0.75],
]);

describe("stopGradient", () => {
  it("lets values through and no gradient", () => {
    const { value, gradients } = valueAndGrad((p: Tensor) => sum(mul(stopGradient(p), p)))(x);
    expect(value).toBe(8.125);
    expect(gradients.toArray()).toEqual(x.toArray());
  });
});

describe("customGrad", () => {
  it("uses the gradient that backward returns", () => {
    const tripled = customGrad((a) => ({ value: a.mul(2), backward: (g) => [g.mul(3)] }));
    const { value, gradients } = valueAndGrad((p: Tensor) => sum(tripled(p)))(x);
    expect(value).toBe(5);
    expect(gradients.toArray()).toEqual([
      [3, 3, 3],
      [3, 3, 3],
    ]);
  });

  it("with the true gradient equals the op it replaces, bit for bit", () => {
    const own = customGrad((a) => {
      const y = exp(a);
      return { value: y, backward: (g) => [g.mul(y)] };
    });
    expect(digest(grad((p: Tensor) => sum(mul(own(p), p)))(x))).toBe(
      digest(grad((p: Tensor) => sum(mul(exp(p), p)))(x)),
    );
  });

  it("names the input whose gradient has another shape", () => {
    const wrong = customGrad((a) => ({ value: a, backward: () => [tensor([1])] }));
    expect(() => grad((p: Tensor) => sum(wrong(p)))(x)).toThrow(
      "customGrad: backward returned shape [1] for input 0, whose shape is [2, 3]",
    );
  });

  it("outside of a scope gives the value", () => {
    expect(customGrad((a) => ({ value: a.mul(2), backward: (g) => [g] }))(tensor([1, 2])).toArray()).toEqual([2, 4]);
  });
});

describe("recompute", () => {
  const cell = (h: Tensor, w: Tensor, b: Tensor): Tensor => tanh(linear(relu(linear(h, w, b)), w, b));
  const params = { w: random.normal(random.key(3), [3, 3]), b: random.normal(random.key(4), [3]) };

  it("gives the very bits of the plain function", () => {
    // two cells of their own: weights tied across them would be added in another order
    const two = { first: params, second: { w: random.normal(random.key(6), [3, 3]), b: params.b } };
    const through = (apply: typeof cell) =>
      valueAndGrad((p: typeof two) => sum(apply(apply(x, p.first.w, p.first.b), p.second.w, p.second.b)))(two);
    const plain = through(cell);
    const again = through((...inputs) => recompute(cell as (...all: Tensor[]) => Tensor, ...inputs));
    expect(again.value).toBe(plain.value);
    expect(digest(again.gradients)).toBe(digest(plain.gradients));
  });

  it("trains as the plain function does, in less memory; tied weights differ only in the order of their sums", () => {
    const wide = { w: random.normal(random.key(3), [32, 32], { std: 0.2 }), b: random.normal(random.key(4), [32]) };
    const input = random.normal(random.key(5), [512, 32]);
    const make = (apply: (h: Tensor, w: Tensor, b: Tensor) => Tensor) =>
      createTrainer({
        params: wide,
        loss: (p: typeof wide, _: undefined) => {
          let h: Tensor = input;
          for (let i = 0; i < 12; i++) h = apply(h, p.w, p.b);
          return nn.meanSquaredError(h, 0.1);
        },
        optimizer: optim.sgd(0.01),
      });
    const plain = make((h, w, b) => cell(cell(h, w, b), w, b));
    const lean = make((h, w, b) => recompute((a, v, c) => cell(cell(a, v, c), v, c), h, w, b));
    for (let i = 0; i < 4; i++) expect(lean.step(undefined).loss).toBeCloseTo(plain.step(undefined).loss, 5);
    expect(lean.memory.peak).toBeLessThan(plain.memory.peak / 2);
  });

  it("names a parameter that is not passed as an argument", () => {
    expect(() => grad((p: typeof params) => sum(recompute((h) => linear(h, p.w, p.b), x)))(params)).toThrow(
      /recompute: the function uses params.w \[3, 3\] from outside.*Pass it as an argument/,
    );
  });
});

describe("customGrad that captures", () => {
  it("refuses a tensor from outside that needs a gradient, by name", () => {
    const run = (f: (p: { w: Tensor; b: Tensor }) => Tensor) => grad(f)({ w: tensor([1, 1]), b: tensor([2, 2]) });
    expect(() => run((p) => sum(customGrad((a) => ({ value: mul(a, p.w), backward: (g) => [g] }))(p.b)))).toThrow(
      new TypeError(
        "customGrad: the function uses params.w [2] from outside, whose gradient would be lost. Pass it as an argument",
      ),
    );
    const { w, b } = run((p) => {
      const fixed = tensor([3, 4]);
      return sum(customGrad((a) => ({ value: mul(a, fixed), backward: (g) => [mul(g, fixed)] }))(mul(p.b, p.w)));
    });
    expect([Array.from(w.data), Array.from(b.data)]).toEqual([
      [6, 8],
      [3, 4],
    ]);
  });

  it("refuses what is no { value, backward }", () => {
    for (const bad of [undefined, 3, x, { value: x }, { value: 1, backward: () => [] }])
      expect(() => grad((p: Tensor) => sum(customGrad(() => bad as never)(p)))(x)).toThrow(
        /^customGrad: the function returned .*; return \{ value, backward \}/,
      );
  });
});

describe("int32 through recompute and unroll", () => {
  const weights = tensor([
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
  ]);
  const rows = tensor([2, 0], { dtype: "int32" });

  it("is an argument like any other", () => {
    const f = (again: boolean) =>
      valueAndGrad((w: Tensor) => {
        const pick = (a: Tensor, i: Tensor) => mul(gather(a, i), gather(a, i));
        return sum(again ? recompute(pick, w, rows) : pick(w, rows));
      })(weights);
    expect(f(true)).toEqual(f(false));
  });

  it("is part of a state, with the bits of a plain loop", () => {
    const start = {
      h: tensor([
        [0.1, 0.2, 0.3],
        [0.5, 0.4, 0.3],
      ]),
      i: tensor([0, 1], { dtype: "int32" }),
    };
    const run = (again: boolean, debug = false) => {
      const trainer = createTrainer({
        params: { w: mul(weights, 0.01) },
        loss: (p, _: undefined) => {
          const last = unroll(
            ({ h, i }: typeof start, _, q: { w: Tensor }) => ({ h: add(h, gather(q.w, i)), i: argMax(h, -1) }),
            start,
            3,
            { params: p, recompute: again },
          );
          return sum(mul(last.h, gather(p.w, last.i)));
        },
        optimizer: optim.sgd(0.1),
        debug,
      });
      return [trainer.step(undefined).loss, digest(trainer.params)];
    };
    expect(run(true)).toEqual(run(false));
    expect(run(true, true)).toEqual(run(false));
  });

  it("keeps its dtype", () => {
    expect(() => unroll((s: Tensor) => mul(s, 0.5), zeros([2]), 2, { recompute: true } as never)).toThrow(TypeError);
    expect(() => unroll(() => zeros([2]), tensor([1, 2], { dtype: "int32" }), 1)).toThrow(
      "unroll: the cell turned state from int32 into float32 at step 0; a state keeps its dtype",
    );
  });
});

describe("values beside a gradient", () => {
  it("come back as host tensors", () => {
    const { value, gradients, aux } = valueAndGrad((w: Tensor, k: number) => {
      const y = mul(w, k);
      return { value: sum(mul(y, y)), aux: { y, list: [y], k, name: "n" } };
    })(tensor([1, 2]), 3);
    expect([value, Array.from(gradients.data)]).toEqual([45, [18, 36]]);
    expect([Array.from(aux.y.data), Array.from(aux.list[0].data), aux.k, aux.name]).toEqual([[3, 6], [3, 6], 3, "n"]);
    expect(aux.y.isHost).toBe(true);
  });

  it("are undefined where there are none", () => {
    expect(Object.keys(valueAndGrad((w: Tensor) => sum(w))(tensor([1])))).toEqual(["value", "gradients"]);
  });

  it("have names: value and aux", () => {
    expect(() => valueAndGrad(((w: Tensor) => ({ loss: sum(w), aux: 1 })) as never)(tensor([1]))).toThrow(
      'loss: there is no option "loss"',
    );
  });
});
