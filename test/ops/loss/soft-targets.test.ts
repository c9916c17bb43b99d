// Cross-entropy with smoothed labels, class weights and probabilities, put together as PyTorch does: its cross_entropy is
// (1 - e) nll + e / classes smooth, each reduced on its own (aten/src/ATen/native/LossNLL.cpp), here in doubles.
import { describe, expect, it } from "vitest";
import { checkGrad, grad } from "../../../src/autodiff/grad.js";
import { ShapeError } from "../../../src/base/errors.js";
import { key, normal } from "../../../src/core/random.js";
import { type Tensor, tensor, zeros } from "../../../src/core/tensor.js";
import { oneHot } from "../../../src/ops/layout/gather.js";
import { accuracy, type CrossEntropyOptions, softmaxCrossEntropy } from "../../../src/ops/loss/softmax.js";

const [rows, classes] = [5, 4];
const logits = normal(key(7), [rows, classes]);
const labels = [3, 0, 2, 2, 1];
const classWeights = [0.5, 2, 1, 0.25];
const mask = [1, 0, 2, 1, 0.5];
const t = normal(key(8), [rows, classes]).data.map(Math.abs);
const targets = tensor(t as Float32Array, [rows, classes]);

const total = (values: number[]): number => values.reduce((s, v) => s + v, 0);
const logSoftmax = Array.from({ length: rows }, (_, r) => {
  const row = Array.from(logits.data.slice(r * classes, (r + 1) * classes));
  const log = Math.log(total(row.map(Math.exp)));
  return row.map((v) => v - log);
});

type Form = { smoothing: number; weights: number[]; mask: number[] };

/** The losses of the rows, and what their mean divides by. */
function ofLabels({ smoothing, weights, mask }: Form): [number[], number] {
  const nll = labels.map((y, r) => -weights[y] * logSoftmax[r][y]);
  const smooth = logSoftmax.map((row) => -total(row.map((v, c) => v * weights[c])));
  const losses = nll.map((v, r) => mask[r] * ((1 - smoothing) * v + (smoothing / classes) * smooth[r]));
  return [losses, total(labels.map((y, r) => weights[y] * mask[r]))];
}

function ofTargets({ smoothing, weights, mask }: Form): [number[], number] {
  const losses = logSoftmax.map((row, r) => {
    const terms = row.map((v, c) => -v * weights[c] * (t[r * classes + c] * (1 - smoothing) + smoothing / classes));
    return mask[r] * total(terms);
  });
  return [losses, total(mask)];
}

const ones = (n: number): number[] => Array(n).fill(1);
const forms: [string, CrossEntropyOptions, Form][] = [];
for (const smoothing of [0, 0.1, 1])
  for (const weighed of [false, true])
    for (const masked of [false, true])
      forms.push([
        `smoothing ${smoothing}${weighed ? ", class weights" : ""}${masked ? ", a mask" : ""}`,
        { labelSmoothing: smoothing, ...(weighed && { classWeights }), ...(masked && { mask }) },
        { smoothing, weights: weighed ? classWeights : ones(classes), mask: masked ? mask : ones(rows) },
      ]);

describe.each([
  ["class numbers", labels, ofLabels],
  ["probabilities", targets, ofTargets],
] as const)("softmaxCrossEntropy of %s", (_, y, f) => {
  it.each(forms)("with %s gives every row, their sum and their mean", (_, options, form) => {
    const [losses, divisor] = f(form);
    const got = (reduction?: "sum" | "none"): Tensor => softmaxCrossEntropy(logits, y, { ...options, reduction });
    losses.forEach((v, r) => {
      expect(got("none").data[r]).toBeCloseTo(v, 5);
    });
    expect(got("sum").item()).toBeCloseTo(total(losses), 5);
    expect(got().item()).toBeCloseTo(total(losses) / divisor, 5);
  });

  it.each(forms)("with %s has the gradients of central differences, by the mask too", (_, options) => {
    for (const reduction of ["mean", "sum"] as const)
      checkGrad(
        ({ x, m }: { x: Tensor; m: Tensor }) =>
          softmaxCrossEntropy(x, y, { ...options, reduction, ...(options.mask !== undefined && { mask: m }) }),
        { x: logits, m: tensor([1, 0.5, 2, 1, 0.5]) },
        { tolerance: 0.02 },
      );
  });
});

