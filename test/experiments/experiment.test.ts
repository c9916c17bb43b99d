// What every experiment of the registry must be, and what a definition is refused for.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import {
  comparedValues,
  type Definition,
  deepMlp,
  defineExperiment,
  experiments,
  type Figures,
  labelOf,
} from "../../src/experiments/index.js";
import { integer, seed } from "../../src/experiments/settings.js";
import * as paper from "../../src/paper.js";

describe.each(experiments.map((experiment) => [experiment.name, experiment] as const))("%s", (_, experiment) => {
  it("has a name, texts, a metric, and a label for each of the runs that it compares", () => {
    for (const text of [experiment.title, experiment.about]) expect(text).toMatch(/\S/);
    expect(Object.keys(experiment.metrics).length).toBeGreaterThan(0);
    const { setting, labels } = experiment.compare;
    for (const value of comparedValues(experiment)) {
      expect(Object.keys(labels)).toContain(String(value));
      expect(labelOf(experiment, { [setting]: value })).toMatch(/\S/);
    }
  });

  it("has a title that stands on its line of the list, in a terminal of 80 columns", () => {
    const widest = Math.max(...experiments.map(({ name }) => name.length));
    expect(experiment.title.length, "characters of the title").toBeLessThanOrEqual(80 - widest - 4);
  });

  it("is exported by gradnoise/paper under its own name", () => {
    const names = Object.entries(paper).flatMap(([name, value]) => (value === experiment ? [name] : []));
    expect(names, "add it to src/paper.ts, with a docstring, and to the README's row experiments").toEqual([
      experiment.owner,
    ]);
  });

  it("has presets whose settings it takes, each with one finding", () => {
    expect(Object.keys(experiment.presets).length).toBeGreaterThan(0);
    for (const { settings, about } of Object.values(experiment.presets) as { settings: object; about: string }[]) {
      expect(() => experiment.read(settings)).not.toThrow();
      expect(about).toMatch(/\S/);
    }
  });

  it("says of every setting what it is and under which heading", () => {
    for (const row of Object.values(experiment.settings) as { help: string; group: string }[]) {
      expect(row.help).toMatch(/\S/);
      expect(row.group).toMatch(/^[A-Z]/);
    }
  });

  it("names in joined, insteadOf and expected only what there is", () => {
    const { settings, joined = {}, expected = {}, compare } = experiment;
    const rows = Object.values(settings) as { insteadOf?: string }[];
    for (const { insteadOf } of rows) if (insteadOf) expect(Object.keys(settings)).toContain(insteadOf);
    for (const own of Object.values(joined) as { settings: readonly string[] }[])
      for (const name of own.settings) expect(Object.keys(settings)).toContain(name);
    for (const value of Object.keys(expected)) expect(comparedValues(experiment).map(String)).toContain(value);
    expect(Object.keys(settings)).toContain(compare.setting);
  });

  it("tells a run by its report", () => {
    const settings = experiment.read();
    expect(experiment.report.describe(settings)).toMatch(/\S/);
    expect(experiment.report.opening(settings)).toMatch(/\S/);
    const next = experiment.report.next?.(settings);
    if (next) expect(Object.keys(experiment.presets)).toContain(next[1]);
  });
});

/** A run whose loss and metric are told beforehand. */
const told: Definition<any, { losses: number[] }> = {
  name: "told-figures",
  title: "figures that are told",
  about: "Nothing is trained.",
  settings: { seed: seed(), width: integer({ default: 1, from: 1, group: "The network", help: "units" }) },
  compare: { setting: "width", labels: {} },
  data: { embedded: { none: () => ({ losses: [] }) }, help: "none", check: () => undefined, digest: () => "d" },
  task: ({ losses }) => {
    let at = 0;
    return {
      total: losses.length,
      params: {},
      get steps() {
        return at;
      },
      step: () => losses[at++],
      evaluate: (): Figures => ({ loss: losses[at - 1], error: losses[at - 1] / 2 }),
      checkpoint: () => new Uint8Array(),
      restore: () => undefined,
    };
  },
  metrics: { error: { better: "lower", unit: "number" } },
  presets: {},
  report: { describe: () => "told", opening: () => "Told" },
};

describe("a definition", () => {
  it("is an experiment with defaults, checks and runs", () => {
    const mine = defineExperiment(told);
    expect(mine.owner).toBe("toldFigures");
    expect(() => mine.read({ width: 0 })).toThrow('toldFigures: "width" expected an integer >= 1, got 0');
    const run = mine.start({ losses: [4, 1, 2] });
    while (!run.finished) run.step();
    expect(run.history).toEqual([
      { step: 1, loss: 4, error: 2 },
      { step: 2, loss: 1, error: 0.5 },
      { step: 3, loss: 2, error: 1 },
    ]);
    expect(run.summary()).toMatchObject({ width: 1, seed: 1, steps: 3, error: 1, bestError: 0.5, finalLoss: 2 });
  });

  it.each([
    ["a name with capitals", { name: "toldFigures" }, 'defineExperiment: "name" expected a name in kebab-case'],
    ["no row for the seed", { settings: {} }, "told-figures: its settings need a row seed: seed()"],
    ["no such setting to compare", { compare: { setting: "depth", labels: {} } }, 'there is no setting "depth"'],
    [
      "no such setting to join",
      { joined: { size: { settings: ["width", "height"], by: "x", argument: "WxH", help: "" } } },
      'there is no setting "height"',
    ],
    ["no presets", { presets: undefined }, 'told-figures: "presets" is missing; give {} for none'],
    ["no task", { task: undefined }, 'told-figures: "task" expected a function'],
  ])("is refused for %s", (_what, change, sentence) => {
    expect(() => defineExperiment({ ...told, ...change } as never)).toThrow(sentence);
  });

  it("takes a checkpoint of its own experiment only", () => {
    const data = deepMlp.data.embedded.digits();
    const run = deepMlp.start(data, { layers: 1, width: 2, steps: 1 });
    run.step();
    const other = defineExperiment({ ...deepMlp, name: "other-mlp" });
    expect(() => other.start(data, { layers: 1, width: 2, steps: 1 }, run.checkpoint())).toThrow(
      "checkpoint: it is not one of the other-mlp experiment",
    );
  });
});
