// A record: one use of an op on the tape, made once and taken again while a run asks for the same. Its operands and gradients lie
// in one row for whoever walks over all ops alike, and beside that by name, for the op.
import { copyOf } from "../base/options.js";
import { showShape } from "../base/shape.js";
import type { AnyOp, Operands, OpRecord } from "./op.js";
import type { Scope } from "./scope.js";
import type { DataType } from "./tensor.js";
import { Value } from "./value.js";

export type Attributes = unknown;

/** A record as the tape has it: operands and gradients also in one row, for whoever walks over all ops alike. */
export interface TapeRecord<I extends Operands = any> extends OpRecord<I> {
  readonly op: AnyOp;
  /** A copy of what the call was given: its owner may go on to change that. */
  readonly given: Attributes;
  attributes: any;
  /** What the call named, as `execute` takes it: a warm record compares them. */
  readonly a: Value | undefined;
  readonly b: Value | undefined;
  readonly c: Value | undefined;
  readonly many: readonly (Value | undefined)[] | undefined;
  /** Those that are there, in order. */
  readonly operands: readonly Value[];
  /** Top of the arena after this record. */
  readonly end: number;
  gradientOut: number;
  gradientIn: number[];
  /** Where gradientIn[i] is to be added once it is complete; 0 where it was written in place. */
  addInto: number[];
}

/** What belongs to an operand, by its name: a list of them where the operand is a list. */
type Names = { [name: string]: any };

/** The operands that a call gave, by name. Throws TypeError for one that is missing, or of another dtype than declared. */
function nameOperands(op: AnyOp, given: readonly (Value | undefined)[]): Names {
  const named: Names = {};
  let at = 0;
  op.operands.forEach(({ name, dtype, isList, isOptional }, i) => {
    const value = given[i];
    if (value === undefined && !isOptional)
      throw new TypeError(
        `${op.name}: "${name}" expected a tensor, a number or an array of numbers, got undefined. Check the name it is read from`,
      );
    named[name] = isList ? given.slice(i) : value;
    for (let j = i; j < (isList ? given.length : i + 1); j++)
      if (given[j] !== undefined) checkType(op, at++, given[j]!, dtype === "same" ? given[0]!.dtype : dtype);
  });
  return named;
}

function checkType(op: AnyOp, i: number, t: Value, expected: DataType | "any"): void {
  if (expected !== "any" && t.dtype !== expected)
    throw new TypeError(
      `${op.name}: input ${i} ${showShape(t.shape)} is ${t.dtype}, expected ${expected}${expected === "int32" ? '. Make it with tensor(values, { dtype: "int32" })' : ""}`,
    );
}

/** One row of numbers by the names of the operands it belongs to; 0 where an operand is missing. */
export function nameAddresses(named: Names, row: readonly number[], into: Names): void {
  let i = 0;
  for (const name in named) {
    const value = named[name];
    if (Array.isArray(value)) into[name] = row.slice(i, (i += value.length));
    else into[name] = value === undefined ? 0 : row[i++];
  }
}

export function makeRecord(
  scope: Scope,
  op: AnyOp,
  given: Attributes,
  a: Value | undefined,
  b: Value | undefined,
  c: Value | undefined,
  many: readonly (Value | undefined)[] | undefined,
): TapeRecord {
  const row = many ?? [a, b, c];
  const inputs = nameOperands(op, row);
  const operands = row.filter((t) => t !== undefined);
  const copy = op.dynamic ? given : copyOf(given);
  const attributes = op.read ? op.read(copy, inputs) : copy;
  const output = new Value(
    Object.freeze([...op.shape(inputs, attributes)]),
    op.moves ? operands[0].dtype : (op.dtype ?? "float32"),
  );
  const { memory } = scope.runtime;
  output.scope = scope;
  output.origin = op.name;
  output.needsGradient = op.backward !== null && operands.some((t) => t.needsGradient);
  output.pointer = op.view ? operands[0].pointer + op.view(inputs, attributes) * 4 : memory.allocate(output.size * 4);
  const floats = op.workspace?.(inputs, attributes) ?? 0;
  const workspace = floats > 0 ? memory.allocate(floats * 4) : 0;
  const gradientIn = operands.map(() => 0);
  const gradients: Names = {};
  nameAddresses(inputs, gradientIn, gradients);
  return {
    op,
    runtime: scope.runtime,
    kernels: scope.runtime.kernels,
    given: copy,
    attributes,
    a,
    b,
    c,
    many,
    inputs,
    operands,
    output,
    workspace,
    end: memory.top,
    gradientOut: 0,
    gradients,
    gradientIn,
    addInto: operands.map(() => 0),
  };
}

/** Primitive attributes by value, arrays and plain objects by their entries; functions never matter, they are taken anew. */
export function sameAttributes(x: Attributes, y: Attributes): boolean {
  if (Object.is(x, y)) return true;
  if (typeof x === "function") return typeof y === "function";
  if (typeof x !== "object" || typeof y !== "object" || x === null || y === null) return false;
  const p = x as Record<string, unknown>;
  const q = y as Record<string, unknown>;
  let count = 0;
  for (const key in p) {
    if (!sameAttributes(p[key], q[key])) return false;
    count++;
  }
  for (const _ in q) count--;
  return count === 0;
}
