import { describe, expect, it } from "vitest";
import { printable, show } from "../../src/base/errors.js";
import { copied, flag, integer, number, oneOf, readOptions, unknownOption } from "../../src/base/options.js";

interface Options {
  axis?: number;
  keepDims?: boolean;
  list?: readonly number[];
  mode?: "a" | "b";
}
const read = (given: unknown) =>
  readOptions<Options>("f", given as Options, {
    axis: integer(),
    keepDims: flag,
    list: copied,
    mode: oneOf("a", "b"),
  });

describe("options", () => {
  it("are a frozen copy without what is undefined", () => {
    const list = [1, 2];
    const given = { axis: 1, keepDims: undefined, list };
    const found = read(given);
    list[0] = given.axis = 9;
    expect(found).toEqual({ axis: 1, list: [1, 2] });
    expect(Object.isFrozen(found) && Object.isFrozen(found.list)).toBe(true);
    expect(read(undefined)).toEqual({});
  });

  it("refuse an unknown name, and name the likely one", () => {
    expect(() => read({ dim: 1 })).toThrow(
      new TypeError('f: there is no option "dim". Did you mean "axis"? There are: axis, keepDims, list, mode'),
    );
    for (const [name, meant] of [
      ["keepdims", "keepDims"],
      ["keep_dims", "keepDims"],
      ["keepDim", "keepDims"],
      ["axs", "axis"],
    ])
      expect(() => read({ [name]: 1 })).toThrow(`f: there is no option "${name}". Did you mean "${meant}"?`);
    expect(() => read({ colour: 1 })).toThrow(/^f: there is no option "colour"\. There are: axis/);
    expect(unknownOption("adam", "lr", ["beta1"])).toBe(
      'adam: there is no option "lr". The learning rate is the first argument. There are: beta1',
    );
    expect(unknownOption("adam", "betas", ["beta1", "beta2"])).toContain('Did you mean "beta1" and "beta2"?');
    expect(unknownOption("addNoise", "gama", ["eta", "gamma"])).toContain('Did you mean "gamma"?');
    expect(unknownOption("addNoise", "sigma", ["eta", "std"])).toContain('Did you mean "std"?');
  });

  it("refuse a name that only the prototype of objects has", () => {
    for (const name of ["constructor", "toString", "__proto__x"])
      expect(() => read({ [name]: 1 })).toThrow(`f: there is no option "${name}"`);
  });

  it("see what an object inherits from the caller's defaults", () => {
    expect(read(Object.create({ axis: 2 }))).toEqual({ axis: 2 });
    expect(() => read(Object.create({ dim: 2 }))).toThrow('no option "dim"');
  });

  it("refuse what is no object of options", () => {
    for (const given of [1, "a", true, null, [1], new Float32Array(2), () => 1, new Date(), new Map()])
      expect(() => read(given)).toThrow(/^f: expected options \{ axis, keepDims, list, mode \}, got /);
    expect(() => read(0.9)).toThrow("got 0.9. Write { axis: 0.9 }");
  });

  it("refuse values of another kind, naming them", () => {
    expect(() => read({ axis: "1" })).toThrow(new TypeError('f: "axis" expected an integer >= 0, got "1"'));
    expect(() => read({ axis: -1 })).toThrow(new RangeError('f: "axis" expected an integer >= 0, got -1'));
    expect(() => read({ keepDims: 1 })).toThrow(new TypeError('f: "keepDims" expected true or false, got 1'));
    expect(() => read({ mode: "c" })).toThrow(new TypeError('f: "mode" expected "a" or "b", got "c"'));
    expect(() => number("> 0", (v) => v > 0)("f", "x", Number.NaN)).toThrow(RangeError);
  });
});

describe("foreign text in a message", () => {
  it("never reaches a terminal raw", () => {
    expect(printable("a\u001b[31mb\u202ec\n\u0007")).toBe("a\\u001b[31mb\\u202ec\\n\\u0007");
    expect(show("\u2066x")).toBe('"\\u2066x"');
  });

  it("is short, however long it is", () => {
    expect(printable("x".repeat(1e6)).length).toBeLessThanOrEqual(120);
    expect(printable(`${"y".repeat(200)}end`)).toMatch(/^y+\.\.\.y+end$/);
    expect(printable("\n".repeat(1e6)).length).toBeLessThanOrEqual(120);
  });

  it("names values by what they are, in this realm or another", () => {
    expect([show(new Float64Array(3)), show(new Map()), show({}), show({ a: 1 }), show(Promise.resolve())]).toEqual([
      "a Float64Array of 3",
      "a Map",
      "an empty object",
      "an object { a }",
      "a Promise",
    ]);
    expect([show(1n), show(class A {}), show(() => 1), show(new (class B {})())]).toEqual([
      "1n",
      "a class",
      "a function",
      "a class instance",
    ]);
  });
});
