// Gradient transforms: an optimizer is a chain of passes over one flat block, and order is what the user writes.
// A transform rewrites the updates in place; they start as the gradients and end as what is added to the parameters.
import { show } from "../base/errors.js";
import type { ParameterBlock } from "../core/parameter-block.js";

/** What a transform keeps from step to step: slots, numbers, and states of transforms inside it. */
export type TransformState = { [name: string]: unknown };

/** What a transform is told at an update. */
export interface UpdateContext {
  /** Optimizer updates so far: 0 at the first. */
  readonly t: number;
  /** The metrics that the loss returned at this step; of the last micro-batch under `accumulate`. */
  readonly metrics?: { readonly [name: string]: number };
}

/** A pass over the updates of a parameter block, in place: an optimizer, a clipping, a noise, or one of your own. */
export interface GradientTransform {
  /** What it is, with its settings; a checkpoint holds it and refuses another. */
  readonly description: string;
  /** It reads what will be added to the parameters, so `chain` lets nothing stand behind it. */
  readonly last?: boolean;
  init(block: ParameterBlock): TransformState;
  /** Rewrites the updates within the block's ranges. Returning false says: no update this time. */
  // biome-ignore lint/suspicious/noConfusingVoidType: one that is written without a type returns void, not undefined
  update(block: ParameterBlock, state: TransformState, context: UpdateContext): undefined | false | void;
}

/** Throws TypeError for anything that is no gradient transform. */
export function checkTransform(owner: string, what: string, value: GradientTransform): void {
  if (typeof value?.update !== "function" || typeof value.init !== "function")
    throw new TypeError(`${owner}: ${what} expected a gradient transform, got ${show(value)}`);
}

/** A function of the update count t; its description, where it has one, is what a checkpoint compares. */
export interface ScheduleFunction {
  (t: number): number;
  readonly description?: string;
}

/** A number, or a function of the update count t. */
export type Schedule = number | ScheduleFunction;

/** The schedule's value at t. Throws RangeError naming owner, name and t where it is not finite. */
export function valueAt(owner: string, name: string, schedule: Schedule, t: number): number {
  const value = typeof schedule === "function" ? schedule(t) : schedule;
  if (typeof value !== "number" || !Number.isFinite(value))
    throw new RangeError(`${owner}: "${name}" at t = ${t} expected a finite number, got ${show(value)}`);
  return value;
}

/** A schedule as a description shows it: in full, but for a function of the user's own. */
export const describe = (schedule: Schedule): string =>
  typeof schedule === "function" ? (schedule.description ?? "schedule") : String(schedule);

/** Calls `pass(length, pointer)` for every run of the updates. */
export function eachUpdate(block: ParameterBlock, pass: (length: number, pointer: number) => void): void {
  block.each((offset, length) => pass(length, block.updatesPointer + offset * 4));
}

/** Multiplies the updates. */
export function scaleUpdates(block: ParameterBlock, factor: number): void {
  eachUpdate(block, (length, pointer) => block.runtime.kernels.scale(length, factor, pointer));
}

/**
 * Transforms one after another, in the order they are written.
 *
 * Throws TypeError for anything that is no transform, and where something stands behind an average of the parameters.
 * Example: `chain(clipByGlobalNorm(10), addNoise({ eta: 0.01, seed: 1 }), sgd(0.1))`
 */
export function chain(...transforms: readonly GradientTransform[]): GradientTransform {
  transforms.forEach((transform, i) => {
    checkTransform("chain", `argument ${i}`, transform);
    if (transform.last && i < transforms.length - 1)
      throw new TypeError(
        `chain: ${transforms[i + 1].description} stands behind ${transform.description}, which averages the parameters that the finished updates make. Put that last`,
      );
  });
  return inSequence(`chain(${transforms.map((transform) => transform.description).join(", ")})`, transforms);
}

/** The transforms one after another, whatever they are; the first that makes no update ends it. */
export function inSequence(description: string, transforms: readonly GradientTransform[]): GradientTransform {
  return {
    description,
    last: transforms.some(({ last }) => last),
    init: (block) => ({ parts: transforms.map((transform) => transform.init(block)) }),
    update(block, state, context) {
      const parts = state.parts as TransformState[];
      for (let i = 0; i < transforms.length; i++) {
        if (transforms[i].update(block, parts[i], context) === false) return false;
        block.changed(); // it may have written through a view that it held
      }
    },
  };
}
