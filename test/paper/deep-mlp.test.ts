import { describe, expect, it } from "vitest";
import { digits } from "../../src/data/index.js";
import { DeepMlpRun, type DeepMlpSettings } from "../../src/paper/index.js";
import { digest } from "../../src/train/save.js";

const data = digits({ train: 400, test: 150 });
const small: Partial<DeepMlpSettings> = { layers: 3, width: 12, batch: 20, steps: 60, init: "he", seed: 5 };

function finish(run: DeepMlpRun): DeepMlpRun {
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
    const whole = finish(new DeepMlpRun(data, settings));
    const begun = new DeepMlpRun(data, settings);
    while (begun.steps < 37) begun.step();
    const resumed = new DeepMlpRun(data, settings, begun.checkpoint());
    expect(resumed.steps).toBe(37);
    expect(finish(resumed).summary()).toEqual(whole.summary());
    expect(resumed.history).toEqual(whole.history);
    expect(digest(resumed.params)).toBe(whole.summary().digest);
  });

  it("looks at the test set twenty times, at the end last", () => {
    const { history } = finish(new DeepMlpRun(data, small));
    expect(history.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => 3 * (i + 1)));
    for (const { accuracy } of history) expect(accuracy * 150).toBeCloseTo(Math.round(accuracy * 150), 9);
  });

  it("counts epochs in whole batches", () => {
    expect(new DeepMlpRun(data, { ...small, batch: 30, epochs: 2 }).total).toBe(26);
  });

  it("from zeros without noise moves only the last bias", () => {
    const run = new DeepMlpRun(data, { ...small, init: "zero", noise: false });
    finish(run);
    const moved = run.params.layers.map(({ weight, bias }) => [weight, bias].map((t) => t.data.some((v) => v !== 0)));
    expect(moved).toEqual([
      [false, false],
      [false, false],
      [false, false],
      [false, true],
    ]);
  });

  it("that diverges ends there, with its parameters, and stays ended when resumed", () => {
    const settings = { ...small, noise: false, clip: null, learningRate: 1e6 };
    const run = finish(new DeepMlpRun(data, settings));
    expect(run.diverged).toMatch(/^step \d+: /);
    expect(run.summary()).toMatchObject({ diverged: true, steps: run.steps });
    expect(run.steps).toBeLessThan(60);
    const resumed = new DeepMlpRun(data, settings, run.checkpoint());
    expect(resumed.finished).toBe(true);
    expect(resumed.summary()).toEqual(run.summary());
  });

  it("refuses a checkpoint of other settings or other data, naming the difference", () => {
    const run = new DeepMlpRun(data, small);
    run.step();
    const bytes = run.checkpoint();
    expect(() => new DeepMlpRun(data, { ...small, eta: 0.5 }, bytes)).toThrow(
      "checkpoint: its eta is 0.03, this run's is 0.5; resume with the settings it was made with",
    );
    expect(() => new DeepMlpRun(digits({ train: 400, test: 149 }), small, bytes)).toThrow("made on other data");
    expect(() => new DeepMlpRun(data, small, bytes.subarray(0, 100))).toThrow("damaged");
  });

  it("refuses settings out of range, naming them", () => {
    const bad =
      (settings: object): (() => unknown) =>
      () =>
        new DeepMlpRun(data, settings);
    expect(bad({ eta: -1 })).toThrow('deepMlp: "eta" expected a number >= 0, got -1');
    expect(bad({ init: "ones" })).toThrow(
      'deepMlp: "init" expected one of zero, simple, sussillo-abbott, he, got "ones"',
    );
    expect(bad({ batch: 401 })).toThrow('"batch" expected at most the 400 training examples there are, got 401');
    expect(bad({ clip: 0 })).toThrow('"clip" expected a number > 0, or null, got 0');
  });
});
