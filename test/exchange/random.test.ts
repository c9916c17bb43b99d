// Random programs in onnxruntime-web: what toONNX writes computes what the program does, at other sizes of the batch too.
import { describe, expect, it } from "vitest";
import { flatten } from "../../src/base/tree.js";
import { isTensor } from "../../src/core/tensor.js";
import { toONNX } from "../../src/index.js";
import { randomProgram } from "./random-programs.js";
import { infer, installed } from "./runtime.js";

const COUNT = Number(process.env.ONNX_PROGRAMS ?? 60);
const FROM = Number(process.env.ONNX_FROM ?? 1);

describe.runIf(installed)("random programs in onnxruntime-web", () => {
  it.each(Array.from({ length: COUNT }, (_, i) => FROM + i))("program %i has our outputs", async (seed) => {
    const { f, params, x, steps } = randomProgram(seed, 2 + (seed % 3));
    const model = toONNX(f, params, x(2 + (seed % 3)));
    for (const batch of [2 + (seed % 3), 5, 1]) {
      const theirs = await infer(model, x(batch));
      for (const { path, leaf } of flatten(f(params, x(batch)), isTensor)) {
        const { dims, data } = theirs[path];
        const where = `${path} at a batch of ${batch}: ${steps.join("; ")}`;
        expect(dims, where).toEqual(leaf.shape);
        let worst = 0;
        leaf.data.forEach((v, i) => {
          const d = Math.abs(v - Number(data[i])) / Math.max(1, Math.abs(v));
          worst = Math.max(worst, Object.is(v, Number(data[i])) ? 0 : Number.isNaN(d) ? Infinity : d);
        });
        expect(worst, where).toBeLessThan(1e-4);
      }
    }
  });
});
