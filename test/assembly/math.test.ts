// Elementary functions beyond their range, and the scalar doubles against known values. Their errors: ulp.test.ts.
import { describe, expect, it } from "vitest";
import { cos, exp, log, pow, sin } from "../../src/core/random.js";
import { apply, floatsBetween } from "./ulp.js";

const bits = new DataView(new ArrayBuffer(8));

describe("sine and cosine", () => {
  it("sin is odd and cos is even to the last bit", () => {
    const x = floatsBetween(1e-45, 3.4e38, 9973);
    const minus = x.map((v) => -v);
    expect(apply("sin", minus)).toEqual(apply("sin", x).map((v) => -v));
    expect(apply("cos", minus)).toEqual(apply("cos", x));
  });
});

describe("beyond the range", () => {
  it("exp of every float above 88.72283 is infinite and of every one below -86.98001 is 0", () => {
    expect(new Set(apply("exp", floatsBetween(88.722847, 3.4e38, 99991)))).toEqual(new Set([Infinity]));
    expect(new Set(apply("exp", floatsBetween(-86.98001, -3.4e38, 99991)))).toEqual(new Set([0]));
  });

  it("exp never falls from one float to the next by more than its error", () => {
    for (const [low, high] of [
      [88.72, 88.72283],
      [-86.981, -86.979],
    ]) {
      const x = floatsBetween(low, high, 1);
      if (low < 0) x.reverse();
      const y = apply("exp", x);
      for (let i = 1; i < y.length; i++) expect(y[i]).toBeGreaterThanOrEqual(y[i - 1] * (1 - 2 ** -22));
    }
  });

  it("tanh stays within -1..1, and is odd to the last bit", () => {
    const x = floatsBetween(1e-45, 3.4e38, 9973);
    const y = apply("tanh", x);
    const z = apply(
      "tanh",
      x.map((v) => -v),
    );
    for (let i = 0; i < x.length; i++) if (!(y[i] <= 1) || z[i] !== -y[i]) expect.fail(`tanh(${x[i]}) = ${y[i]}`);
    expect(y[y.length - 1]).toBe(1);
  });

  it("sigmoid stays within 0..1", () => {
    for (const ends of [
      [1e-45, 3.4e38],
      [-1e-45, -3.4e38],
    ]) {
      const x = floatsBetween(ends[0], ends[1], 9973);
      apply("sigmoid", x).forEach((v, i) => {
        if (!(v >= 0 && v <= 1)) expect.fail(`sigmoid(${x[i]}) = ${v}`);
      });
    }
  });
});

