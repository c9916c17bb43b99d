// Sizes, strides, axes and broadcasting.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  broadcastShapes,
  broadcastStrides,
  checkAxes,
  checkAxis,
  checkShape,
  sameShape,
  sizeOf,
  stridesOf,
} from "../../src/base/shape.js";

const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 5 });

describe("sizes and strides", () => {
  it("count elements in row-major order", () => {
    expect([sizeOf([]), sizeOf([3]), sizeOf([2, 3, 4]), sizeOf([2, 0])]).toEqual([1, 3, 24, 0]);
    expect([stridesOf([]), stridesOf([2, 3, 4])]).toEqual([[], [12, 4, 1]]);
  });

  it("tell shapes apart by every size and by rank", () => {
    expect([sameShape([1, 2], [1, 2]), sameShape([1, 2], [2, 1]), sameShape([1], [1, 1])]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe("broadcasting", () => {
  it("aligns at the right and stretches 1, also to 0", () => {
    expect(broadcastShapes("add", [4, 1, 3], [2, 1])).toEqual([4, 2, 3]);
    expect(broadcastShapes("add", [], [2, 0])).toEqual([2, 0]);
    expect(broadcastShapes("add", [1], [0])).toEqual([0]);
  });

  it("does not depend on the order of its arguments", () => {
    fc.assert(
      fc.property(shapes, shapes, (a, b) => {
        const attempt = (x: number[], y: number[]): unknown => {
          try {
            return broadcastShapes("add", x, y);
          } catch {
            return "refused";
          }
        };
        expect(attempt(a, b)).toEqual(attempt(b, a));
      }),
    );
  });

  it("reads a stretched axis with stride 0", () => {
    expect(broadcastStrides([3, 1], [2, 3, 4])).toEqual([0, 1, 0]);
    expect(broadcastStrides([1, 1], [1, 1])).toEqual([1, 1]);
  });
});

describe("checks", () => {
  it("count a negative axis from the end", () => {
    expect([checkAxis("sum", -1, 3), checkAxis("sum", 0, 3), checkAxis("sum", -3, 3)]).toEqual([2, 0, 0]);
  });

  it("refuse an axis that is out of range or no integer", () => {
    for (const axis of [3, -4, 0.5, Number.NaN])
      expect(() => checkAxis("sum", axis, 3)).toThrow(/^sum: axis .* is outside -3\.\.2$/);
    for (const axis of ["0", null, [0], { axis: 0 }])
      expect(() => checkAxis("sum", axis, 3)).toThrow(/^sum: "axis" expected an integer, got /);
  });

  it("sort axes, and take all where none is named", () => {
    expect([checkAxes("sum", [-1, 0], 3), checkAxes("sum", undefined, 3), checkAxes("sum", [], 3)]).toEqual([
      [0, 2],
      [0, 1, 2],
      [],
    ]);
  });

  it("freeze a copy of a shape", () => {
    const shape = [2, 3];
    const checked = checkShape("tensor", shape);
    shape[0] = 7;
    expect(checked).toEqual([2, 3]);
    expect(Object.isFrozen(checked)).toBe(true);
  });

  it("refuse sizes that are none, and ranks above 8", () => {
    expect(() => checkShape("zeros", [2, -1])).toThrow("zeros: every size is an integer >= 0, got -1 in [2, -1]");
    expect(() => checkShape("zeros", Array(9).fill(1))).toThrow("zeros: rank 9 is above 8");
    expect(() => checkShape("zeros", 3)).toThrow(new TypeError("zeros: a shape is an array of sizes, got 3"));
  });
});
