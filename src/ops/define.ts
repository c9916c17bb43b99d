// How an op is declared and run: inside a scope on its tape, outside in a scope of its own (copy in, run, copy out).

import { show } from "../base/errors.js";
import { currentScope, Scope } from "../core/scope.js";
import type { Op } from "../core/tape.js";
import { hostTensor, type NestedNumbers, Tensor, tensor } from "../core/tensor.js";
import { sharedRuntime } from "../wasm/runtime.js";

/** What an op takes for a tensor: a tensor, a number or nested arrays of numbers. */
export type TensorLike = Tensor | NestedNumbers;

/** Declares an op: shape rule, forward and backward side by side. The type makes a missing rule an error. */
export function defineOp<A = undefined>(op: Op<A>): Op<A> {
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

/** Runs `op`. Numbers become scalar constants of the scope. */
export function run<A>(
  op: Op<A>,
  attributes: A,
  a: TensorLike,
  b?: TensorLike,
  c?: TensorLike,
  rest?: readonly TensorLike[],
): Tensor {
  const open = currentScope();
  if (open) {
    return open.execute(
      op,
      attributes,
      a instanceof Tensor ? a : toTensor(op.name, a, open),
      b === undefined || b instanceof Tensor ? b : toTensor(op.name, b, open),
      c === undefined || c instanceof Tensor ? c : toTensor(op.name, c, open),
      rest?.map((t) => (t instanceof Tensor ? t : toTensor(op.name, t, open))),
    );
  }
  const scope = new Scope(sharedRuntime(), op.name);
  scope.begin(0);
  try {
    const t = run(op, attributes, a, b, c, rest);
    return hostTensor(t.data, t.shape);
  } finally {
    scope.end();
  }
}

function toTensor(owner: string, value: TensorLike, scope: Scope): Tensor {
  if (typeof value === "number") return scope.execute(constantOp, value, nothing);
  if (value instanceof Tensor) return value;
  if (Array.isArray(value)) return tensor(value);
  throw new TypeError(`${owner}: expected a tensor, a number or an array of numbers, got ${show(value)}`);
}