describe("the scalar functions", () => {
  /** Units in the last place of a double between two of them. */
  const apart = (got: number, want: number): number => {
    if (Object.is(got, want)) return 0;
    const order = (x: number): bigint => {
      bits.setFloat64(0, x);
      const word = bits.getBigInt64(0);
      return word < 0n ? -0x8000000000000000n - word : word;
    };
    const distance = order(got) - order(want);
    return Number(distance < 0n ? -distance : distance);
  };

  // Python with mpmath 1.3.0, mp.dps = 60: float(mp.exp(mpf(x))), float(mp.log(mpf(x))), float(mp.power(mpf(x), mpf(y))), ...
  const known: [string, number, number][] = [
    ["exp(1)", exp(1), Math.E],
    ["exp(-1)", exp(-1), 0.36787944117144233],
    ["exp(0.5)", exp(0.5), 1.6487212707001282],
    ["exp(10)", exp(10), 22026.465794806718],
    ["exp(-20)", exp(-20), 2.061153622438558e-9],
    ["exp(700)", exp(700), 1.0142320547350045e304],
    ["log(2)", log(2), Math.LN2],
    ["log(10)", log(10), Math.LN10],
    ["log(3)", log(3), 1.0986122886681098],
    ["log(1e-300)", log(1e-300), -690.7755278982137],
    ["pow(2, 0.5)", pow(2, 0.5), Math.SQRT2],
    ["pow(10, -3)", pow(10, -3), 0.001],
    ["pow(0.9, 100)", pow(0.9, 100), 2.6561398887587544e-5],
    ["pow(0.999, 1000)", pow(0.999, 1000), 0.36769542477096373],
    ["pow(1001, 0.55)", pow(1001, 0.55), 44.69292128762527],
    ["sin(1)", sin(1), 0.8414709848078965],
    ["sin(0.5)", sin(0.5), 0.479425538604203],
    ["sin(100)", sin(100), -0.5063656411097588],
    ["sin(1e22)", sin(1e22), -0.8522008497671888],
    ["sin(pi)", sin(Math.PI), 1.2246467991473532e-16],
    ["cos(1)", cos(1), 0.5403023058681398],
    ["cos(0.5)", cos(0.5), 0.8775825618903728],
    ["cos(100)", cos(100), 0.8623188722876839],
    ["cos(1e22)", cos(1e22), 0.523214785395139],
  ];

  it.each(known)("%s is within 1 ulp of the truth", (_, got, want) => {
    expect(apart(got, want)).toBeLessThanOrEqual(1);
  });

  it("powers of whole numbers are exact", () => {
    expect([pow(2, 3), pow(3, 4), pow(10, 15), pow(2, -1074), pow(-2, 3), pow(7, 0)]).toEqual([
      8, 81, 1e15, 5e-324, -8, 1,
    ]);
  });

  it("special values follow IEEE 754", () => {
    expect([exp(0), exp(-Infinity), exp(Infinity), exp(NaN), exp(710), exp(-800)]).toEqual([
      1,
      0,
      Infinity,
      NaN,
      Infinity,
      0,
    ]);
    expect([log(1), log(0), log(-1), log(Infinity)]).toEqual([0, -Infinity, NaN, Infinity]);
    expect([sin(0), sin(-0), cos(0), sin(Infinity), cos(NaN)]).toEqual([0, -0, 1, NaN, NaN]);
    expect([pow(0, 0), pow(NaN, 0), pow(-8, 1 / 3), pow(0, -1), pow(Infinity, -1)]).toEqual([1, 1, NaN, Infinity, 0]);
  });

  it("a negative base has a power by whole numbers only, however near the exponent is to one", () => {
    const wholes = [1, 2, 3, 5, 7, 64, 1000, 2 ** 20 - 1, 2 ** 20, 2 ** 21 + 1, 2 ** 31, 2 ** 45 + 1, 2 ** 51 - 1];
    const bases = [-2, -3, -1.5, -1, -0.7, -1e-3, -1e300, -5e-324, -0, 0, -Infinity];
    // the whole number, and those whose fraction is anywhere in the mantissa
    for (const whole of wholes)
      for (const sign of [1, -1])
        for (let bit = 0; bit <= 52; bit++) {
          const step = 2 ** (Math.floor(Math.log2(whole)) - bit);
          for (const y of [sign * whole, sign * (whole + step), sign * (whole - step)])
            for (const x of bases) {
              const want = x === -1 && !Number.isInteger(y) ? NaN : x ** y;
              const got = pow(x, y);
              if (want === 0 || !Number.isFinite(want) ? !Object.is(got, want) : apart(got, want) > 2)
                expect.fail(`pow(${x}, ${y}): ${got}, Math says ${want}`);
            }
        }
  });

  it("agree with Math to 1 ulp at random points", () => {
    let state = 1;
    for (let i = 0; i < 20000; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      const x = state / 2 ** 26;
      const positive = Math.abs(x) + 1e-9;
      // two results, each within 1 ulp of the truth
      for (const [name, got, want] of [
        ["exp", exp(x), Math.exp(x)],
        ["log", log(positive), Math.log(positive)],
        ["sin", sin(x), Math.sin(x)],
        ["cos", cos(x), Math.cos(x)],
        ["pow", pow(positive, x / 8), positive ** (x / 8)],
      ] as const)
        if (apart(got, want) > 2) expect.fail(`${name} at ${x}: ${got}, Math says ${want}`);
    }
  });
});
