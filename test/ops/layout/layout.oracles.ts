// Oracles of the ops that move elements.
import fc from "fast-check";
import { broadcastTo, concat, reshape, reverse, slice, transpose } from "../../../src/ops/layout/layout.js";
import { broadcasting, type Case, moved, type Oracles, small, smallShape, total } from "../case.js";
import { at, broadcast, build, put } from "../doubles.js";

const transposeCase = (shape: readonly number[], axes: readonly number[]): Case =>
  moved(
    (x) => transpose(x, axes),
    shape,
    axes.map((axis) => shape[axis]),
    (index) => shape.map((_, d) => index[axes.indexOf(d)]),
  );

const sliceCase = (shape: readonly number[], start: readonly number[], size: readonly number[]): Case =>
  moved(
    (x) => slice(x, start, size),
    shape,
    size,
    (index) => index.map((i, d) => i + start[d]),
  );

/** A shape with a block of it; where `leading` is set, only the first axis is cut. */
const block = (leading: boolean): fc.Arbitrary<Case> =>
  fc.array(fc.tuple(small, fc.nat(), fc.nat()), { minLength: 1, maxLength: 4 }).map((axes) => {
    const shape = axes.map(([size]) => size);
    const start = axes.map(([size, a], d) => (leading && d > 0 ? 0 : a % size));
    const size = axes.map(([n, , b], d) => (leading && d > 0 ? n : 1 + (b % (n - start[d]))));
    return sliceCase(shape, start, size);
  });

const concatCase = (shape: readonly number[], axis: number, sizes: readonly number[]): Case => ({
  shapes: sizes.map((size) => shape.map((n, d) => (d === axis ? size : n))),
  values: sizes.map(() => "any"),
  apply: (inputs) => concat(inputs, axis),
  oracle: (inputs) =>
    build(
      shape.map((n, d) => (d === axis ? total(sizes) : n)),
      (index) => {
        let i = index[axis];
        let which = 0;
        while (i >= sizes[which]) i -= sizes[which++];
        return at(inputs[which], put(index, axis, i));
      },
    ),
});

const broadcastCase = ([from, to]: readonly (readonly number[])[]): Case => {
  const out = broadcast(from, to);
  return moved(
    (x) => broadcastTo(x, out),
    from,
    out,
    (index) => index,
  );
};

const reverseCase = (shape: readonly number[], axis: number): Case =>
  moved(
    (x) => reverse(x, axis),
    shape,
    shape,
    (index) => index.map((i, d) => (d === axis ? shape[d] - 1 - i : i)),
  );

const reshapeCase = (shape: readonly number[], out: readonly number[]): Case => ({
  shapes: [shape],
  values: ["any"],
  apply: ([x]) => reshape(x, out),
  oracle: ([x]) => ({ shape: out.map((n) => (n === -1 ? 1 : n)), data: x.data }),
});

export const layoutOracles: Oracles = {
  reshapeOp: {
    line: (n) => reshapeCase([n], [1, n, 1]),
    random: smallShape.chain((shape) =>
      fc.shuffledSubarray(shape, { minLength: shape.length }).map((out) => reshapeCase(shape, out)),
    ),
    tolerance: 0,
    differentiable: true,
  },
  transposeOp: {
    line: (n) => transposeCase([n, 5], [1, 0]),
    random: smallShape.chain((shape) =>
      fc
        .shuffledSubarray(
          shape.map((_, d) => d),
          { minLength: shape.length },
        )
        .map((axes) => transposeCase(shape, axes)),
    ),
    tolerance: 0,
    differentiable: true,
  },
  sliceOp: {
    line: (n) => sliceCase([3, n + 2], [1, 1], [2, n]),
    random: block(false),
    tolerance: 0,
    differentiable: true,
  },
  sliceViewOp: {
    line: (n) => sliceCase([n + 3, 1], [2, 0], [n, 1]),
    random: block(true),
    tolerance: 0,
    differentiable: true,
  },
  concatOp: {
    line: (n) => concatCase([3, 1], 1, [n, 2, n]),
    random: fc
      .tuple(fc.array(small, { minLength: 1, maxLength: 4 }), fc.nat(), fc.array(small, { minLength: 1, maxLength: 4 }))
      .map(([shape, axis, sizes]) => concatCase(shape, axis % shape.length, sizes)),
    tolerance: 0,
    differentiable: true,
  },
  reverseOp: {
    line: (n) => (n % 2 === 0 ? reverseCase([n], 0) : reverseCase([3, n], 0)),
    random: fc
      .tuple(fc.array(small, { minLength: 1, maxLength: 4 }), fc.nat())
      .map(([shape, axis]) => reverseCase(shape, axis % shape.length)),
    tolerance: 0,
    differentiable: true,
  },
  broadcastToOp: {
    line: (n) => broadcastCase([[1], [n]]),
    random: broadcasting.map(broadcastCase),
    tolerance: 0,
    differentiable: true,
  },
};
