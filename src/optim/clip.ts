// Clipping of the gradient: by element, by parameter, or as a whole.
import { checkNumber } from "../base/errors.js";
import { eachUpdate, type GradientTransform, scaleUpdates } from "./transform.js";

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
      if (norm > maxNorm) scaleUpdates(block, Math.fround(maxNorm / norm));
    },
  };
}

/**
 * Scales the updates of every parameter on its own to a Euclidean norm of at most `maxNorm`; shorter ones pass unchanged.
 * Under a mask the norm is that of the part of the parameter that the mask names.
 *
 * Throws RangeError unless maxNorm > 0. Example: `chain(clipByNorm(1), sgd(0.1))`
 * Source: Pascanu, Mikolov & Bengio 2013, algorithm 1, parameter by parameter; tf.clip_by_norm.
 */
export function clipByNorm(maxNorm: number): GradientTransform {
  checkNumber("clipByNorm", "maxNorm", maxNorm, "> 0", (v) => v > 0);
  return {
    description: `clipByNorm(${maxNorm})`,
    init: () => ({}),
    update(block) {
      const squares = block.segmentSquares();
      block.eachPiece((offset, length, segment) => {
        const norm = Math.sqrt(squares[segment]);
        if (norm > maxNorm)
          block.runtime.kernels.scale(length, Math.fround(maxNorm / norm), block.updatesPointer + offset * 4);
      });
    },
  };
}

/**
 * Every element of the updates is brought into -limit..limit.
 *
 * Throws RangeError unless limit > 0. Example: `chain(clipByValue(10), sgd(0.1))`
 * Source: Graves 2013, section 2.1; torch.nn.utils.clip_grad_value_.
 */
export function clipByValue(limit: number): GradientTransform {
  checkNumber("clipByValue", "limit", limit, "> 0", (v) => v > 0);
  return {
    description: `clipByValue(${limit})`,
    init: () => ({}),
    update(block) {
      eachUpdate(block, (length, pointer) => block.runtime.kernels.clampUpdates(length, limit, pointer));
    },
  };
}
