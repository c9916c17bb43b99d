// What asks for no gradients: loss and metrics of a batch, and a prediction.
import { checkLoss, refusePromise, synchronous } from "../autodiff/grad.js";
import { show } from "../base/errors.js";
import { hostTensor, isTensor, type Tensor } from "../core/tensor.js";
import type { Parts } from "./parts.js";
import { partsOf, readMetrics } from "./returned.js";
import type { StepResult } from "./types.js";

/** What a user's function of a batch gives; where it breaks on no batch at all, that is said. */
export function ofBatch<T>(what: string, batch: unknown, f: () => T): T {
  if (batch !== undefined && batch !== null) return f();
  try {
    return f();
  } catch (cause) {
    // the engine's own words, not a sentence of ours, which begins with its owner
    const own = !(cause instanceof TypeError) || /^[\w.]+: /.test(cause.message);
    if (own || !/undefined|null/.test(cause.message)) throw cause;
    throw new TypeError(
      `${what}: the loss was given ${batch} for a batch (${cause.message}). Pass one: ${what}({ x, y })`,
      { cause },
    );
  }
}

export function evaluate(parts: Parts, batch: unknown): Omit<StepResult, "step"> {
  const { options } = parts;
  return parts.within(parts.evaluating, (params) => {
    const context = parts.context(false);
    const { loss, metrics } = partsOf(ofBatch("evaluate", batch, () => options.loss(params, batch, context)));
    checkLoss(loss, false);
    const own = options.metrics?.(params, batch, context);
    refusePromise(own, synchronous("metrics"));
    return { loss: loss.item(), metrics: { ...readMetrics(metrics), ...readMetrics(own) } };
  });
}

export function predict(parts: Parts, x: unknown): Tensor {
  const { predict } = parts.options;
  if (!predict)
    throw new TypeError(
      "predict: this trainer was made without a predict function; pass { predict: (params, x) => ... }",
    );
  return parts.within(parts.predicting, (params) => {
    const out: unknown = ofBatch("predict", x, () => predict(params, x, parts.context(false)));
    refusePromise(out, synchronous("predict"));
    if (!isTensor(out)) throw new TypeError(`predict returned ${show(out)}; return a tensor`);
    return hostTensor(out.data, out.shape);
  });
}
