// Gradients of one's own (customGrad), gradients for less memory (recompute), and none at all (stopGradient).
import { ShapeError, show } from "../base/errors.js";
import { type Shape, sameShape, showShape } from "../base/shape.js";
import { currentScope } from "../core/scope.js";
import { isTensor, type Tensor } from "../core/tensor.js";
import { defineOp, run, type TensorLike } from "../ops/define.js";

export const stopGradientOp = defineOp({
  name: "stopGradient",
  moves: true,
  shape: ([x]) => x.shape,
  view: () => 0,
  forward: () => {},
  backward: null,
});

/**
 * The same values, as a constant: no gradient flows through.
 * Shapes: unchanged. Throws TypeError for anything that is no tensor, number or array. Example: `stopGradient(x)`
 */
export const stopGradient = (x: TensorLike): Tensor => run(stopGradientOp, undefined, x);

/** What a function with a gradient of its own returns: the value, and its gradients by every input. */
export interface CustomResult {
  readonly value: Tensor;
  /** Given the gradient by the value, the gradient by every input, in order and of their shapes. */
  readonly backward: (upstream: Tensor) => readonly Tensor[];
}

type Backward = { readonly backward: CustomResult["backward"] };

const customOp = defineOp<Backward>({
  name: "customGrad",
  shape: ([value]) => value.shape,
  view: () => 0,
  forward: () => {},
  backward: (r) => {
    const scope = r.output.scope!.inner("customGrad");
    scope.begin(r.output.scope!.step);
    try {
      const gradients = r.attributes.backward(scope.alias(r.output, r.gradientOut));
      const count = r.inputs.length - 1;
      if (!Array.isArray(gradients) || gradients.length !== count)
        throw new TypeError(
          `customGrad: backward returned ${show(gradients)}; return the gradients of all ${count} inputs in an array`,
        );
      gradients.forEach((g, i) => {
        const input = r.inputs[i + 1];
        if (!isTensor(g) || !sameShape(g.shape, input.shape))
          throw new ShapeError(
            `customGrad: backward returned ${isTensor(g) ? `shape ${showShape(g.shape)}` : show(g)} for input ${i}, whose shape is ${showShape(input.shape)}`,
          );
        if (r.gradientIn[i + 1] !== 0) r.kernels.copy(g.size, scope.own(g).pointer, r.gradientIn[i + 1]);
      });
    } finally {
      scope.end();
    }
  },
});

/**
 * A function with a gradient of its own.
 *
 * Shapes: backward gets the value's shape and returns one gradient of each input's shape.
 * Throws TypeError or ShapeError naming the input where it returns something else.
 * Example: `customGrad((x) => ({ value: x, backward: (g) => [g.mul(0.1)] }))(x)`
 */
export function customGrad(f: (...inputs: Tensor[]) => CustomResult): (...inputs: Tensor[]) => Tensor {
  return (...inputs) => {
    const scope = currentScope();
    const { value, backward } = f(...inputs.map(stopGradient));
    if (!scope) return value;
    return run(customOp, { backward }, value, undefined, undefined, inputs);
  };
}

interface Recomputed {
  readonly shape: Shape;
  readonly f: (...inputs: Tensor[]) => Tensor;
  /** Where the forward run left its result. */
  readonly result: () => number;
}

const recomputeOp = defineOp<Recomputed>({
  name: "recompute",
  shape: (_, { shape }) => shape,
  forward: (r) => r.kernels.copy(r.output.size, r.attributes.result(), r.output.pointer),
  backward: (r) => {
    const scope = r.output.scope!.inner("recompute", true);
    scope.begin(r.output.scope!.step);
    try {
      const inputs = r.inputs.map((t, i) => scope.alias(t, t.pointer, r.gradientIn[i]));
      const out = r.attributes.f(...inputs);
      if (!out.needsGradient) {
        inputs.forEach((t) => {
          if (t.gradient !== 0) r.kernels.fill(t.size, 0, t.gradient);
        });
        return;
      }
      scope.backward(
        out,
        inputs.filter((t) => t.needsGradient),
        r.gradientOut,
      );
    } finally {
      scope.end();
    }
  },
});

/**
 * f(...inputs), whose inner values are not kept but computed again for the gradient: memory for time.
 * f must be a pure function of its arguments; parameters it uses are passed as arguments too. The bits are those of f;
 * where an argument is also used outside, its gradient inside f is complete before it is added.
 *
 * Shapes: as f. Throws TypeError naming a tensor from outside that needs a gradient, or an input that is no tensor.
 * Example: `recompute((x, w) => relu(x.matmul(w)), x, params.weight)`. Source: Chen et al. 2016, arXiv 1604.06174
 */
export function recompute(f: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]): Tensor {
  inputs.forEach((t, i) => {
    if (!isTensor(t)) throw new TypeError(`recompute: input ${i} expected a tensor, got ${show(t)}`);
  });
  const scope = currentScope();
  if (!scope) return f(...inputs);
  const own = inputs.map((t) => scope.own(t));
  const inner = scope.inner("recompute", true);
  let result = 0;
  let shape: Shape = [];
  inner.begin(scope.step);
  try {
    const out = inner.own(f(...own.map((t) => inner.alias(t, t.pointer, t.needsGradient ? 1 : 0))));
    result = out.pointer;
    shape = out.shape;
  } finally {
    inner.end();
  }
  return run(recomputeOp, { shape, f, result: () => result }, own[0], undefined, undefined, own.slice(1));
}
