// A float64 oracle in plain TypeScript for every op, and the random cases that op is tried on.
// The list of ops drives the tests: an op exported from src/ops without an entry here fails them.
import fc from "fast-check";
import { foldIn, key } from "../../src/core/random.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { dropout } from "../../src/ops/dropout.js";
import { add, div, exp, log, mul, neg, relu, sigmoid, sub, tanh } from "../../src/ops/elementwise.js";
import { broadcastTo, concat, reshape, slice, transpose } from "../../src/ops/layout.js";
import { linear, matmul } from "../../src/ops/matmul.js";
import { max, mean, sum } from "../../src/ops/reduce.js";
import { accuracy, softmax, softmaxCrossEntropy } from "../../src/ops/softmax.js";
import { at, broadcast, build, type Doubles, indices, put, sizeOf } from "./doubles.js";

/** What values an input takes: any, above 0, away from 0, all different, whole numbers 0..labels-1. */
export type Values = "any" | "positive" | "away" | "distinct" | { labels: number };

export interface Case {
  readonly shapes: readonly (readonly number[])[];
  readonly values: readonly Values[];
  readonly apply: (inputs: Tensor[]) => Tensor;
  readonly oracle: (inputs: Doubles[]) => Doubles;
}

export interface Oracle {
  /** A case whose inner loop runs over n elements. */
  readonly line: (n: number) => Case;
  readonly random: fc.Arbitrary<Case>;
  /** |got - want| <= tolerance (1 + |want|); 0: the float nearest to the oracle, bit for bit. */
  readonly tolerance: number;
  readonly differentiable: boolean;
}

const smallShape = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 });

