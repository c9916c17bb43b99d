// Oracles of the ops that pick by index.
import fc from "fast-check";
import { gather, oneHot, scatterAdd, takeAlongAxis } from "../../../src/ops/layout/gather.js";
import { type Case, type Oracles, small, smallShape } from "../case.js";
import { at, build, indices as everyIndex, put } from "../doubles.js";

const filled = fc.array(small, { minLength: 1, maxLength: 3 });

const gatherCase = (shape: readonly number[], axis: number, picked: readonly number[]): Case => ({
  shapes: [shape, picked],
  values: ["any", { labels: shape[axis] }],
  apply: ([x, indices]) => gather(x, indices, axis),
  oracle: ([x, indices]) =>
    build([...shape.slice(0, axis), ...picked, ...shape.slice(axis + 1)], (index) => {
      const j = at(indices, index.slice(axis, axis + picked.length));
      return at(x, [...index.slice(0, axis), j, ...index.slice(axis + picked.length)]);
    }),
});

const scatterCase = (shape: readonly number[], picked: readonly number[]): Case => ({
  shapes: [shape, picked, [...picked, ...shape.slice(1)]],
  values: ["any", { labels: shape[0] }, "any"],
  apply: ([x, indices, updates]) => scatterAdd(x, indices, updates),
  oracle: ([x, indices, updates]) =>
    build(shape, ([row, ...rest]) =>
      everyIndex(picked).reduce(
        // the sum of floats in the order of the indices
        (sum, j) => (at(indices, j) === row ? Math.fround(sum + at(updates, [...j, ...rest])) : sum),
        at(x, [row, ...rest]),
      ),
    ),
});

const alongCase = (shape: readonly number[], axis: number, count: number): Case => {
  const picked = put(shape, axis, count);
  return {
    shapes: [shape, picked],
    values: ["any", { labels: shape[axis] }],
    apply: ([x, indices]) => takeAlongAxis(x, indices, axis),
    oracle: ([x, indices]) => build(picked, (index) => at(x, put(index, axis, at(indices, index)))),
  };
};

const oneHotCase = (shape: readonly number[], classes: number): Case => ({
  shapes: [shape],
  values: [{ labels: classes }],
  apply: ([indices]) => oneHot(indices, classes),
  oracle: ([indices]) =>
    build([...shape, classes], (index) => (at(indices, index.slice(0, -1)) === index[shape.length] ? 1 : 0)),
});

const onAnAxis = fc.tuple(filled, fc.nat()).map(([shape, n]) => [shape, n % shape.length] as const);

export const gatherOracles: Oracles = {
  gatherOp: {
    line: (n) => gatherCase([5, n], 0, [7]),
    random: fc
      .tuple(onAnAxis, fc.array(small, { maxLength: 2 }))
      .map(([[shape, axis], picked]) => gatherCase(shape, axis, picked)),
    tolerance: 0,
    differentiable: true,
  },
  scatterAddOp: {
    line: (n) => scatterCase([5, n], [7]),
    random: fc.tuple(filled, fc.array(small, { maxLength: 2 })).map(([shape, picked]) => scatterCase(shape, picked)),
    tolerance: 0,
    differentiable: true,
  },
  takeAlongAxisOp: {
    line: (n) => alongCase([n + 1, 3], 0, n),
    random: fc.tuple(onAnAxis, small).map(([[shape, axis], count]) => alongCase(shape, axis, count)),
    tolerance: 0,
    differentiable: true,
  },
  oneHotOp: {
    line: (n) => oneHotCase([3], n + 1),
    random: fc.tuple(smallShape, small).map(([shape, classes]) => oneHotCase(shape, classes)),
    tolerance: 0,
    differentiable: false,
  },
};
