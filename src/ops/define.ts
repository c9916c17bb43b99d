// How an op is declared and run: inside a scope on its tape, outside in a scope of its own (copy in, run, copy out).
import { kindOf, show } from "../base/errors.js";
import { currentScope, Scope } from "../core/scope.js";
import type { Op } from "../core/tape.js";
import {
  hostTensor,
  isTensorForm,
  type NestedNumbers,
  revive,
  Tensor,
  type TensorForm,
  type TypedArray,
  tensor,
} from "../core/tensor.js";
import { sharedRuntime } from "../wasm/runtime.js";

/** What an op takes for a tensor: a tensor, a number, nested arrays of numbers or a typed array. */
export type TensorLike = Tensor | NestedNumbers | TypedArray;

/** Declares an op: shape rule, forward and backward side by side. The type makes a missing rule an error. */
export function defineOp<A = undefined, G = A>(op: Op<A, G>): Op<A, G> {
  return op;
}

const constantOp = defineOp<number>({
  name: "constant",
  dynamic: true,
  shape: () => [],
  forward: (r) => r.kernels.fill(1, r.attributes, r.output.pointer),
  backward: null,
});

// An op needs an input: constants hang on one empty tensor.
const nothing = hostTensor(new Float32Array(0), [0]);

/** Runs `op` on what a call was given. Numbers become scalar constants of the scope. */
export function run<A, G = A>(
  op: Op<A, G>,
  given: G,
  a: TensorLike,
  b?: TensorLike,
  c?: TensorLike,
  rest?: readonly TensorLike[],
): Tensor {
  const open = currentScope();
  if (open) {
    return open.execute(
      op,
      given,
      a instanceof Tensor ? a : toTensor(op.name, a, open),
      b === undefined || b instanceof Tensor ? b : toTensor(op.name, b, open),
      c === undefined || c instanceof Tensor ? c : toTensor(op.name, c, open),
      rest?.map((t) => (t instanceof Tensor ? t : toTensor(op.name, t, open))),
    );
  }
  return new Scope(sharedRuntime(), op.name).within(0, () => {
    const t = run(op, given, a, b, c, rest);
    return hostTensor(t.data, t.shape);
  });
}

const LARGEST = 3.4028235677973366e38; // from here on a double becomes Infinity as a float32

function toTensor(owner: string, value: TensorLike | TensorForm, scope: Scope): Tensor {
  if (typeof value === "number") {
    if (Math.abs(value) >= LARGEST && Number.isFinite(value))
      throw new RangeError(`${owner}: the number ${value} does not fit float32`);
    return scope.execute(constantOp, value, nothing);
  }
  return tensorOf(owner, value);
}

/** A tensor of what an op takes for one. Throws TypeError naming the op for anything else. */
export function tensorOf(owner: string, value: TensorLike | TensorForm): Tensor {
  if (value instanceof Tensor) return value;
  if (typeof value === "number" || Array.isArray(value) || ArrayBuffer.isView(value)) return tensor(value);
  if (isTensorForm(value)) return revive(value) as Tensor;
  throw new TypeError(
    kindOf(value) === "tensor"
      ? `${owner}: got a tensor of another copy of gradnoise. Load one copy, or pass tensor(t.data, t.shape)`
      : `${owner}: expected a tensor, a number or an array of numbers, got ${show(value)}`,
  );
}
