// Arguments of another kind, in another place, or missing: each op that takes more than tensors names them and shows the way.
import { describe, expect, it } from "vitest";
import * as library from "../../src/index.js";

const loose = library as unknown as { [name: string]: (...args: unknown[]) => library.Tensor };
const { tensor, zeros } = library;
const x = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);
const ones = [1, 1, 1];

const wrong: [string, () => unknown, Error][] = [
  [
    "an axis by name",
    () => loose.softmax(x, { axis: 1 }),
    new TypeError('softmax: "axis" expected an integer, got an object { axis }. Write it by position: softmax(x, 1)'),
  ],
  [
    "an axis by name",
    () => loose.argMax(x, { axis: 0 }),
    new TypeError('argMax: "axis" expected an integer, got an object { axis }. Write it by position: argMax(x, 0)'),
  ],
  [
    "an axis by name",
    () => loose.cumsum(x, { dim: 0 }),
    new TypeError('cumsum: "axis" expected an integer, got an object { dim }'),
  ],
  [
    "no tensor for an axis",
    () => loose.softmax(),
    new TypeError(
      'softmax: "x" expected a tensor, a number or an array of numbers, got undefined. Check the name it is read from',
    ),
  ],
  [
    "no indices",
    () => loose.gather(x),
    new TypeError(
      'gather: "indices" expected a tensor, a number or an array of numbers, got undefined. Check the name it is read from',
    ),
  ],
  [
    "indices of words",
    () => loose.oneHot(["a"], 3),
    new TypeError('oneHot: index "a" at position 0 is no whole number'),
  ],
  [
    "indices that are no array",
    () => loose.takeAlongAxis(x, { i: 0 }),
    new TypeError('takeAlongAxis: "indices" expected an int32 tensor or whole numbers, got an object { i }'),
  ],
  [
    "no count of classes",
    () => loose.oneHot([1]),
    new TypeError('oneHot: "classes" expected an integer >= 0, got undefined'),
  ],
  [
    "an epsilon by position",
    () => loose.layerNorm(x, ones, ones, 1e-5),
    new TypeError("layerNorm: expected options { epsilon }, got 0.00001. Write { epsilon: 0.00001 }"),
  ],
  [
    "another library's epsilon",
    () => loose.layerNorm(x, ones, ones, { eps: 1e-5 }),
    new TypeError('layerNorm: there is no option "eps". Did you mean "epsilon"? There are: epsilon'),
  ],
  [
    "an epsilon of words",
    () => loose.batchNorm(x, ones, ones, { epsilon: "small" }),
    new TypeError('batchNorm: "epsilon" expected a number >= 0 and finite in float32, got "small"'),
  ],
  [
    "an unknown statistic",
    () => loose.batchNorm(x, ones, ones, { mean: ones, var: ones }),
    new TypeError('batchNorm: there is no option "var". Did you mean "variance"? There are: epsilon, mean, variance'),
  ],
  [
    "limits in an object",
    () => loose.clip(x, { min: 0, max: 1 }),
    new TypeError(
      'clip: "min" and "max" expected numbers, got an object { min, max } and undefined. Write clip(x, min, max)',
    ),
  ],
  [
    "limits turned around",
    () => library.clip(x, 1, 0),
    new RangeError('clip: "min" 1 must not be above "max" 0. Use -Infinity or Infinity for no limit'),
  ],
  [
    "a slope in an object",
    () => loose.leakyRelu(x, { slope: 0.1 }),
    new TypeError('leakyRelu: "negativeSlope" expected a number that is finite in float32, got an object { slope }'),
  ],
  [
    "an alpha that is infinite",
    () => library.elu(x, Infinity),
    new RangeError('elu: "alpha" expected a number that is finite in float32, got Infinity'),
  ],
  [
    "a key before the rate",
    () => loose.dropout(x, library.random.key(1), 0.5),
    new TypeError('dropout: "rate" expected a number in 0 <= rate < 1, got an object { low, high }'),
  ],
];

describe("an argument that is wrong", () => {
  it.each(wrong)("%s: %s", (_, call, error) => {
    expect(call).toThrow(error);
  });

  it("indices come as any whole numbers", () => {
    for (const indices of [[1, 0], Int32Array.of(1, 0), Uint8Array.of(1, 0), tensor([1, 0], { dtype: "int32" })])
      expect(loose.gather(x, indices).toArray()).toEqual([
        [4, 5, 6],
        [1, 2, 3],
      ]);
    expect(loose.oneHot(Uint8Array.of(2, 0), 3).toArray()).toEqual([
      [0, 0, 1],
      [1, 0, 0],
    ]);
  });

  it("zeros of no axes have no axis", () => {
    expect(() => library.softmax(zeros([]))).toThrow("softmax: axis -1 is outside a scalar, which has no axes");
  });
});
