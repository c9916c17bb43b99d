// The library's own error classes, and the one sentence form they all share:
// "<op>: <what is wrong>, <the values>. <the way out>".

/** Thrown where sizes do not fit together. The message names the op and both shapes. */
export class ShapeError extends Error {
  override name = "ShapeError";
}

/** Thrown when a tensor is touched after the scope that made it has ended. The message names the op and the step. */
export class StaleTensorError extends Error {
  override name = "StaleTensorError";
}

/** Thrown when a checkpoint does not belong to the trainer that reads it. The message names the difference. */
export class CheckpointError extends Error {
  override name = "CheckpointError";
}

/** Thrown when a data file or an array of examples is not what it says it is. The message names file, position and value. */
export class DataError extends Error {
  override name = "DataError";
}

/** Thrown when training meets a loss or gradient that is NaN or infinite. `step` is the update that did not happen. */
export class DivergenceError extends Error {
  override name = "DivergenceError";
  constructor(
    message: string,
    /** Zero-based step that was refused; parameters are those before it. */
    readonly step: number,
    /** Last finite loss, or NaN when there was none. */
    readonly lastFiniteLoss: number,
  ) {
    super(message);
  }
}

/** A value as an error message shows it: short, and told apart from other kinds. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return `[${value.slice(0, 8).map(show).join(", ")}${value.length > 8 ? ", ..." : ""}]`;
  if (ArrayBuffer.isView(value))
    return `a ${value.constructor.name} of ${(value as Uint8Array).length ?? value.byteLength}`;
  if (typeof value === "object" && value !== null) return `a ${value.constructor?.name ?? "object"}`;
  return String(value);
}

/** Throws unless `value` is a finite number for which `holds`; `rule` completes "expected a number ...". */
export function checkNumber(
  owner: string,
  name: string,
  value: unknown,
  rule: string,
  holds: (n: number) => boolean,
): asserts value is number {
  if (typeof value !== "number")
    throw new TypeError(`${owner}: "${name}" expected a number ${rule}, got ${show(value)}`);
  if (!Number.isFinite(value) || !holds(value))
    throw new RangeError(`${owner}: "${name}" expected a number ${rule}, got ${show(value)}`);
}

/** Throws unless `value` is an integer >= `least`. */
export function checkInteger(owner: string, name: string, value: unknown, least = 0): asserts value is number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least)
    throw new RangeError(`${owner}: "${name}" expected an integer >= ${least}, got ${show(value)}`);
}
