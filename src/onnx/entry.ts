// What an entry of the table of ops is: how it is written, and which attributes and inputs it knows. An op with another one
// is refused: an attribute that is left out would change the values.
import { show } from "../base/errors.js";
import { showShape } from "../base/shape.js";
import type { AnyOp, Named } from "../core/op.js";
import type { TapeRecord } from "../core/record.js";
import type { Dimension, OnnxGraph } from "./graph.js";

/** What an entry is given: the op's record, what its inputs are called in the graph, and the output's sizes. */
export interface OnnxContext<O extends AnyOp = AnyOp> {
  readonly graph: OnnxGraph;
  readonly record: TapeRecord<O["inputs"]>;
  /** In order, those that are there. */
  readonly inputs: readonly string[];
  /** By the names of the operands, but for a list. */
  readonly named: Named<O["inputs"], string>;
  readonly dimensions: readonly Dimension[];
  /** Those of the op's input i. */
  inputDimensions(i: number): readonly Dimension[];
  /** Numbers that may depend on the batch, read from the record of every run. */
  follow(what: string, read: (record: TapeRecord) => readonly number[]): readonly Dimension[];
  /** Throws what the op does with the batch that no model can follow, as an error that names the op. */
  fail(why: string): never;
}

/** Adds the nodes and gives the name of the result. */
export type Write<O extends AnyOp = AnyOp> = (context: OnnxContext<O>) => string;

/** Attributes that an op may have: none, a bare number or a list of them, or some by name. */
export type Reads = "nothing" | "number" | "numbers" | readonly string[];

export interface OnnxEntry {
  readonly write: Write;
  readonly reads: Reads;
  /** Largest number of inputs. */
  readonly most: number;
}

/** An entry for an op of up to `most` inputs; `O` is the op's type, where an entry reads its operands by name. */
export const entry = <O extends AnyOp = AnyOp>(most: number, reads: Reads, write: Write<O>): OnnxEntry => ({
  write,
  reads,
  most,
});

/** Throws TypeError for an op that has attributes or inputs which its entry does not know. */
export function checkKnown({ op: { name }, operands, attributes }: TapeRecord, { reads, most }: OnnxEntry): void {
  const refuse = (what: string): never => {
    throw new TypeError(`toONNX: ${name} with ${what} has no ONNX form here. Export the function without it`);
  };
  const count = operands.length;
  if (count > most) refuse(`${count} inputs (the last is ${showShape(operands[count - 1].shape)}) instead of ${most}`);
  if (reads === "number" || reads === "numbers") {
    const list: unknown = reads === "number" ? [attributes] : attributes;
    if (!Array.isArray(list) || list.some((v) => typeof v !== "number")) refuse(show(attributes));
    return;
  }
  if (attributes === undefined || attributes === null) {
    if (reads !== "nothing") refuse("no attributes");
    return;
  }
  if (typeof attributes !== "object" || Array.isArray(attributes)) refuse(show(attributes));
  // a switch that is off changes nothing
  for (const [key, value] of Object.entries(attributes as object))
    if (value !== undefined && value !== false && (reads === "nothing" || !reads.includes(key)))
      refuse(`"${key}" ${show(value)}`);
}
