// Oracles of softmax, its cross-entropy, and accuracy.
import fc from "fast-check";
import { tensor } from "../../../src/core/tensor.js";
import { run } from "../../../src/ops/define.js";
import { labelWeightsOp } from "../../../src/ops/loss/soft-targets.js";
import { accuracy, softmax, softmaxCrossEntropy } from "../../../src/ops/loss/softmax.js";
import { type Case, type Oracle, type Oracles, small, total } from "../case.js";
import { at, build, type Doubles, put } from "../doubles.js";

const softmaxOf = (row: readonly number[]): number[] => {
  const top = Math.max(...row);
  const e = row.map((v) => Math.exp(v - top));
  return e.map((v) => v / total(e));
};

const softmaxCase = (shape: readonly number[], axis: number): Case => ({
  shapes: [shape],
  values: ["any"],
  apply: ([x]) => softmax(x, axis),
  oracle: ([x]) =>
    build(shape, (index) => {
      const along = Array.from({ length: shape[axis] }, (_, i) => at(x, put(index, axis, i)));
      return softmaxOf(along)[index[axis]];
    }),
});

const rowsOf = (x: Doubles): number[][] => {
  const n = x.shape[x.shape.length - 1];
  return Array.from({ length: x.data.length / n }, (_, r) => x.data.slice(r * n, (r + 1) * n));
};

const labelled = (apply: Case["apply"], f: (rows: number[][], labels: readonly number[]) => number) => ({
  of: (lead: readonly number[], classes: number): Case => ({
    shapes: [[...lead, classes], lead],
    values: ["distinct", { labels: classes }],
    apply,
    oracle: ([x, labels]) => ({ shape: [], data: [f(rowsOf(x), labels.data)] }),
  }),
});

function labelledOracle(apply: Case["apply"], f: Parameters<typeof labelled>[1], differentiable: boolean): Oracle {
  const { of } = labelled(apply, f);
  const random = fc
    .tuple(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }), fc.integer({ min: 1, max: 9 }))
    .map(([lead, classes]) => of(lead, classes));
  return { line: (n) => of([3], n + 1), random, tolerance: 2e-6, differentiable };
}

const rowsCase = (lead: readonly number[], classes: number, masked: boolean): Case => ({
  shapes: [[...lead, classes], lead, ...(masked ? [lead] : [])],
  values: ["any", { labels: classes }, "away"],
  apply: ([x, labels, mask]) => softmaxCrossEntropy(x, labels, { reduction: "none", mask }),
  oracle: ([x, labels, mask]) => ({
    shape: lead,
    data: rowsOf(x).map((row, r) => -Math.log(softmaxOf(row)[labels.data[r]]) * (mask?.data[r] ?? 1)),
  }),
});

const rowsOracle: Oracle = {
  line: (n) => (n % 2 ? rowsCase([n], 3, true) : rowsCase([3], n + 1, n % 4 === 0)),
  random: fc
    .tuple(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }), fc.integer({ min: 1, max: 9 }), fc.boolean())
    .map(([lead, classes, masked]) => rowsCase(lead, classes, masked)),
  tolerance: 2e-6,
  differentiable: true,
};

/** Of class numbers or probabilities, with all that a soft target may have. */
const softCase = (lead: readonly number[], classes: number, kind: number): Case => {
  const [whole, masked, weighed, smoothing] = [kind % 2 === 0, kind % 3 === 0, kind % 5 < 3, ((kind % 4) + 1) / 5];
  const probabilities = build([...lead, classes], (index) => (total(index) % 3) / 4);
  const weights = Array.from({ length: classes }, (_, c) => (c + 1) / 4);
  const rows = lead.reduce((n, size) => n * size, 1);
  const labels = Array.from({ length: rows }, (_, r) => (r * 5) % classes);
  const target = whole
    ? tensor(Int32Array.from(labels), lead)
    : tensor(Float32Array.from(probabilities.data), probabilities.shape);
  return {
    shapes: [[...lead, classes], ...(masked ? [lead] : [])],
    values: ["any", "away"],
    apply: ([x, mask]) =>
      softmaxCrossEntropy(x, target, {
        reduction: "none",
        labelSmoothing: smoothing,
        ...(masked && { mask }),
        ...(weighed && { classWeights: weights }),
      }),
    oracle: ([x, mask]) => ({
      shape: lead,
      data: rowsOf(x).map((row, r) => {
        const loss = softmaxOf(row).map((p, c) => {
          const t = whole ? Number(c === labels[r]) : probabilities.data[r * classes + c];
          return -((1 - smoothing) * t + smoothing / classes) * (weighed ? weights[c] : 1) * Math.log(p);
        });
        return total(loss) * (mask?.data[r] ?? 1);
      }),
    }),
  };
};

const softOracle: Oracle = {
  line: (n) => (n % 2 ? softCase([n], 3, n) : softCase([3], n + 1, n)),
  random: fc
    .tuple(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }), fc.integer({ min: 1, max: 9 }), fc.nat(60))
    .map(([lead, classes, kind]) => softCase(lead, classes, kind)),
  tolerance: 2e-6,
  differentiable: true,
};

const weightsCase = (n: number): Case => ({
  shapes: [[n], [n]],
  values: [{ labels: 3 }, "away"],
  apply: ([labels, mask]) => run(labelWeightsOp, undefined, labels, [0.25, 2, 3], mask),
  oracle: ([labels, mask]) => ({ shape: [n], data: labels.data.map((l, i) => [0.25, 2, 3][l] * mask.data[i]) }),
});

export const softmaxOracles: Oracles = {
  softmaxOp: {
    line: (n) => softmaxCase([3, n + 1], 1),
    random: fc
      .tuple(fc.array(small, { minLength: 1, maxLength: 3 }), fc.nat())
      .map(([shape, axis]) => softmaxCase(shape, axis % shape.length)),
    tolerance: 1e-6,
    differentiable: true,
  },
  softmaxCrossEntropyOp: labelledOracle(
    ([x, labels]) => softmaxCrossEntropy(x, labels),
    (rows, labels) => total(rows.map((row, r) => -Math.log(softmaxOf(row)[labels[r]]))) / rows.length,
    true,
  ),
  softmaxCrossEntropyRowsOp: rowsOracle,
  softCrossEntropyOp: softOracle,
  labelWeightsOp: {
    line: weightsCase,
    random: fc.nat(30).map(weightsCase),
    tolerance: 0,
    differentiable: false,
  },
  accuracyOp: labelledOracle(
    ([x, labels]) => accuracy(x, labels),
    (rows, labels) => rows.filter((row, r) => row.indexOf(Math.max(...row)) === labels[r]).length / rows.length,
    false,
  ),
};