describe("soft targets", () => {
  it("that are one-hot give the loss of the class numbers", () => {
    const hard = softmaxCrossEntropy(logits, labels).item();
    expect(softmaxCrossEntropy(logits, oneHot(labels, classes)).item()).toBeCloseTo(hard, 6);
    expect(softmaxCrossEntropy(logits, oneHot(labels, classes).toArray()).item()).toBeCloseTo(hard, 6);
  });

  it("are data, as the class weights are: no gradient flows into them", () => {
    const by = grad(({ y, w }: { y: Tensor; w: Tensor }) => softmaxCrossEntropy(logits, y, { classWeights: w }));
    const { y, w } = by({ y: targets, w: tensor(classWeights) });
    expect([...y.data, ...w.data]).toEqual(Array(rows * classes + classes).fill(0));
  });

  it("of 0 pass over a class that is impossible", () => {
    expect(softmaxCrossEntropy([[0, 0, -Infinity]], [[0.5, 0.5, 0]]).item()).toBeCloseTo(Math.LN2, 6);
  });

  it("are passed over where the mask is 0, whatever stands there", () => {
    const spoilt = t.slice() as Float32Array;
    spoilt.fill(Number.NaN, 4, 8);
    const options = { mask, classWeights, labelSmoothing: 0.2 };
    const loss = (y: Tensor): number => softmaxCrossEntropy(logits, y, options).item();
    expect(loss(tensor(spoilt, [rows, classes]))).toBe(loss(targets));
    const hard = softmaxCrossEntropy(logits, labels, options).item();
    expect(softmaxCrossEntropy(logits, [3, -100, 2, 2, 1], options).item()).toBe(hard);
  });

  it("leave the plain loss as it was, to the bit, where an option says nothing", () => {
    const plain = softmaxCrossEntropy(logits, labels).item();
    for (const options of [{}, { labelSmoothing: 0 }, { reduction: "mean" as const }, { mask: undefined }])
      expect(softmaxCrossEntropy(logits, labels, options).item()).toBe(plain);
  });
});

describe("accuracy", () => {
  const x = [
    [1, 2, 0],
    [3, 1, 2],
    [0, 1, 5],
    [2, 2, 1],
  ];

  it("counts what the mask leaves in, by its weights", () => {
    expect(accuracy(x, [1, 0, 0, 0]).item()).toBe(0.75);
    expect(accuracy(x, [1, 0, 0, 1], { mask: [1, 1, 0, 0] }).item()).toBe(1);
    expect(accuracy(x, [1, -1, 0, 0], { mask: [3, 0, 0.5, 0.5] }).item()).toBe(Math.fround(3.5 / 4));
    expect(accuracy(x, [0, 0, 0, 0], { mask: [0, 0, 0, 0] }).item()).toBe(Number.NaN);
  });

  it("takes no row with NaN for right, wherever the NaN is", () => {
    for (const row of [
      [Number.NaN, 1, 2],
      [5, Number.NaN, 1],
      [5, 1, Number.NaN],
    ])
      for (const label of [0, 1, 2]) expect(accuracy([row], [label]).item()).toBe(0);
  });

  it("takes labels in every form that numbers come in", () => {
    for (const labels of [
      [1, 0, 2, 0],
      Int32Array.of(1, 0, 2, 0),
      Uint8Array.of(1, 0, 2, 0),
      Float64Array.of(1, 0, 2, 0),
    ])
      expect(accuracy(x, labels).item()).toBe(1);
    expect(softmaxCrossEntropy(x, Uint8Array.of(1, 0, 2, 0)).item()).toBe(softmaxCrossEntropy(x, [1, 0, 2, 0]).item());
  });
});

