// Oracles of the matrix products.
import fc from "fast-check";
import { linear, matmul } from "../../../src/ops/matmul.js";
import { at, build, type Doubles } from "../doubles.js";
import { type Case, type Oracles, small, total } from "./case.js";

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

export const matmulOracles: Oracles = {
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
};
