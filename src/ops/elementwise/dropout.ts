// Dropout: the mask is a pure function of the key and the element, so a step that is run again drops the same units.
import { checkNumber, show } from "../../base/errors.js";
import { type Key, STREAM } from "../../core/random.js";
import type { Tensor } from "../../core/tensor.js";
import { defineOp, run, type TensorLike } from "../define.js";

export const dropoutOp = defineOp({
  name: "dropout",
  inputs: { x: "float32" },
  dynamic: true,
  shape: ({ x }) => x.shape,
  workspace: ({ x }) => x.size,
  forward: (r, { key, rate }: { key: Key; rate: number }) => {
    const { x } = r.inputs;
    const n = x.size;
    r.kernels.fillWords(n, key.low, key.high, 0, STREAM.dropout, 0, r.workspace);
    r.kernels.dropout(
      n,
      x.pointer,
      Math.min(Math.round(rate * 2 ** 32), 2 ** 32 - 1),
      1 / (1 - rate),
      r.workspace,
      r.output.pointer,
    );
  },
  backward: (r) => r.kernels.mulKernel(r.output.size, r.gradientOut, 1, r.workspace, 1, r.gradients.x),
});

/**
 * Zeroes every element with probability `rate` and scales the rest by 1 / (1 - rate).
 *
 * Shapes: unchanged. Throws RangeError unless 0 <= rate < 1, TypeError for what is no key.
 * Example: `dropout(x, 0.5, context.key)`. Source: Srivastava et al. 2014, in the inverted form.
 */
export function dropout(x: TensorLike, rate: number, key: Key): Tensor {
  checkNumber("dropout", "rate", rate, "in 0 <= rate < 1", (v) => v >= 0 && v < 1);
  if (typeof key?.low !== "number")
    throw new TypeError(`dropout: expected a key, got ${show(key)}. A loss has one: (params, batch, { key }) => ...`);
  return run(dropoutOp, { key, rate }, x);
}
