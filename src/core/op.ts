// What an op is: its operands by name, its shape rule, its forward and its backward, and what others have to know of it.
// A record is one use of an op; an op reads its operands and writes its gradients there by name.
import type { Shape } from "../base/shape.js";
import type { Kernels } from "../wasm/kernels.js";
import type { Runtime } from "../wasm/runtime.js";
import type { DataType } from "./tensor.js";
import type { Value } from "./value.js";

type Elements = DataType | "any" | "same";

/** The dtype of an operand, "same" as the first one's; with "?" it may be missing, with "[]" it is a list, the last one of all. */
export type Operand = Elements | `${Elements}?` | `${Elements}[]`;

/** What an op computes with, in order. */
export type Operands = { readonly [name: string]: Operand };

/** The operands of one call: values, or what they are made of. */
export type Named<I extends Operands, T = Value> = {
  readonly [N in keyof I]: I[N] extends `${string}[]` ? readonly T[] : I[N] extends `${string}?` ? T | undefined : T;
};

/** Where the gradients go; 0 where none is wanted. */
export type Addresses<I extends Operands> = {
  readonly [N in keyof I]: I[N] extends `${string}[]` ? readonly number[] : number;
};

/** What an op's forward and backward see of a record. */
export interface OpRecord<I extends Operands = any> {
  readonly runtime: Runtime;
  readonly kernels: Kernels;
  readonly inputs: Named<I>;
  readonly output: Value;
  readonly workspace: number;
  readonly gradientOut: number;
  readonly gradients: Addresses<I>;
}

/** `A`: its attributes. `G`: what a call gives for them. `I`: its operands. `N`: its name. */
export interface OpDefinition<A = undefined, G = A, I extends Operands = any, N extends string = string> {
  readonly name: N;
  readonly inputs: I;
  /** Of the output; float32 where it is unnamed and the op does not move. */
  readonly dtype?: DataType;
  /** It only moves elements: the output has the dtype of the first operand, and no number that was not there before. */
  readonly moves?: boolean;
  /** The attributes never change a shape, an address or a workspace: a warm record takes new ones. */
  readonly dynamic?: boolean;
  /** The attributes hold functions, which never matter to a warm record: it takes new ones. */
  readonly closures?: boolean;
  /** What it computes is for the state of the next step: a loss that returns none has lost it. */
  readonly makesState?: boolean;
  /** false: what it computes was looked at inside, or is no number; a debugged step does not look again. */
  readonly watched?: boolean;
  /** Operands meet in another way than position by position, whatever the shapes. */
  readonly mixes?: boolean;
  /** How it is kept from giving NaN or Infinity: a sentence. */
  readonly guard?: string;
  /**
   * What a call was given (options, an axis) as attributes: checked, complete. It runs where a record is made, a warm one
   * compares what it was given. Without it the two are one.
   */
  read?(given: G, inputs: Named<I>): A;
  /** The output's shape. Throws ShapeError naming op and shapes. */
  shape(inputs: Named<I>, attributes: A): Shape;
  /** Floats kept from forward to backward. */
  workspace?(inputs: Named<I>, attributes: A): number;
  /** Offset in floats into the first operand when the output is a view of it. */
  view?(inputs: Named<I>, attributes: A): number;
  forward(record: OpRecord<I>, attributes: A): void;
  /** Reads `gradientOut` (and may overwrite it), writes the gradients whose address is not 0. null: no gradient. */
  readonly backward: ((record: OpRecord<I>, attributes: A) => void) | null;
}

/** One of an op's operands. A list may be empty. */
interface Declared {
  readonly name: string;
  readonly dtype: Elements;
  readonly isList: boolean;
  readonly isOptional: boolean;
}

/** An op as `defineOp` has made it. */
export interface Op<A = undefined, G = A, I extends Operands = any, N extends string = string>
  extends OpDefinition<A, G, I, N> {
  readonly operands: readonly Declared[];
}

export type AnyOp = Op<any, any>;

/**
 * Declares an op: shape rule, forward, backward and facts side by side. The type makes a missing rule an error. All have one
 * form inside the engine, whichever fields they name: a step reads a field of every op that it meets.
 */
/* @__NO_SIDE_EFFECTS__ */
export function defineOp<const N extends string, I extends Operands, A = undefined, G = A>(
  op: OpDefinition<A, G, I, N>,
): Op<A, G, I, N> {
  const { name, inputs, dtype, moves, dynamic, closures, makesState, watched, mixes, guard } = op;
  const { read, shape, workspace, view, forward, backward } = op;
  const operands = Object.entries(inputs).map(([name, kind]) => ({
    name,
    dtype: kind.replace(/\W+$/, "") as Elements,
    isList: kind.endsWith("[]"),
    isOptional: /\W$/.test(kind),
  }));
  const facts = { name, inputs, operands, dtype, moves, dynamic, closures, makesState, watched, mixes, guard };
  return { ...facts, read, shape, workspace, view, forward, backward };
}