describe("labels and options that are wrong", () => {
  const floats = tensor([1, 2, 0, 0, 1]);
  const hot = tensor(Int32Array.from(oneHot(labels, classes).data), [rows, classes]);
  const loose = softmaxCrossEntropy as (...args: unknown[]) => Tensor;

  it.each([
    [
      "float32 class numbers",
      () => softmaxCrossEntropy(logits, floats),
      new TypeError(
        'softmaxCrossEntropy: labels [5] are float32, expected int32 class numbers. Use cast(labels, "int32"), or tensor(values, { dtype: "int32" })',
      ),
    ],
    [
      "int32 one-hot rows",
      () => softmaxCrossEntropy(logits, hot),
      new ShapeError(
        'softmaxCrossEntropy: labels [5, 4] are int32 and as large as the logits: one-hot? argMax(labels) gives the class numbers, cast(labels, "float32") probabilities',
      ),
    ],
    [
      "one-hot rows for an accuracy",
      () => accuracy(logits, targets),
      new TypeError(
        "accuracy: labels [5, 4] are one-hot or probabilities, expected int32 class numbers. argMax(labels) gives the class numbers",
      ),
    ],
    [
      "float32 class numbers for an accuracy",
      () => accuracy(logits, floats),
      new TypeError(
        'accuracy: labels [5] are float32, expected int32 class numbers. Use cast(labels, "int32"), or tensor(values, { dtype: "int32" })',
      ),
    ],
    [
      "a label with a fraction",
      () => softmaxCrossEntropy(logits, [0, 1.5, 2, 3, 0]),
      new TypeError("softmaxCrossEntropy: label 1.5 at position 1 is no class number: labels are whole numbers from 0"),
    ],
    [
      "labels of words",
      () => accuracy(logits, ["a", "b"] as never),
      new TypeError('accuracy: label "a" at position 0 is no class number: labels are whole numbers from 0'),
    ],
    [
      "labels that are no array",
      () => accuracy(logits, { a: 1 } as never),
      new TypeError(
        'accuracy: labels expected an int32 tensor or an array of whole numbers, got an object { a }. Make it with tensor(values, { dtype: "int32" })',
      ),
    ],
    [
      "no labels",
      () => (accuracy as (...args: unknown[]) => Tensor)(logits),
      new TypeError(
        'accuracy: "labels" expected a tensor, a number or an array of numbers, got undefined. Check the name it is read from',
      ),
    ],
    [
      "a negative target",
      () => softmaxCrossEntropy([[1, 2]], [[1.5, -0.5]]),
      new RangeError("softmaxCrossEntropy: target -0.5 at position 1 is no probability, which is >= 0"),
    ],
    [
      "a negative class weight",
      () => softmaxCrossEntropy(logits, labels, { classWeights: [1, 1, -2, 1] }),
      new RangeError('softmaxCrossEntropy: "classWeights" expected numbers >= 0, got -2 for class 2'),
    ],
    [
      "class weights for other classes",
      () => softmaxCrossEntropy(logits, labels, { classWeights: [1, 1] }),
      new ShapeError("softmaxCrossEntropy: classWeights [2] must be [4], one per class of the logits [5, 4]"),
    ],
    [
      "a smoothing above 1",
      () => softmaxCrossEntropy(logits, labels, { labelSmoothing: 1.5 }),
      new RangeError('softmaxCrossEntropy: "labelSmoothing" expected a number in 0..1, got 1.5'),
    ],
    [
      "a label outside, smoothed",
      () => softmaxCrossEntropy(logits, [0, 4, 0, 0, 0], { labelSmoothing: 0.1 }),
      new RangeError("softmaxCrossEntropy: label 4 at position 1 is outside 0..3"),
    ],
    [
      "a reduction by position",
      () => loose(logits, labels, "sum"),
      new TypeError(
        'softmaxCrossEntropy: expected options { reduction, mask, labelSmoothing, classWeights }, got "sum". Write { reduction: "sum" }',
      ),
    ],
    [
      "another library's name",
      () => loose(logits, labels, { weight: [1, 1, 1, 1] }),
      new TypeError(
        'softmaxCrossEntropy: there is no option "weight". Did you mean "classWeights"? There are: reduction, mask, labelSmoothing, classWeights',
      ),
    ],
    [
      "a mask of columns",
      () => accuracy(logits, labels, { mask: zeros([5, 1]) }),
      new ShapeError("accuracy: the mask [5, 1] must have the shape [5] of the labels"),
    ],
  ] as [string, () => unknown, Error][])("%s: the sentence shows the way", (_, run, error) => {
    expect(run).toThrow(error);
  });
});
