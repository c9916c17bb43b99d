// Errors of ops: which, and in what words.
import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/base/errors.js";
import { key } from "../../src/core/random.js";
import { type Tensor, tensor, zeros } from "../../src/core/tensor.js";
import { dropout } from "../../src/ops/elementwise/dropout.js";
import { add, clip, leakyRelu } from "../../src/ops/elementwise/index.js";
import { broadcastTo, concat, reshape, slice, transpose } from "../../src/ops/layout/layout.js";
import { accuracy, softmaxCrossEntropy } from "../../src/ops/loss/softmax.js";
import { linear, matmul } from "../../src/ops/product/matmul.js";
import { mean, sum } from "../../src/ops/reduce/reduce.js";
import { gru, lstm, simpleRnn } from "../../src/ops/sequence/recurrent.js";

const labels = (...values: number[]): Tensor => tensor(values, { dtype: "int32" });
const half = Array.from({ length: 38 }, (_, i) => (i === 37 ? 10 : i % 10));

const cases: [string, () => unknown, Error][] = [
  [
    "an inner size that the transposed weight would fit",
    () => matmul(zeros([100, 784]), zeros([50, 784])),
    new ShapeError(
      "matmul: inner sizes differ: [100, 784] x [50, 784]. Did you mean matmul(x, w, { transposeB: true })?",
    ),
  ],
  [
    "an inner size that the transposed input would fit",
    () => matmul(zeros([5, 3]), zeros([5, 4])),
    new ShapeError("matmul: inner sizes differ: [5, 3] x [5, 4]. Did you mean matmul(x, w, { transposeA: true })?"),
  ],
  [
    "an inner size that nothing fits",
    () => matmul(zeros([5, 3]), zeros([7, 4]), { transposeB: true }),
    new ShapeError(
      "matmul: inner sizes differ: [5, 3] x [7, 4] with transposeB. The last size of the left must be the first of the right",
    ),
  ],
  [
    "a product of vectors",
    () => matmul(zeros([3]), zeros([3, 4])),
    new ShapeError("matmul: expected matrices, got [3] x [3, 4]. Use .reshape(...) first"),
  ],
  [
    "leading axes that do not broadcast",
    () => matmul(zeros([2, 5, 3]), zeros([4, 3, 6])),
    new ShapeError(
      "matmul: the leading axes [2] and [4] of [2, 5, 3] x [4, 3, 6] do not broadcast. Sizes must be equal or 1, counted from the right",
    ),
  ],
  [
    "a weight the wrong way round",
    () => linear(zeros([8, 3]), zeros([4, 3])),
    new ShapeError(
      "linear: the last size of the input [8, 3] must be the first of the weight [4, 3], which is [nIn, nOut]",
    ),
  ],
  [
    "a bias of another size",
    () => linear(zeros([8, 3]), zeros([3, 4]), zeros([3])),
    new ShapeError("linear: the bias [3] must be [4], one per output of the weight [3, 4]"),
  ],
  [
    "a sequence without time steps",
    () => lstm(zeros([0, 3, 5]), { inputWeight: zeros([5, 8]), hiddenWeight: zeros([2, 8]), bias: zeros([8]) }),
    new ShapeError("lstm: the sequence [0, 3, 5] is empty. It needs at least one time step"),
  ],
  [
    "a sequence that is a matrix",
    () => simpleRnn(zeros([3, 5]), { inputWeight: zeros([5, 2]), hiddenWeight: zeros([2, 2]), bias: zeros([2]) }),
    new ShapeError("simpleRnn: the input must be [time, batch, nIn], got [3, 5]. Use .reshape(...)"),
  ],
  [
    "weights of too few gates",
    () =>
      gru(zeros([4, 3, 5]), {
        inputWeight: zeros([5, 6]),
        hiddenWeight: zeros([2, 8]),
        bias: zeros([6]),
        hiddenBias: zeros([2]),
      }),
    new ShapeError("gru: hiddenWeight [2, 8] must be [2, 6] for the input [4, 3, 5] and 2 hidden units"),
  ],
  [
    "an initial state of another batch",
    () =>
      lstm(
        zeros([4, 3, 5]),
        { inputWeight: zeros([5, 8]), hiddenWeight: zeros([2, 8]), bias: zeros([8]) },
        { h: zeros([3, 2]), c: zeros([2, 2]) },
      ),
    new ShapeError("lstm: the initial state [2, 2] must be [3, 2] for the input [4, 3, 5] and 2 hidden units"),
  ],
  [
    "shapes that do not broadcast",
    () => add(zeros([2, 3]), zeros([2, 4])),
    new ShapeError(
      "add: shapes [2, 3] and [2, 4] do not broadcast: 3 against 4 at axis -1. Sizes must be equal or 1, counted from the right",
    ),
  ],
  [
    "a label outside the classes",
    () => softmaxCrossEntropy(zeros([38, 10]), labels(...half)),
    new RangeError("softmaxCrossEntropy: label 10 at position 37 is outside 0..9"),
  ],
  [
    "a negative label",
    () => accuracy(zeros([2, 10]), labels(3, -1)),
    new RangeError("accuracy: label -1 at position 1 is outside 0..9"),
  ],
  [
    "labels of another length",
    () => softmaxCrossEntropy(zeros([3, 10]), labels(1, 2)),
    new ShapeError("softmaxCrossEntropy: logits [3, 10] need labels [3] of int32, or probabilities [3, 10], got [2]"),
  ],
  [
    "no classes",
    () => softmaxCrossEntropy(zeros([3, 0]), labels(0, 0, 0)),
    new ShapeError("softmaxCrossEntropy: logits [3, 0] have no axis of classes to choose from"),
  ],
  [
    "a reshape that does not fit",
    () => reshape(zeros([2, 3]), [4, -1]),
    new ShapeError("reshape: [2, 3] holds 6 elements, which do not fill [4, -1]"),
  ],
  [
    "two open sizes",
    () => reshape(zeros([2, 3]), [-1, -1]),
    new ShapeError("reshape: [2, 3] holds 6 elements, which do not fill [-1, -1]"),
  ],
  [
    "a rank above 8",
    () => reshape(zeros([1]), Array(9).fill(1)),
    new ShapeError("reshape: rank 9 is above 8: [1, 1, 1, 1, 1, 1, 1, 1, 1]"),
  ],
  [
    "a slice past the end",
    () => slice(zeros([4, 5]), [0, 3], [4, 3]),
    new RangeError("slice: 3..6 at axis 1 is outside 0..5 of [4, 5]"),
  ],
  [
    "a slice that names too few axes",
    () => slice(zeros([4, 5]), [0], [4]),
    new ShapeError("slice: start [0] and size [4] must name every axis of [4, 5]"),
  ],
  [
    "axes that are no permutation",
    () => transpose(zeros([4, 5]), [0, 0]),
    new RangeError("transpose: axes [0, 0] are no permutation of the 2 axes"),
  ],
  [
    "parts that differ elsewhere",
    () => concat([zeros([2, 3]), zeros([3, 3])], 1),
    new ShapeError("concat: [2, 3] and [3, 3] must agree on every axis but 1"),
  ],
  ["nothing to join", () => concat([]), new TypeError("concat: expected a list of tensors, got []")],
  [
    "a target that is too small",
    () => broadcastTo(zeros([2, 3]), [3]),
    new ShapeError("broadcastTo: [2, 3] does not broadcast to [3]"),
  ],
  [
    "a target with a negative size",
    () => broadcastTo(zeros([1]), [-1]),
    new ShapeError("broadcastTo: every size is an integer >= 0, got -1 in [-1]"),
  ],
  ["an axis that is not there", () => sum(zeros([2, 3]), { axis: 2 }), new RangeError("sum: axis 2 is outside -2..1")],
  [
    "an axis of a scalar",
    () => mean(tensor(1), { axis: 0 }),
    new RangeError("mean: axis 0 is outside a scalar, which has no axes"),
  ],
  [
    "an axis named twice",
    () => sum(zeros([2, 3]), { axis: [1, -1] }),
    new RangeError("sum: axis 1 is named twice in [1, -1]"),
  ],
  [
    "a rate that drops all",
    () => dropout([1], 1, key(1)),
    new RangeError('dropout: "rate" expected a number in 0 <= rate < 1, got 1'),
  ],
  [
    "limits the wrong way round",
    () => clip([1], 2, 1),
    new RangeError('clip: "min" 2 must not be above "max" 1. Use -Infinity or Infinity for no limit'),
  ],
  [
    "a slope that is no number",
    () => leakyRelu([1], NaN),
    new RangeError('leakyRelu: "negativeSlope" expected a number that is finite in float32, got NaN'),
  ],
  [
    "a string for a tensor",
    () => add("1" as never, 1),
    new TypeError('add: expected a tensor, a number or an array of numbers, got "1"'),
  ],
];

