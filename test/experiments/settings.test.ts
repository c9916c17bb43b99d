// Rows of a table of settings: what a program gives is checked, and texts are read to the same values that they are written as.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  choice,
  flag,
  integer,
  list,
  number,
  readSettings,
  type Setting,
  seed,
} from "../../src/experiments/settings.js";

const row = { group: "The group", help: "what it is" };
const table = {
  eta: number({ default: 0.03, atLeast: 0, ...row }),
  clip: number({ default: 10 as number | null, above: 0, optional: true, ...row }),
  dropout: number({ default: 0, atLeast: 0, below: 1, ...row }),
  layers: integer({ default: 20, from: 1, to: 99, ...row }),
  epochs: integer({ default: null as number | null, from: 1, example: 10, ...row }),
  init: choice(["zero", "he"], { default: "zero", ...row }),
  noise: flag({ default: true, ...row }),
  sizes: list(integer({ default: 1, from: 1, ...row }), { default: [50, 50], ...row }),
  seed: seed(),
};

describe("a table of settings", () => {
  it("gives defaults where there is nothing, all frozen", () => {
    const read = readSettings("mine", table, { eta: 1 });
    expect(read).toEqual({
      eta: 1,
      clip: 10,
      dropout: 0,
      layers: 20,
      epochs: null,
      init: "zero",
      noise: true,
      sizes: [50, 50],
      seed: 1,
    });
    expect(Object.isFrozen(read)).toBe(true);
    expect(readSettings("mine", table, { clip: null, epochs: 3 })).toMatchObject({ clip: null, epochs: 3 });
  });

  it("is refused where a default is none of its values", () => {
    expect(() => number({ default: -1, atLeast: 0, ...row })).toThrow('setting: "default" expected a number >= 0');
    expect(() => integer({ default: 100, to: 99, ...row })).toThrow(
      'setting: "default" expected a number from 0 to 99',
    );
    expect(() => choice(["a"], { default: "b" as "a", ...row })).toThrow('setting: "default" expected "a", got "b"');
  });

  it("keeps a copy of a list", () => {
    const sizes = [1, 2];
    const read = readSettings("mine", table, { sizes });
    sizes.push(3);
    expect(read.sizes).toEqual([1, 2]);
  });

  it.each([
    [{ eta: -1 }, 'mine: "eta" expected a number >= 0 that float32 holds, got -1'],
    [{ eta: null }, 'mine: "eta" expected a number >= 0 that float32 holds, got null'],
    [{ clip: 0 }, 'mine: "clip" expected a number > 0 that float32 holds, or null, got 0'],
    [{ clip: 1e-60 }, "> 0 that float32 holds"],
    [{ dropout: 1 }, 'mine: "dropout" expected a number in 0 <= p < 1 of float32, got 1'],
    [{ layers: 0 }, 'mine: "layers" expected an integer >= 1, got 0'],
    [{ layers: 100 }, 'mine: "layers" expected a number from 1 to 99, got 100'],
    [{ init: "ones" }, 'mine: "init" expected "zero" or "he", got "ones"'],
    [{ noise: "on" }, 'mine: "noise" expected true or false, got "on"'],
    [{ sizes: 50 }, 'mine: "sizes" expected an array, got 50'],
    [{ sizes: [3, 0] }, 'mine: "sizes[1]" expected an integer >= 1, got 0'],
    [{ etta: 1 }, 'mine: there is no option "etta". Did you mean "eta"?'],
  ])("refuses %o, naming it", (given, sentence) => {
    expect(() => readSettings("mine", table, given as never)).toThrow(sentence);
  });

  const parse = (name: keyof typeof table, text: string): unknown => (table[name] as Setting).parse(text);

  it.each([
    ["eta", "x", "Expected a number >= 0 that float32 holds, for example 0.03."],
    ["eta", "none", "Expected a number >= 0"],
    ["clip", "0", "Expected a number > 0 that float32 holds, or none, for example 10."],
    ["layers", "1.5", "Expected an integer from 1 to 99, for example 20."],
    ["epochs", "0", "Expected an integer >= 1, for example 10."],
    ["init", "zeros", "Expected zero, he."],
    ["noise", "true", "Expected on or off."],
    ["sizes", "1,,2", "Expected an integer >= 1"],
  ] as const)("does not read %s from %s, and says what it is", (name, text, sentence) => {
    expect(() => parse(name, text)).toThrow(sentence);
  });

  it("reads back every value that it writes", () => {
    const back = (name: keyof typeof table, value: unknown): unknown =>
      parse(name, (table[name] as Setting).write(value));
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e30, noNaN: true }),
        fc.array(
          fc.nat(9).map((n) => n + 1),
          { minLength: 1 },
        ),
        (v, sizes) => {
          expect(back("eta", v)).toBe(v === 0 ? 0 : v);
          expect(back("sizes", sizes)).toEqual(sizes);
        },
      ),
    );
    for (const value of [true, false]) expect(back("noise", value)).toBe(value);
    expect(back("clip", null)).toBe(null);
    expect(back("epochs", 7)).toBe(7);
  });
});
