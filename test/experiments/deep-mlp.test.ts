import { describe, expect, it } from "vitest";
import { CheckpointError } from "../../src/base/errors.js";
import { type Tensor, tensor, zeros } from "../../src/core/tensor.js";
import { dataset, digits } from "../../src/data/index.js";
import { type DeepMlpSettings, deepMlp, type Run } from "../../src/experiments/index.js";
import { NUMERICS } from "../../src/files/checkpoint.js";
import { decodeSafetensors, encodeSafetensors } from "../../src/files/safetensors.js";
import { digest } from "../../src/files/save.js";
import { encodeSealed } from "../../src/files/seal.js";

const data = digits({ train: 400, test: 150 });
const small: Partial<DeepMlpSettings> = { layers: 3, width: 12, batch: 20, steps: 60, init: "he", seed: 5 };

function finish(run: Run): Run {
  while (!run.finished) run.step();
  return run;
}

describe("a run of the deep MLP", () => {
  it.each([
    ["sgd", {}],
    ["momentum", { optimizer: "momentum", learningRate: 0.01 }],
    ["adam", { optimizer: "adam", learningRate: 0.001 }],
    ["dropout", { dropout: 0.2 }],
    ["no noise, no clipping", { noise: false, clip: null }],
  ] as [string, Partial<DeepMlpSettings>][])("resumed at step 37 is the whole run to the bit: %s", (_, extra) => {
    const settings = { ...small, ...extra };
    const whole = finish(deepMlp.start(data, settings));
    const begun = deepMlp.start(data, settings);
    while (begun.steps < 37) begun.step();
    const resumed = deepMlp.start(data, settings, begun.checkpoint());
    expect(resumed.steps).toBe(37);
    expect(finish(resumed).summary()).toEqual(whole.summary());
    expect(resumed.history).toEqual(whole.history);
    expect(digest(resumed.params as object)).toBe(whole.summary().digest);
  });

  it("looks at the test set twenty times, at the end last", () => {
    const { history } = finish(deepMlp.start(data, small));
    expect(history.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => 3 * (i + 1)));
    for (const { accuracy } of history) expect(accuracy! * 150).toBeCloseTo(Math.round(accuracy! * 150), 9);
  });

  it("counts epochs in whole batches", () => {
    expect(deepMlp.start(data, { ...small, batch: 30, epochs: 2 }).total).toBe(26);
  });

  it("from zeros without noise moves only the last bias", () => {
    const run = deepMlp.start(data, { ...small, init: "zero", noise: false });
    finish(run);
    const moved = (run.params as { layers: { weight: Tensor; bias: Tensor }[] }).layers.map(({ weight, bias }) =>
      [weight, bias].map((t) => t.data.some((v) => v !== 0)),
    );
    expect(moved).toEqual([
      [false, false],
      [false, false],
      [false, false],
      [false, true],
    ]);
  });

  it("that diverges ends there, with its parameters, and stays ended when resumed", () => {
    const settings = { ...small, noise: false, clip: null, learningRate: 1e6 };
    const run = finish(deepMlp.start(data, settings));
    expect(run.diverged).toMatch(/^step \d+: /);
    expect(run.summary()).toMatchObject({ diverged: true, steps: run.steps });
    expect(run.steps).toBeLessThan(60);
    const resumed = deepMlp.start(data, settings, run.checkpoint());
    expect(resumed.finished).toBe(true);
    expect(resumed.summary()).toEqual(run.summary());
  });

  it("refuses a checkpoint of other settings or other data, naming the difference", () => {
    const run = deepMlp.start(data, small);
    run.step();
    const bytes = run.checkpoint();
    expect(() => deepMlp.start(data, { ...small, eta: 0.5 }, bytes)).toThrow(
      "checkpoint: its eta is 0.03, this run's is 0.5; resume with the settings it was made with",
    );
    expect(() => deepMlp.start(digits({ train: 400, test: 149 }), small, bytes)).toThrow("made on other data");
    expect(() => deepMlp.start(data, small, bytes.subarray(0, 100))).toThrow("damaged");
    expect(deepMlp.start(data, small, bytes.slice().buffer as never).steps).toBe(1);
    expect(() => deepMlp.start(data, small, "run.safetensors" as never)).toThrow(TypeError);
  });

  it("refuses a checkpoint of data that differ in one pixel, of training or of test", () => {
    const run = deepMlp.start(data, small);
    run.step();
    const bytes = run.checkpoint();
    for (const part of ["train", "test"] as const) {
      const other = digits({ train: 400, test: 150 });
      other[part].columns.x.source!.bytes[12345] ^= 1;
      expect(() => deepMlp.start(other, small, bytes)).toThrow("made on other data");
    }
    expect(deepMlp.start(digits({ train: 400, test: 150 }), small, bytes).steps).toBe(1);
  });

  it("refuses a checkpoint with any bit flipped", () => {
    const run = deepMlp.start(data, { ...small, layers: 1, width: 2, optimizer: "momentum" });
    for (let i = 0; i < 5; i++) run.step();
    const bytes = run.checkpoint();
    const accepted: number[] = [];
    for (let i = 0; i < 200; i++) {
      const bit = (i * 7919 * 8 + i) % (8 * bytes.length);
      const flipped = bytes.slice();
      flipped[bit >>> 3] ^= 1 << (bit & 7);
      try {
        deepMlp.start(data, run.settings, flipped);
        accepted.push(bit);
      } catch (error) {
        expect(error).toBeInstanceOf(CheckpointError);
      }
    }
    expect(accepted).toEqual([]);
  });

  it("refuses a checkpoint of another version, saying so, and one without a digest of the images", () => {
    const run = deepMlp.start(data, small);
    run.step();
    const { tensors, metadata } = decodeSafetensors(run.checkpoint());
    const { checksum: _, ...unsealed } = metadata;
    expect(() => deepMlp.start(data, small, encodeSealed(tensors, { ...unsealed, numerics: "1" }))).toThrow(
      `checkpoint: it is of another version of gradnoise (numerics "1", here "${NUMERICS}")`,
    );
    expect(() => deepMlp.start(data, small, encodeSafetensors(tensors, { ...unsealed, format: "1" }))).toThrow(
      "older version of gradnoise, which noted the labels of its data but not the images",
    );
    const { deepMlp: __, ...bare } = unsealed;
    expect(() => deepMlp.start(data, small, encodeSealed(tensors, bare))).toThrow("not one of the deep-mlp experiment");
  });

  it("refuses settings that are unknown, of another kind or out of range, naming them", () => {
    const bad =
      (settings: object): (() => unknown) =>
      () =>
        deepMlp.start(data, settings);
    expect(bad({ eta: -1 })).toThrow('deepMlp: "eta" expected a number >= 0 that float32 holds, got -1');
    expect(bad({ init: "ones" })).toThrow(
      'deepMlp: "init" expected "zero" or "simple" or "sussillo-abbott" or "he", got "ones"',
    );
    expect(bad({ batch: 401 })).toThrow('"batch" expected at most the 400 training examples there are, got 401');
    expect(bad({ clip: 0 })).toThrow('"clip" expected a number > 0 that float32 holds, or null, got 0');
    expect(bad({ learningrate: 0.1 })).toThrow('there is no option "learningrate". Did you mean "learningRate"?');
    expect(bad({ noise: "yes" })).toThrow('"noise" expected true or false, got "yes"');
    expect(bad({ width: 99_999, layers: 9 })).toThrow(
      /need at least 597 GiB, WebAssembly has 4; give a smaller network/,
    );
    expect(bad({ width: 1_000_000 })).toThrow("from 1 to 99999");
    expect(bad({ epochs: 1e9 })).toThrow("more than 2147483647; give fewer");
    expect(bad({ learningRate: 1e39 })).toThrow("> 0 that float32 holds, got 1e+39");
    expect(bad([1] as never)).toThrow("expected options {");
    expect(deepMlp.start(data, { ...small, eta: undefined } as object).settings.eta).toBe(0.03);
  });

  it("keeps its own settings, whatever becomes of those it was given", () => {
    const given = { ...small };
    const run = deepMlp.start(data, given);
    given.steps = 1;
    expect(run.settings.steps).toBe(60);
    expect(Object.isFrozen(run.settings)).toBe(true);
  });

  it("refuses what is no image data, naming the way out", () => {
    const make =
      (given: unknown): (() => unknown) =>
      () =>
        deepMlp.start(given as never, small);
    expect(make(undefined)).toThrow("deepMlp: expected data { train, test } with columns x and y, got undefined");
    expect(make({ train: data.train })).toThrow("Give data.digits(), or what data.mnist returned");
    const flat = { train: dataset({ x: zeros([4]), y: tensor(new Int32Array(4)) }), test: data.test };
    expect(make(flat)).toThrow("deepMlp: train has x [4] and y [4] of int32; give x [examples, pixels]");
  });
});
