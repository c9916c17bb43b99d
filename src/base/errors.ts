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

/** Thrown when training meets a loss, a gradient or an update that is NaN or infinite. `step` is the update that did not happen. */
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

/**
 * Where an object of ours says what it is: a class's own name is lost when it is minified, and `instanceof` fails for an
 * object of a second copy of the library. Registered, so that every copy finds it.
 */
export const KIND = Symbol.for("gradnoise.kind");

/** "tensor", "trainer" and the like for objects of any copy of the library, else undefined. */
export function kindOf(value: unknown): string | undefined {
  return typeof value === "object" && value !== null ? (value as { [KIND]?: string })[KIND] : undefined;
}

const LONGEST = 120; // characters of a foreign text in a message

/**
 * A foreign text (a name in a file, a key) as a terminal may show it: control characters and those that turn the direction
 * of writing are spelt out, and the middle of a long one is left out.
 */
export function printable(text: string): string {
  const shown = JSON.stringify(text.length > 4 * LONGEST ? text.slice(0, 2 * LONGEST) + text.slice(-2 * LONGEST) : text)
    .slice(1, -1)
    .replace(/\\"/g, '"')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return shown.length > LONGEST ? `${shown.slice(0, LONGEST - 20)}...${shown.slice(-17)}` : shown;
}

/** A value as an error message shows it: short, and told apart from other kinds. */
export function show(value: unknown): string {
  if (typeof value === "string") return `"${printable(value).replace(/"/g, '\\"')}"`;
  if (typeof value === "function") return /^class\b/.test(String(value)) ? "a class" : "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return `[${value.slice(0, 8).map(show).join(", ")}${value.length > 8 ? ", ..." : ""}]`;
  if (ArrayBuffer.isView(value)) {
    const { length } = value as Uint8Array;
    return length === undefined ? `a DataView of ${value.byteLength} bytes` : `${article(tagOf(value))} of ${length}`;
  }
  if (typeof value === "object" && value !== null) {
    const kind = kindOf(value);
    if (kind !== undefined) return article(kind);
    if (!isPlain(value)) return article(tagOf(value) === "Object" ? "class instance" : tagOf(value));
    const keys = Object.keys(value);
    return keys.length === 0
      ? "an empty object"
      : `an object { ${keys.slice(0, 6).map(printable).join(", ")}${keys.length > 6 ? ", ..." : ""} }`;
  }
  return String(value);
}

const article = (noun: string): string => `${/^([aeio]|u(?!int))/i.test(noun) ? "an" : "a"} ${noun}`;

/** "Float32Array", "ArrayBuffer", "Promise": what the language calls it, whichever realm it comes from. */
export const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

/** Whether it is an object as `{ ... }` makes it, in this realm (frame, vm context) or another. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || (Object.getPrototypeOf(prototype) === null && tagOf(value) === "Object");
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

/** Throws unless `value` is an integer >= `least`: TypeError for what is no number, RangeError for other numbers. */
export function checkInteger(owner: string, name: string, value: unknown, least = 0): asserts value is number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return;
  const message = `${owner}: "${name}" expected an integer >= ${least}, got ${show(value)}`;
  throw typeof value === "number" ? new RangeError(message) : new TypeError(message);
}

/** Throws TypeError unless `value` is a function; `what` completes "expected ...". */
export function checkFunction(owner: string, name: string, value: unknown, what = "a function"): void {
  if (typeof value !== "function") throw new TypeError(`${owner}: "${name}" expected ${what}, got ${show(value)}`);
}
