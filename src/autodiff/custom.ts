// Gradients of one's own (customGrad), gradients for less memory (recompute), and none at all (stopGradient).
import { ShapeError, show } from "../base/errors.js";
import { type Shape, sameShape, showShape } from "../base/shape.js";
import { currentScope, type Scope } from "../core/scope.js";
import { isTensor, type Tensor } from "../core/tensor.js";
import type { Value } from "../core/value.js";
import { defineOp, run, runNamed, type TensorLike } from "../ops/define.js";

export const stopGradientOp = defineOp({
  name: "stopGradient",
  inputs: { x: "any" },
  moves: true,
  shape: ({ x }) => x.shape,
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
  /**
   * Given the gradient by the value, the gradient by every input, in order and of their shapes; anything for an int32 one,
   * which has none.
   */
  readonly backward: (upstream: Tensor) => readonly (Tensor | null | undefined)[];
}

type Backward = { readonly backward: CustomResult["backward"] };

export const customOp = defineOp({
  name: "customGrad",
  inputs: { value: "any", given: "any[]" },
  closures: true,
  shape: ({ value }) => value.shape,
  view: () => 0,
  forward: () => {},
  backward: (r, { backward }: Backward) => {
    const { given } = r.inputs;
    const scope = r.output.scope.inner("customGrad");
    scope.within(r.output.scope.step, () => {
      const gradients = backward(scope.alias(r.output, r.gradientOut));
      if (!Array.isArray(gradients) || gradients.length !== given.length)
        throw new TypeError(
          `customGrad: backward returned ${show(gradients)}; return the gradients of all ${given.length} inputs in an array`,
        );
      gradients.forEach((g, i) => {
        const input = given[i];
        const into = r.gradients.given[i];
        if (input.dtype === "int32") return;
        if (!isTensor(g) || !sameShape(g.shape, input.shape) || g.dtype !== "float32")
          throw new ShapeError(
            `customGrad: backward returned ${isTensor(g) ? `${g.dtype === "int32" ? "int32 of " : ""}shape ${showShape(g.shape)}` : show(g)} for input ${i}, whose shape is ${showShape(input.shape)}`,
          );
        if (into !== 0) r.kernels.copy(input.size, scope.own(g).pointer, into);
      });
    });
  },
});

/**
 * A function with a gradient of its own. It may use constants from outside, but nothing that needs a gradient: that is
 * passed as an argument.
 *
 * Shapes: backward gets the value's shape and returns one gradient of each input's shape.
 * Throws TypeError naming a tensor from outside that needs a gradient; TypeError or ShapeError naming the input where
 * backward returns something else.
 * Example: `customGrad((x) => ({ value: x, backward: (g) => [g.mul(0.1)] }))(x)`
 */
export function customGrad(f: (...inputs: Tensor[]) => CustomResult): (...inputs: Tensor[]) => Tensor {
  if (typeof f !== "function") throw new TypeError(`customGrad: expected a function, got ${show(f)}`);
  return (...inputs) => {
    const scope = currentScope();
    const constants = inputs.map(stopGradient);
    const from = scope?.position ?? 0;
    const result = f(...constants);
    const { value, backward } = result ?? {};
    if (!isTensor(value) || value.dtype !== "float32" || typeof backward !== "function")
      throw new TypeError(
        `customGrad: the function returned ${isTensor(value) && value.dtype !== "float32" ? "an int32 value" : show(result)}; return { value, backward }, a float32 tensor and a function`,
      );
    if (!scope) return value;
    const own = scope.own(value, "customGrad");
    if (own.needsGradient)
      throw new TypeError(
        `customGrad: the function uses ${captured(scope, from, own)} from outside, whose gradient would be lost. Pass it as an argument`,
      );
    return runNamed(customOp, { backward }, { value, given: inputs });
  };
}

/** The first value from outside that needs a gradient, among what was computed since `from`. */
function captured(scope: Scope, from: number, result: Value): string {
  const made = new Set<Value>();
  for (const r of scope.records.slice(from, scope.position)) {
    const found = r.operands.find((t) => t.needsGradient && !made.has(t));
    if (found) return `${found.origin} ${showShape(found.shape)}`;
    made.add(r.output);
  }
  return `${result.origin} ${showShape(result.shape)}`;
}

interface Recomputed {
  readonly shape: Shape;
  readonly f: (...inputs: Tensor[]) => Tensor;
  /** Where the forward run left its result. */
  readonly result: () => number;
  /** The keys that contexts had given out before it. */
  readonly draws: ReadonlyMap<object, number>;
}

export const recomputeOp = defineOp({
  name: "recompute",
  inputs: { given: "any[]" },
  closures: true,
  watched: false,
  shape: (_, { shape }: Recomputed) => shape,
  forward: ({ kernels, output }, { result }) => kernels.copy(output.size, result(), output.pointer),
  backward: (r, { f, draws }) => {
    const scope = r.output.scope.inner("recompute", true);
    const { root } = scope;
    const held = root.draws;
    root.draws = new Map(draws);
    try {
      scope.within(r.output.scope.step, () => {
        const inputs = r.inputs.given.map((t, i) => scope.alias(t, t.pointer, r.gradients.given[i]));
        const out = f(...inputs);
        const leaves = inputs.map((t) => t.value!).filter((t) => t.needsGradient);
        if (scope.own(out).needsGradient) scope.backward(out, leaves, r.gradientOut);
        else for (const t of leaves) r.kernels.fill(t.size, 0, t.gradient);
      });
    } finally {
      root.draws = held;
    }
  },
});

/**
 * f(...inputs), whose inner values are not kept but computed again for the gradient: memory for time.
 * f must be a pure function of its arguments; parameters it uses are passed as arguments too. The bits are those of f;
 * where an argument is also used outside, its gradient inside f is complete before it is added.
 *
 * Shapes: as f; inputs may be int32, the result is float32.
 * Throws TypeError naming a tensor from outside that needs a gradient, an input that is no tensor or a result that is none.
 * Example: `recompute((x, w) => relu(x.matmul(w)), x, params.weight)`. Source: Chen et al. 2016, arXiv 1604.06174
 */
export function recompute(f: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]): Tensor {
  if (typeof f !== "function") throw new TypeError(`recompute: the first argument expected a function, got ${show(f)}`);
  inputs.forEach((t, i) => {
    if (!isTensor(t)) throw new TypeError(`recompute: input ${i} expected a tensor, got ${show(t)}`);
  });
  if (inputs.length === 0) throw new TypeError("recompute: there are no inputs. Pass what the function uses");
  const checked = (...own: Tensor[]): Tensor => {
    const out = f(...own);
    if (!isTensor(out) || out.dtype !== "float32")
      throw new TypeError(
        `recompute: the function returned ${isTensor(out) ? "an int32 tensor" : show(out)}; return one of float32`,
      );
    return out;
  };
  const scope = currentScope();
  if (!scope) return checked(...inputs);
  const own = inputs.map((t) => scope.own(t, "recompute"));
  const inner = scope.inner("recompute", true);
  const draws = new Map(scope.root.draws);
  const out = inner.within(scope.step, () => {
    const found = checked(...own.map((t) => inner.alias(t, t.pointer, t.needsGradient ? 1 : 0)));
    return inner.own(found);
  });
  const { shape, pointer } = out;
  return runNamed(recomputeOp, { shape, f: checked, result: () => pointer, draws }, { given: inputs });
}
