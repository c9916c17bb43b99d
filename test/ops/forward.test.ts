// Every op against its oracle: every SIMD tail, random shapes, broadcasting, the same input twice.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { grad } from "../../src/autodiff/grad.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { add, div, equal, maximum, mul, sub, where } from "../../src/ops/elementwise/index.js";
import { concat, transpose } from "../../src/ops/layout/layout.js";
import { linear, matmul } from "../../src/ops/product/matmul.js";
import { sum } from "../../src/ops/reduce/reduce.js";
import { at, build, type Doubles, toDoubles } from "./doubles.js";
import { type Case, inputsOf, oracles } from "./oracles.js";

/** The first element that is off, or undefined. */
function difference(got: Doubles, want: Doubles, tolerance: number): string | undefined {
  if (got.shape.join() !== want.shape.join()) return `shape [${got.shape}] instead of [${want.shape}]`;
  const at = got.data.findIndex((v, i) => {
    const w = want.data[i];
    return tolerance === 0 ? !Object.is(v, Math.fround(w)) : !(Math.abs(v - w) <= tolerance * (1 + Math.abs(w)));
  });
  return at < 0 ? undefined : `${got.data[at]} instead of ${want.data[at]} at ${at}`;
}

function check(one: Case, seed: number, tolerance: number): string | undefined {
  const inputs = inputsOf(one, seed);
  return difference(toDoubles(one.apply(inputs)), one.oracle(inputs.map(toDoubles)), tolerance);
}

describe.each(Object.entries(oracles))("%s", (_, oracle) => {
  it("equals the oracle for the tail of every length 0..67", () => {
    for (let n = 0; n <= 67; n++) expect(check(oracle.line(n), n, oracle.tolerance), `n = ${n}`).toBeUndefined();
  });

  it("equals the oracle for random shapes", () => {
    fc.assert(
      fc.property(oracle.random, fc.integer(), (one, seed) => {
        expect(check(one, seed, oracle.tolerance)).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });

  it("leaves its inputs as they were", () => {
    fc.assert(
      fc.property(oracle.random, fc.integer(), (one, seed) => {
        const inputs = inputsOf(one, seed);
        one.apply(inputs);
        expect(inputs).toEqual(inputsOf(one, seed));
      }),
      { numRuns: 20 },
    );
  });
});

describe("one tensor as both inputs", () => {
  const x = tensor(
    Float32Array.from({ length: 49 }, (_, i) => (i % 11) - 4.5),
    [7, 7],
  );
  const data = Array.from(x.data);

  it.each([
    ["add", add, data.map((v) => v + v)],
    ["sub", sub, data.map(() => 0)],
    ["mul", mul, data.map((v) => v * v)],
    ["div", div, data.map(() => 1)],
    ["maximum", maximum, data],
    ["equal", equal, data.map(() => 1)],
    ["where", (a: Tensor, b: Tensor) => where(a, b, a), data],
  ] as const)("%s(x, x) equals the oracle", (_, op, want) => {
    expect(Array.from(op(x, x).data)).toEqual(want);
  });

  it("matmul(x, x) and linear(x, x) equal the oracle", () => {
    const want = Array.from({ length: 49 }, (_, at) => {
      let s = 0;
      for (let l = 0; l < 7; l++) s += data[Math.floor(at / 7) * 7 + l] * data[l * 7 + (at % 7)];
      return s;
    });
    expect(Array.from(matmul(x, x).data)).toEqual(want);
    expect(Array.from(linear(x, x).data)).toEqual(want);
  });

  it("concat([x, x]) holds x twice", () => {
    expect(Array.from(concat([x, x]).data)).toEqual([...data, ...data]);
  });
});

describe("eight axes, none of which merge", () => {
  const odd = [2, 1, 2, 1, 2, 1, 2, 1];
  const even = [1, 2, 1, 2, 1, 2, 1, 2];
  const a = tensor(
    Array.from({ length: 16 }, (_, i) => i + 0.5),
    odd,
  );
  const b = tensor(
    Array.from({ length: 16 }, (_, i) => 3 - i),
    even,
  );

  it("broadcast against each other as in the oracle", () => {
    const want = build(Array(8).fill(2), (index) => at(toDoubles(a), index) * at(toDoubles(b), index));
    expect(toDoubles(mul(a, b))).toEqual(want);
    expect(toDoubles(mul(b, a))).toEqual(want);
  });

  it("sum their gradients back as in the oracle", () => {
    const total = Array.from(b.data).reduce((s, v) => s + v, 0);
    expect(Array.from(grad((x: Tensor) => sum(mul(x, b)))(a).data)).toEqual(Array(16).fill(total));
  });

  it("are reversed by transpose", () => {
    const shape = [2, 3, 1, 2, 2, 1, 3, 2];
    const x = tensor(
      Array.from({ length: 144 }, (_, i) => i),
      shape,
    );
    const want = build([...shape].reverse(), (index) => at(toDoubles(x), [...index].reverse()));
    expect(toDoubles(transpose(x))).toEqual(want);
    expect(transpose(transpose(x)).data).toEqual(x.data);
  });
});
