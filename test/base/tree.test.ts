// Trees, their paths, and patterns of paths.
import { describe, expect, it } from "vitest";
import { flatten, mapTree, matchPath } from "../../src/base/tree.js";

const isNumber = (value: unknown): value is number => typeof value === "number";
const tree = { layers: [{ weight: 1, bias: 2 }, { weight: 3 }], scale: 4, none: [], empty: {} };

describe("a tree", () => {
  it("is flattened in the order it is written, with paths that read like code", () => {
    expect(flatten(tree, isNumber)).toEqual([
      { path: "layers[0].weight", leaf: 1 },
      { path: "layers[0].bias", leaf: 2 },
      { path: "layers[1].weight", leaf: 3 },
      { path: "scale", leaf: 4 },
    ]);
  });

  it("keeps its form when its leaves are replaced", () => {
    const seen: string[] = [];
    const mapped = mapTree(tree, isNumber, (leaf, path, index) => {
      seen.push(`${index} ${path}`);
      return leaf * 10;
    });
    expect(mapped).toEqual({ layers: [{ weight: 10, bias: 20 }, { weight: 30 }], scale: 40, none: [], empty: {} });
    expect(seen).toEqual(flatten(tree, isNumber).map(({ path }, i) => `${i} ${path}`));
  });

  it("may be a single leaf", () => {
    expect(flatten(5, isNumber)).toEqual([{ path: "", leaf: 5 }]);
    expect(mapTree(5, isNumber, (leaf) => leaf + 1)).toBe(6);
  });

  it("may be an object without a prototype", () => {
    expect(flatten(Object.assign(Object.create(null), { a: 1 }), isNumber)).toEqual([{ path: "a", leaf: 1 }]);
  });

  it.each([
    ["flatten", (t: unknown) => flatten(t, isNumber)],
    ["mapTree", (t: unknown) => mapTree(t, isNumber, (leaf) => leaf)],
  ])("has no place for other things, says %s with their path", (_, walk) => {
    const text = (at: string, what: string): TypeError =>
      new TypeError(`${at}: expected a tensor, an array or a plain object, got ${what}`);
    expect(() => walk({ a: [1, "x"] })).toThrow(text("params.a[1]", '"x"'));
    expect(() => walk([undefined])).toThrow(text("params[0]", "undefined"));
    expect(() => walk({ a: new Map([["w", 1]]) })).toThrow(text("params.a", "a Map"));
    expect(() => walk(null)).toThrow(text("params", "null"));
  });
});

describe("a pattern", () => {
  it.each([
    ["layers[3].bias", "layers[3].bias", true],
    ["layers[*].bias", "layers[12].bias", true],
    ["layers[*].bias", "layers[3].cell.bias", false],
    ["*.bias", "layers[3].bias", false],
    ["*.bias", "output.bias", true],
    ["**.bias", "layers[3].bias", true],
    ["**.bias", "bias", false],
    ["**bias", "bias", true],
    ["**", "anything[0].at.all", true],
    ["layers.*", "layers[0]", false],
    ["w*", "weight", true],
    ["w*", "w", true],
    ["layers[?]", "layers[3]", false],
    ["a.b", "axb", false],
    ["(a|b)", "a", false],
    ["embedding", "embedding.weight", false],
  ])("%s against %s: %s", (pattern, path, matches) => {
    expect(matchPath(pattern, path)).toBe(matches);
  });
});
