// Oracles of pooling.
import fc from "fast-check";
import type { Tensor } from "../../../src/core/tensor.js";
import { avgPool2d, maxPool2d, type PoolOptions } from "../../../src/ops/image/pool.js";
import { type Case, type Oracle, type Oracles, total, type Values } from "../case.js";
import { at, build } from "../doubles.js";

type Pool = (x: Tensor, size: [number, number], options: PoolOptions) => Tensor;
type Two = [number, number];

/** `f` of a window's values, of which those in the padding are undefined. */
type Reduce = (window: (number | undefined)[]) => number;

const poolCase = (
  pool: Pool,
  f: Reduce,
  values: Values,
  shape: readonly number[],
  size: Two,
  stride: Two,
  padding: Two,
): Case => ({
  shapes: [shape],
  values: [values],
  apply: ([x]) => pool(x, size, { stride, padding }),
  oracle: ([x]) => {
    const out = [1, 2].map((d) => Math.floor((shape[d] + 2 * padding[d - 1] - size[d - 1]) / stride[d - 1]) + 1);
    return build([shape[0], ...out, shape[3]], ([b, i, j, c]) => {
      const window: (number | undefined)[] = [];
      for (let r = 0; r < size[0]; r++)
        for (let s = 0; s < size[1]; s++) {
          const [y, z] = [i * stride[0] - padding[0] + r, j * stride[1] - padding[1] + s];
          const inside = y >= 0 && z >= 0 && y < shape[1] && z < shape[2];
          window.push(inside ? at(x, [b, y, z, c]) : undefined);
        }
      return f(window);
    });
  },
});

const axis = fc
  .record({ size: fc.integer({ min: 1, max: 3 }), more: fc.nat({ max: 4 }), stride: fc.integer({ min: 1, max: 3 }) })
  .chain(({ size, more, stride }) =>
    fc
      .nat({ max: Math.floor(size / 2) })
      .map((padding) => ({ n: Math.max(1, size - 2 * padding) + more, size, stride, padding })),
  );

const poolOracle = (pool: Pool, f: Reduce, values: Values, tolerance: number): Oracle => ({
  line: (n) => poolCase(pool, f, values, [1, 2, 3, n], [2, 2], [1, 2], [0, 1]),
  random: fc
    .tuple(fc.integer({ min: 1, max: 2 }), axis, axis, fc.integer({ min: 1, max: 6 }))
    .map(([batch, y, x, channels]) =>
      poolCase(
        pool,
        f,
        values,
        [batch, y.n, x.n, channels],
        [y.size, x.size],
        [y.stride, x.stride],
        [y.padding, x.padding],
      ),
    ),
  tolerance,
  differentiable: true,
});

export const poolOracles: Oracles = {
  maxPool2dOp: poolOracle(maxPool2d, (w) => Math.max(...w.map((v) => v ?? Number.NEGATIVE_INFINITY)), "distinct", 0),
  avgPool2dOp: poolOracle(avgPool2d, (w) => total(w.map((v) => v ?? 0)) / w.length, "any", 1e-6),
};
