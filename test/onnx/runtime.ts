// onnxruntime-web, where test/bench has it: too large (148 MB) for the gate. `npm run test:onnx` installs it.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { expect } from "vitest";
import { flatten } from "../../src/base/tree.js";
import { isTensor, type Tensor } from "../../src/core/tensor.js";

const folder = new URL("../bench/", import.meta.url);
export const installed = existsSync(new URL("node_modules/onnxruntime-web/package.json", folder));
if (!installed)
  console.warn("SKIPPED: onnxruntime-web is not installed, so no exported model is run. `npm run test:onnx` does it");

/** Outputs of a model by name: shape and values. */
export type Outputs = { [name: string]: { dims: readonly number[]; data: ArrayLike<number> } };

let library: any;

/** The outputs that onnxruntime gives for the inputs x. */
export async function infer(model: Uint8Array, x: unknown): Promise<Outputs> {
  if (library === undefined) {
    const require = createRequire(new URL("package.json", folder));
    library = await import(/* @vite-ignore */ pathToFileURL(require.resolve("onnxruntime-web")).href);
    library = library.default ?? library;
    library.env.wasm.numThreads = 1;
    library.env.logLevel = "error";
  }
  const session = await library.InferenceSession.create(model, { executionProviders: ["wasm"] });
  const feeds = Object.fromEntries(
    flatten(x, isTensor).map(({ path, leaf }: { path: string; leaf: Tensor }) => [
      path || "x",
      new library.Tensor(leaf.dtype, leaf.data, leaf.shape),
    ]),
  );
  const outputs = await session.run(feeds);
  await session.release();
  return outputs;
}

/** Largest difference of all outputs, each by the magnitude of ours where that is above 1; NaN and infinities must agree. */
export async function difference<P, X>(
  f: (p: P, x: X) => unknown,
  params: P,
  x: X,
  model: Uint8Array,
): Promise<number> {
  const theirs = await infer(model, x);
  let worst = 0;
  for (const { path, leaf } of flatten(f(params, x), isTensor)) {
    const name = path || "y";
    const { dims, data } = theirs[name] ?? theirs[`${name}_out`];
    expect(dims, name).toEqual(leaf.shape);
    leaf.data.forEach((v, i) => {
      const other = Number(data[i]);
      const d = v === other || Object.is(v, other) ? 0 : Math.abs(v - other) / Math.max(1, Math.abs(v));
      worst = Math.max(worst, Number.isNaN(d) ? Number.POSITIVE_INFINITY : d);
    });
  }
  return worst;
}
