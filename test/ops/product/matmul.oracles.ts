// Oracles of the matrix products.
import fc from "fast-check";
import { linear, matmul } from "../../../src/ops/product/matmul.js";
import { broadcasting, type Case, type Oracles, small, total } from "../case.js";
import { at, broadcast, build } from "../doubles.js";

const swapped = (shape: readonly number[], swap: boolean): number[] => {
  const [rows, columns] = shape.slice(-2);
  return [...shape.slice(0, -2), ...(swap ? [columns, rows] : [rows, columns])];
};

/** a [.., m, k] and b [.., k, n], each held transposed where it says so. */
const matmulCase = (a: readonly number[], b: readonly number[], transposeA: boolean, transposeB: boolean): Case => ({
  shapes: [swapped(a, transposeA), swapped(b, transposeB)],
  values: ["any", "any"],
  apply: ([x, y]) => matmul(x, y, { transposeA, transposeB }),
  oracle: ([x, y]) => {
    const [m, k, n] = [a[a.length - 2], a[a.length - 1], b[b.length - 1]];
    return build([...broadcast(a.slice(0, -2), b.slice(0, -2)), m, n], (index) => {
      const [i, j] = index.slice(-2);
      const lead = index.slice(0, -2);
      const term = (l: number): number =>
        at(x, [...lead, ...swapped([i, l], transposeA)]) * at(y, [...lead, ...swapped([l, j], transposeB)]);
      return total(Array.from({ length: k }, (_, l) => term(l)));
    });
  },
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

export const matmulOracles: Oracles = {
  matmulOp: {
    line: (n) =>
      n % 3 === 2 ? matmulCase([2, n, 3], [3, 2], false, false) : matmulCase([3, n], [n, 5], false, n % 2 === 1),
    random: fc
      .tuple(broadcasting, small, small, small, fc.boolean(), fc.boolean())
      .map(([[a, b], m, k, n, ta, tb]) => matmulCase([...a.slice(-2), m, k], [...b.slice(-2), k, n], ta, tb)),
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
};
