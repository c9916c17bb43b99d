// Attention against plain arithmetic: masks, heads, leading axes, gradients.
import { describe, expect, it } from "vitest";
import { checkGrad, grad } from "../../src/autodiff/grad.js";
import { ShapeError } from "../../src/base/errors.js";
import { key, normal } from "../../src/core/random.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { attention, causalMask, multiHeadAttention } from "../../src/nn/attention.js";
import { mul } from "../../src/ops/elementwise/index.js";
import { concat, slice } from "../../src/ops/layout/layout.js";
import { linear } from "../../src/ops/product/matmul.js";
import { sum } from "../../src/ops/reduce/reduce.js";

type Rows = number[][];
const draw = (seed: number, ...shape: number[]): Tensor => normal(key(seed), shape);

/** softmax(q k' / sqrt(d)) v of matrices, in doubles; a query without keys gets 0. */
function plain(q: Rows, k: Rows, v: Rows, sees: (i: number, j: number) => boolean = () => true): Rows {
  return q.map((query, i) => {
    const e = k.map((row, j) =>
      sees(i, j) ? Math.exp(row.reduce((s, x, d) => s + x * query[d], 0) / Math.sqrt(query.length)) : 0,
    );
    const total = e.reduce((s, x) => s + x, 0);
    return v[0].map((_, c) => (total === 0 ? 0 : v.reduce((s, row, j) => s + (e[j] / total) * row[c], 0)));
  });
}

function expectClose(got: Tensor, want: Rows | Rows[]): void {
  const flat = want.flat(2) as number[];
  expect(got.size).toBe(flat.length);
  flat.forEach((w, i) => {
    expect(got.data[i]).toBeCloseTo(w, 5);
  });
}

const rows = (x: Tensor): Rows => x.toArray() as Rows;

describe("attention", () => {
  const [q, k, v] = [draw(1, 3, 4), draw(2, 5, 4), draw(3, 5, 2)];

  it("is the mean of the values, weighed by the softmax of the scores", () => {
    expectClose(attention(q, k, v), plain(rows(q), rows(k), rows(v)));
  });

  it("sees nothing through the mask, and gives 0 where all is masked", () => {
    const mask = tensor([
      [1, 0, 1, 0, 0],
      [0, 0, 0, 0, 1],
      [0, 0, 0, 0, 0],
    ]);
    const sees = (i: number, j: number): boolean => mask.data[i * 5 + j] === 1;
    expectClose(attention(q, k, v, { mask }), plain(rows(q), rows(k), rows(v), sees));
    const gradients = grad((x: Tensor[]) => sum(attention(x[0], x[1], x[2], { mask })))([q, k, v]);
    expect(Array.from(gradients[0].data.subarray(8))).toEqual([0, 0, 0, 0]);
    expect(Array.from(gradients[1].data.subarray(4, 8))).toEqual([0, 0, 0, 0]);
    expect(gradients.every((g) => g.data.every(Number.isFinite))).toBe(true);
  });

  it("is taken for every index of the leading axes, which broadcast", () => {
    const many = draw(4, 2, 3, 4);
    const got = attention(many, k, v, { mask: causalMask(3, 5) });
    expect(got.shape).toEqual([2, 3, 2]);
    expectClose(
      got,
      (many.toArray() as unknown as Rows[]).map((one) => plain(one, rows(k), rows(v), (i, j) => j <= i + 2)),
    );
  });

  it("has gradients that agree with central differences", () => {
    for (const mask of [undefined, causalMask(3, 5)]) {
      const f = (x: Tensor[]): Tensor => sum(mul(attention(x[0], x[1], x[2], { mask }), [1, -2]));
      checkGrad(f, [draw(5, 2, 3, 4), k, draw(6, 2, 5, 2)], { tolerance: 0.02 });
    }
  });
});

