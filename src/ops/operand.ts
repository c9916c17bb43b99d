// What is checked of an operand before its op runs: that there is one, and that an axis is its own.
import { show } from "../base/errors.js";
import { checkAxis } from "../base/shape.js";
import type { TensorLike } from "./define.js";
import { rankOf } from "./reduce/reduce.js";

/** Throws TypeError, in the words of a record, for an operand that is missing. */
export function checkOperand(owner: string, name: string, value: unknown): void {
  if (value === undefined || value === null)
    throw new TypeError(
      `${owner}: "${name}" expected a tensor, a number or an array of numbers, got ${show(value)}. Check the name it is read from`,
    );
}

/** An axis of x, 0..rank-1. */
export function axisOf(owner: string, x: TensorLike, axis: number): number {
  checkOperand(owner, "x", x);
  return checkAxis(owner, axis, rankOf(x));
}
