// Looking through what an optimizer keeps: the states of transforms inside transforms.
import { Slot } from "../core/parameter-block.js";
import { AccumulateState } from "./accumulate.js";
import type { TransformState } from "./transform.js";

/** Calls `visit` for every object and list of a state, the outer ones first. Slots are no such objects. */
export function eachState(node: unknown, visit: (node: object) => void): void {
  if (typeof node !== "object" || node === null || node instanceof Slot || ArrayBuffer.isView(node)) return;
  visit(node);
  for (const child of Object.values(node)) eachState(child, visit);
}

/** Whether an optimizer keeps anything from step to step: a slot or a number. @internal */
export function keepsState(state: TransformState): boolean {
  let keeps = false;
  eachState(state, (node) => {
    keeps ||= Object.values(node).some((child) => child instanceof Slot || typeof child === "number");
  });
  return keeps;
}

/** Whether `accumulate` keeps something in it. @internal */
export function gathersBatches(state: TransformState): boolean {
  let gathers = false;
  eachState(state, (node) => {
    gathers ||= node instanceof AccumulateState;
  });
  return gathers;
}

/** Micro-batches that `accumulate` has gathered and no update has used yet, wherever it stands in the optimizer. @internal */
export function pendingMicroBatches(state: unknown): number {
  if (typeof state !== "object" || state === null || state instanceof Slot || ArrayBuffer.isView(state)) return 0;
  const inside = Math.max(0, ...Object.values(state).map(pendingMicroBatches));
  return state instanceof AccumulateState ? state.pending(inside) : inside;
}
