// What a trainer tells of itself: the norms of every leaf, and why a step came to nothing.
import { DivergenceError } from "../base/errors.js";
import type { TrainerState } from "../files/checkpoint.js";
import type { Parts } from "./parts.js";
import type { LeafReport } from "./types.js";

export function inspect({ block, runtime, gradientSquares, updated }: Parts): LeafReport[] {
  const norm = (pointer: number, offset: number, length: number): number =>
    Math.sqrt(runtime.kernels.sumSquaresWide(length, pointer + offset * 4));
  return block.segments.map(({ path, shape, offset, length }, i) => ({
    path,
    shape,
    weight: norm(block.valuesPointer, offset, length),
    gradient: Math.sqrt(gradientSquares[i]),
    update: updated ? norm(block.updatesPointer, offset, length) : 0,
  }));
}

/** Throws DivergenceError. `culprit` is the value of the batch that made it so, where one did. */
export function diverged(
  { step, lastFiniteLoss: before }: TrainerState,
  what: string,
  culprit = "",
  hint = "Lower the learning rate or the noise, or put clipByGlobalNorm(10) first in the chain",
  lastFiniteLoss = before,
): never {
  const last = Number.isNaN(lastFiniteLoss) ? "there was no finite loss" : `the last finite loss was ${lastFiniteLoss}`;
  throw new DivergenceError(
    `step ${step}: ${what}${culprit && `: ${culprit}`}; ${last}. ${culprit ? "Replace that value, or leave out its example" : hint}`,
    step,
    lastFiniteLoss,
  );
}
