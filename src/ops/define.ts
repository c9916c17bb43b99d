// How an op is declared and run: inside a scope on its tape, outside in a scope of its own (copy in, run, copy out).
import { kindOf, show } from "../base/errors.js";
import { defineOp, type Named, type Op, type Operands } from "../core/op.js";
import { currentScope, Scope } from "../core/scope.js";
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

export { defineOp };

/** What an op takes for a tensor: a tensor, a number, nested arrays of numbers or a typed array. */
export type TensorLike = Tensor | NestedNumbers | TypedArray;

const constantOp = defineOp({
  name: "constant",
  inputs: {},
  dynamic: true,
  shape: () => [],
  forward: (r, value: number) => r.kernels.fill(1, value, r.output.pointer),
  backward: null,
});

/** Runs `op` on up to three operands, in their order. Numbers become scalar constants of the scope. */
export function run<A, G>(op: Op<A, G>, given: G, a: TensorLike, b?: TensorLike, c?: TensorLike): Tensor {
  const open = currentScope();
  if (open === undefined) return alone(run, op, given, a, b, c);
  return open.execute(
    op,
    given,
    a instanceof Tensor ? a : toTensor(op.name, a, open),
    b === undefined || b instanceof Tensor ? b : toTensor(op.name, b, open),
    c === undefined || c instanceof Tensor ? c : toTensor(op.name, c, open),
  );
}

/** Runs `op` on operands by name: more than three, or a list of them. */
export function runNamed<A, G, I extends Operands>(op: Op<A, G, I>, given: G, operands: Named<I, TensorLike>): Tensor {
  const open = currentScope();
  if (open === undefined) return alone(runNamed, op, given, operands);
  const { operands: declared } = op;
  const end = declared.length - 1;
  const list = declared[end].isList ? (operands[declared[end].name] as readonly TensorLike[]) : undefined;
  // of its length at once: an array that grows has room for 17
  const many = new Array<Tensor | undefined>(list ? end + list.length : end + 1);
  for (let i = 0; i < many.length; i++) {
    const value = (list && i >= end ? list[i - end] : operands[declared[i].name]) as TensorLike;
    many[i] = value === undefined && i > 0 && (list === undefined || i < end) ? value : toTensor(op.name, value, open);
  }
  return open.execute(op, given, undefined, undefined, undefined, many);
}

/** A call outside of every scope: copy in, run, copy out. Its closure is here, since one in `run` would cost every call. */
function alone(call: (op: any, ...rest: any[]) => Tensor, op: { readonly name: string }, ...rest: unknown[]): Tensor {
  return new Scope(sharedRuntime(), op.name).within(0, () => {
    const t = call(op, ...rest);
    return hostTensor(t.data, t.shape);
  });
}

const LARGEST = 3.4028235677973366e38; // from here on a double becomes Infinity as a float32

function toTensor(owner: string, value: TensorLike | TensorForm, scope: Scope): Tensor {
  if (typeof value === "number") {
    if (Math.abs(value) >= LARGEST && Number.isFinite(value))
      throw new RangeError(`${owner}: the number ${value} does not fit float32`);
    return scope.execute(constantOp, value);
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
