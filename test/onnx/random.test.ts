// Random programs in onnxruntime-web: what toONNX writes computes what the program does, at other sizes of the batch too.
import { describe, expect, it } from "vitest";
import { toONNX } from "../../src/onnx/index.js";
import { randomProgram } from "./random-programs.js";
import { difference, installed } from "./runtime.js";

const COUNT = Number(process.env.ONNX_PROGRAMS ?? 60);
const FROM = Number(process.env.ONNX_FROM ?? 1);

describe.runIf(installed)("random programs in onnxruntime-web", () => {
  it.each(Array.from({ length: COUNT }, (_, i) => FROM + i))("program %i has our outputs", async (seed) => {
    const { f, params, x, steps } = randomProgram(seed, 2 + (seed % 3));
    const model = toONNX(f, params, x(2 + (seed % 3)));
    for (const batch of [2 + (seed % 3), 5, 1]) {
      const d = await difference(f, params, x(batch), model);
      expect(d, `a batch of ${batch}: ${steps.join("; ")}`).toBeLessThan(1e-4);
    }
  });
});
