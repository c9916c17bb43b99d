// Clipping of the gradient.
import { checkNumber } from "../base/errors.js";
import type { GradientTransform } from "./transform.js";

/**
 * Scales the updates so that their joint Euclidean norm is at most `maxNorm`; shorter ones pass unchanged.
 *
 * Throws RangeError unless maxNorm > 0. Example: `clipByGlobalNorm(10)`
 * Source: Pascanu, Mikolov & Bengio 2013, algorithm 1.
 */
export function clipByGlobalNorm(maxNorm: number): GradientTransform {
  checkNumber("clipByGlobalNorm", "maxNorm", maxNorm, "> 0", (v) => v > 0);
  return {
    description: `clipByGlobalNorm(${maxNorm})`,
    init: () => ({}),
    update(block) {
      const norm = block.norm();
      if (!(norm > maxNorm)) return;
      const factor = Math.fround(maxNorm / norm);
      block.each((offset, length) => block.runtime.kernels.scale(length, factor, block.updatesPointer + offset * 4));
    },
  };
}
