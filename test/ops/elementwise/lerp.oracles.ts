// The oracle of linear interpolation.
import { lerp } from "../../../src/ops/elementwise/lerp.js";
import { type Case, type Oracles, smallShape } from "../case.js";

const lerpCase = (shape: readonly number[]): Case => ({
  shapes: [shape, shape, shape],
  values: ["any", "any", "any"],
  apply: ([a, b, t]) => lerp(a, b, t),
  oracle: ([a, b, t]) => ({ shape, data: a.data.map((v, i) => v + t.data[i] * (b.data[i] - v)) }),
});

export const lerpOracles: Oracles = {
  lerpOp: { line: (n) => lerpCase([n]), random: smallShape.map(lerpCase), tolerance: 1e-6, differentiable: true },
};