describe("an op names what is wrong with", () => {
  it.each(cases)("%s", (_, run, error) => {
    expect(run).toThrow(error);
  });
});

describe("a refused op", () => {
  it("leaves the shared runtime ready for the next", () => {
    for (let i = 0; i < 3; i++) {
      expect(() => matmul(zeros([2, 3]), zeros([2, 3]))).toThrow(ShapeError);
      expect(add(1, 1).item()).toBe(2);
    }
  });
});

describe("edges that are no errors", () => {
  it("a product over nothing is 0, and with a bias it is the bias", () => {
    expect(matmul(zeros([2, 0]), zeros([0, 3])).toArray()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    expect(linear(zeros([2, 0]), zeros([0, 3]), [1, 2, -3], { relu: true }).toArray()).toEqual([
      [1, 2, 0],
      [1, 2, 0],
    ]);
  });

  it("one size of a reshape may be open", () => {
    expect(reshape(zeros([2, 6]), [3, -1]).shape).toEqual([3, 4]);
    expect(reshape(zeros([1]), []).shape).toEqual([]);
  });

  it("a rate a hair below 1 drops nearly all instead of nothing", () => {
    const kept = dropout(new Array(1000).fill(1), 1 - 2 ** -40, key(1)).data.filter((v) => v !== 0);
    expect(kept.length).toBe(0);
  });
});