/** Two shapes that broadcast: a common one, of which each side keeps a tail and has some axes 1. */
const broadcasting = smallShape.chain((shape) =>
  fc.tuple(
    ...[0, 1].map(() =>
      fc
        .tuple(fc.integer({ min: 0, max: shape.length }), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
        .map(([lead, ones]) => shape.slice(lead).map((size, d) => (ones[d] ? 1 : size))),
    ),
  ),
);

function unary(apply: (x: Tensor) => Tensor, f: (x: number) => number, tolerance: number, values: Values): Oracle {
  const of = (shape: readonly number[]): Case => ({
    shapes: [shape],
    values: [values],
    apply: ([x]) => apply(x),
    oracle: ([x]) => ({ shape: x.shape, data: x.data.map(f) }),
  });
  return { line: (n) => of([n]), random: smallShape.map(of), tolerance, differentiable: true };
}

function binary(apply: (a: Tensor, b: Tensor) => Tensor, f: (a: number, b: number) => number, b: Values): Oracle {
  const of = (shapes: readonly (readonly number[])[]): Case => ({
    shapes,
    values: ["any", b],
    apply: ([x, y]) => apply(x, y),
    oracle: ([x, y]) => build(broadcast(x.shape, y.shape), (i) => f(at(x, i), at(y, i))),
  });
  return { line: (n) => of([[n], [n]]), random: broadcasting.map(of), tolerance: 0, differentiable: true };
}

type Reduction = (x: Tensor, options: { axis?: number[]; keepDims?: boolean }) => Tensor;

function reduction(apply: Reduction, f: (values: number[]) => number, tolerance: number, values: Values): Oracle {
  const of = (shape: readonly number[], axes: readonly number[] | undefined, keepDims: boolean): Case => ({
    shapes: [shape],
    values: [values],
    apply: ([x]) => apply(x, { ...(axes && { axis: [...axes] }), keepDims }),
    oracle: ([x]) => {
      const all = axes ?? shape.map((_, d) => d);
      const kept = shape.map((size, d) => (all.includes(d) ? 1 : size));
      const groups = new Map<string, number[]>(indices(kept).map((index) => [index.join(), []]));
      for (const index of indices(shape))
        groups.get(index.map((i, d) => (all.includes(d) ? 0 : i)).join())!.push(at(x, index));
      return { shape: keepDims ? kept : kept.filter((_, d) => !all.includes(d)), data: [...groups.values()].map(f) };
    },
  });
  const random = smallShape.chain((shape) =>
    fc
      .tuple(fc.option(fc.subarray(shape.map((_, d) => d))), fc.boolean())
      .map(([axes, keepDims]) => of(shape, axes ?? undefined, keepDims)),
  );
  return { line: (n) => of([2, n + 1, 3], [1], false), random, tolerance, differentiable: true };
}

const total = (values: readonly number[]): number => values.reduce((s, v) => s + v, 0);

const product = (a: Doubles, b: Doubles, ta: boolean, tb: boolean): Doubles => {
  const [m, k] = ta ? [a.shape[1], a.shape[0]] : a.shape;
  const n = tb ? b.shape[0] : b.shape[1];
  return build([m, n], ([i, j]) =>
    total(Array.from({ length: k }, (_, l) => at(a, ta ? [l, i] : [i, l]) * at(b, tb ? [j, l] : [l, j]))),
  );
};

const matmulCase = (m: number, k: number, n: number, transposeA: boolean, transposeB: boolean): Case => ({
  shapes: [transposeA ? [k, m] : [m, k], transposeB ? [n, k] : [k, n]],
  values: ["any", "any"],
  apply: ([a, b]) => matmul(a, b, { transposeA, transposeB }),
  oracle: ([a, b]) => product(a, b, transposeA, transposeB),
});

const linearCase = (lead: readonly number[], k: number, n: number, bias: boolean): Case => ({
  shapes: [[...lead, k], [k, n], ...(bias ? [[n]] : [])],
  values: ["any", "any", "any"],
  apply: ([x, w, b]) => linear(x, w, b),
  oracle: ([x, w, b]) =>
    build([...lead, n], (index) => {
      const j = index[index.length - 1];
      const row = index.slice(0, -1);
      return (b ? b.data[j] : 0) + total(Array.from({ length: k }, (_, l) => at(x, [...row, l]) * at(w, [l, j])));
    }),
});

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

const small = fc.integer({ min: 1, max: 6 });

const moved = (
  apply: (x: Tensor) => Tensor,
  shape: readonly number[],
  out: readonly number[],
  from: (index: number[]) => number[],
): Case => ({
  shapes: [shape],
  values: ["any"],
  apply: ([x]) => apply(x),
  oracle: ([x]) => build(out, (index) => at(x, from(index))),
});

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

const reshapeCase = (shape: readonly number[], out: readonly number[]): Case => ({
  shapes: [shape],
  values: ["any"],
  apply: ([x]) => reshape(x, out),
  oracle: ([x]) => ({ shape: out.map((n) => (n === -1 ? 1 : n)), data: x.data }),
});

// The mask is not derived again here, but read off ones: what dropout adds is the scale and the gradient.
const dropoutCase = (shape: readonly number[], rate: number, seed: number): Case => {
  const drop = (x: Tensor): Tensor => dropout(x, rate, foldIn(key(seed), 3));
  return {
    shapes: [shape],
    values: ["any"],
    apply: ([x]) => drop(x),
    oracle: ([x]) => {
      const mask = drop(tensor(new Float32Array(sizeOf(shape)).fill(1), shape)).data;
      return { shape, data: x.data.map((v, i) => v * (mask[i] === 0 ? 0 : Math.fround(1 / (1 - rate)))) };
    },
  };
};

/** By the name under which src/ops exports the op. */
export const oracles: { readonly [name: string]: Oracle } = {
  expOp: unary(exp, Math.exp, 2e-7, "any"),
  logOp: unary(log, Math.log, 2e-7, "positive"),
  tanhOp: unary(tanh, Math.tanh, 4e-7, "any"),
  sigmoidOp: unary(sigmoid, (x) => 1 / (1 + Math.exp(-x)), 2e-7, "any"),
  reluOp: unary(relu, (x) => Math.max(x, 0), 0, "away"),
  negOp: unary(neg, (x) => -x, 0, "any"),
  addOp: binary(add, (a, b) => a + b, "any"),
  subOp: binary(sub, (a, b) => a - b, "any"),
  mulOp: binary(mul, (a, b) => a * b, "any"),
  divOp: binary(div, (a, b) => a / b, "away"),
  sumOp: reduction(sum, total, 2e-6, "any"),
  meanOp: reduction(mean, (v) => total(v) / v.length, 2e-6, "any"),
  maxOp: reduction(max, (v) => Math.max(...v), 0, "distinct"),
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
  broadcastToOp: {
    line: (n) => broadcastCase([[1], [n]]),
    random: broadcasting.map(broadcastCase),
    tolerance: 0,
    differentiable: true,
  },
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
  accuracyOp: labelledOracle(
    ([x, labels]) => accuracy(x, labels),
    (rows, labels) => rows.filter((row, r) => row.indexOf(Math.max(...row)) === labels[r]).length / rows.length,
    false,
  ),
  matmulOp: {
    line: (n) => matmulCase(3, n, 5, false, n % 2 === 1),
    random: fc
      .tuple(small, small, small, fc.boolean(), fc.boolean())
      .map(([m, k, n, ta, tb]) => matmulCase(m, k, n, ta, tb)),
    tolerance: 1e-5,
    differentiable: true,
  },
  linearOp: {
    line: (n) => linearCase([3], 7, n, n % 2 === 1),
    random: fc
      .tuple(fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }), small, small, fc.boolean())
      .map(([lead, k, n, bias]) => linearCase(lead, k, n, bias)),
    tolerance: 1e-5,
    differentiable: true,
  },
  dropoutOp: {
    line: (n) => dropoutCase([n], 0.5, 1),
    random: fc
      .tuple(smallShape, fc.integer({ min: 0, max: 9 }), fc.nat({ max: 99 }))
      .map(([shape, tenths, seed]) => dropoutCase(shape, tenths / 10, seed)),
    tolerance: 0,
    differentiable: true,
  },
};

/** Inputs of a case: a small generator (mulberry32), so that a failing seed names its numbers. */
export function inputsOf({ shapes, values }: Case, seed: number): Tensor[] {
  let state = seed | 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return shapes.map((shape, which) => {
    const kind = values[which];
    const n = sizeOf(shape);
    if (typeof kind === "object")
      return tensor(
        Int32Array.from({ length: n }, () => Math.floor(uniform() * kind.labels)),
        shape,
      );
    const order = Array.from({ length: n }, (_, i) => i).sort(() => uniform() - 0.5);
    const draw = (i: number): number => {
      if (kind === "positive") return 0.5 + 2 * uniform();
      if (kind === "away") return (uniform() < 0.5 ? -1 : 1) * (0.5 + uniform());
      if (kind === "distinct") return (order[i] - n / 2) / 8;
      return 4 * uniform() - 2;
    };
    return tensor(
      Float32Array.from({ length: n }, (_, i) => draw(i)),
      shape,
    );
  });
}