describe("causalMask", () => {
  it("lets query i see keys 0..i, the last query the last key", () => {
    expect(causalMask(3).toArray()).toEqual([
      [1, 0, 0],
      [1, 1, 0],
      [1, 1, 1],
    ]);
    expect(causalMask(2, 3).toArray()).toEqual([
      [1, 1, 0],
      [1, 1, 1],
    ]);
    expect(causalMask(3, 2).toArray()).toEqual([
      [0, 0],
      [1, 0],
      [1, 1],
    ]);
    expect(causalMask(0).shape).toEqual([0, 0]);
  });
});

describe("multiHeadAttention", () => {
  const layer = multiHeadAttention(6, 2);
  const params = layer.init(key(1));
  const x = draw(2, 3, 4, 6);
  const other = draw(3, 3, 5, 6);
  const at = (t: Tensor, i: number): Tensor =>
    tensor(Float32Array.from(t.data.subarray(i * t.shape[1] * 6, (i + 1) * t.shape[1] * 6)), [t.shape[1], 6]);

  /** Head by head, sequence by sequence. */
  function byHand(query: Tensor, keys: Tensor, sees?: (i: number, j: number) => boolean): Rows {
    const [q, k, v] = (
      [
        ["query", query],
        ["key", keys],
        ["value", keys],
      ] as const
    ).map(([name, t]) => linear(t, params[name].weight, params[name].bias));
    const heads = [0, 3].map((from) => {
      const part = (t: Tensor): Rows => rows(slice(t, [0, from], [t.shape[0], 3]));
      return tensor(plain(part(q), part(k), part(v), sees));
    });
    return rows(linear(concat(heads, 1), params.output.weight, params.output.bias));
  }

  it("attends in every head apart, then mixes them", () => {
    const got = layer.apply(params, x, other);
    expect(got.shape).toEqual([3, 4, 6]);
    expectClose(
      got,
      [0, 1, 2].map((i) => byHand(at(x, i), at(other, i))),
    );
  });

  it("attends to itself by default, and takes masks with and without leading axes", () => {
    const causal = causalMask(4);
    const wanted = [0, 1, 2].map((i) => byHand(at(x, i), at(x, i), (q, k) => k <= q));
    expectClose(layer.apply(params, x, x, x, { mask: causal }), wanted);
    const batched = tensor([...causal.data, ...causal.data, ...causal.data], [3, 4, 4]);
    expectClose(layer.apply(params, x, undefined, undefined, { mask: batched }), wanted);
    const one = layer.apply(params, at(x, 1));
    expect(one.shape).toEqual([4, 6]);
    expectClose(one, byHand(at(x, 1), at(x, 1)));
  });

  it("has different projections, and the same from the same key", () => {
    expect(params.query.weight.data).not.toEqual(params.key.weight.data);
    expect(layer.init(key(1)).output.weight.data).toEqual(params.output.weight.data);
  });

  it("has gradients that agree with central differences", () => {
    const small = multiHeadAttention(4, 2);
    const input = draw(7, 2, 3, 4);
    const f = (p: { params: ReturnType<typeof small.init>; x: Tensor }): Tensor =>
      sum(mul(small.apply(p.params, p.x, undefined, undefined, { mask: causalMask(3) }), [1, -1, 2, 0.5]));
    checkGrad(f, { params: small.init(key(2)), x: input }, { tolerance: 0.02 });
  });

  it("names what is wrong", () => {
    expect(() => multiHeadAttention(6, 4)).toThrow(
      new RangeError("multiHeadAttention: 4 heads do not share a size of 6 evenly. Choose a divisor of the size"),
    );
    expect(() => multiHeadAttention(6, 0)).toThrow('multiHeadAttention: "heads" expected an integer >= 1, got 0');
    expect(() => layer.apply(params, x, draw(1, 3, 5))).toThrow(
      new ShapeError("multiHeadAttention: the key [3, 5] must be [.., keys, 6]"),
    );
  });
});
