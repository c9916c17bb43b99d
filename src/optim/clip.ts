// Clipping of the gradient: by element, by parameter, or as a whole.
import type { ParameterBlock } from "../core/parameter-block.js";
import { checkFirst, checkFloat, checkNoMore } from "./settings.js";
import { type GradientTransform, scaleUpdates } from "./transform.js";

function clip(
  owner: string,
  name: string,
  limit: number,
  rest: readonly never[],
  update: (block: ParameterBlock) => void,
): GradientTransform {
  checkFirst(owner, name, limit);
  checkFloat(owner, name, limit, "> 0", (v) => v > 0);
  checkNoMore(owner, rest, "The norm is the Euclidean one");
  return { description: `${owner}(${limit})`, kind: "pass", init: () => ({}), update };
}

/**
 * Scales the updates so that their joint Euclidean norm is at most `maxNorm`; shorter ones pass unchanged.
 *
 * Throws RangeError unless maxNorm > 0. Example: `clipByGlobalNorm(10)`
 * Source: Pascanu, Mikolov & Bengio 2013, algorithm 1.
 */
export function clipByGlobalNorm(maxNorm: number, ...rest: readonly never[]): GradientTransform {
  return clip("clipByGlobalNorm", "maxNorm", maxNorm, rest, (block) => {
    const norm = block.norm();
    if (norm > maxNorm) scaleUpdates(block, Math.fround(maxNorm / norm));
  });
}

/**
 * Scales the updates of every parameter on its own to a Euclidean norm of at most `maxNorm`; shorter ones pass unchanged.
 * Under a mask the norm is that of the part of the parameter that the mask names.
 *
 * Throws RangeError unless maxNorm > 0. Example: `chain(clipByNorm(1), sgd(0.1))`
 * Source: Pascanu, Mikolov & Bengio 2013, algorithm 1, parameter by parameter; tf.clip_by_norm.
 */
export function clipByNorm(maxNorm: number, ...rest: readonly never[]): GradientTransform {
  return clip("clipByNorm", "maxNorm", maxNorm, rest, (block) => {
    const { kernels } = block.runtime;
    const squares = block.segmentSquares();
    block.passSegments((_, length, updates, segment) => {
      const norm = Math.sqrt(squares[segment]);
      if (norm > maxNorm) kernels.scale(length, Math.fround(maxNorm / norm), updates);
    });
  });
}

/**
 * Every element of the updates is brought into -limit..limit.
 *
 * Throws RangeError unless limit > 0. Example: `chain(clipByValue(10), sgd(0.1))`
 * Source: Graves 2013, section 2.1; torch.nn.utils.clip_grad_value_.
 */
export function clipByValue(limit: number, ...rest: readonly never[]): GradientTransform {
  return clip("clipByValue", "limit", limit, rest, (block) => {
    const { kernels } = block.runtime;
    block.pass((_, length, updates) => kernels.clampUpdates(length, limit, updates));
  });
}
