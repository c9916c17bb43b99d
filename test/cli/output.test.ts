import { describe, expect, it } from "vitest";
import { digitsFolder, gradnoise, jsonLines } from "./command.js";

const small = `run deep-mlp --data ${digitsFolder(1000, 200)} --hidden 2x16 --init he --steps 100 --seed 1`;

describe("--json", () => {
  it("prints JSON lines and nothing else, the last one a summary", async () => {
    const { code, stdout, stderr } = await gradnoise(`${small} --json`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = jsonLines(stdout);
    expect(lines[0]).toMatchObject({ event: "start", experiment: "deep-mlp", settings: { eta: "0.03" } });
    const progress = lines.filter(({ event, noise }) => event === "progress" && noise);
    expect(progress.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => 5 * (i + 1)));
    expect(progress[0]).toEqual({
      event: "progress",
      noise: true,
      seed: 1,
      step: 5,
      loss: expect.any(Number),
      accuracy: expect.any(Number),
    });
    const summary = lines.at(-1);
    expect(Object.keys(summary)).toEqual(["event", "experiment", "runs"]);
    expect(summary).toMatchObject({ event: "summary", experiment: "deep-mlp" });
    expect(summary.runs).toHaveLength(2);
    expect(summary.runs[0]).toEqual({
      noise: true,
      seed: 1,
      steps: 100,
      accuracy: progress.at(-1).accuracy,
      bestAccuracy: Math.max(...progress.map(({ accuracy }) => accuracy)),
      finalLoss: progress.at(-1).loss,
      diverged: false,
      digest: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
  });

  it("with --quiet is the summary alone", async () => {
    const { stdout } = await gradnoise(`${small} --noise off --json --quiet`);
    expect(jsonLines(stdout).map(({ event }) => event)).toEqual(["summary"]);
  });

  it("a run that diverges is a result: exit code 0 and the steps it made", async () => {
    const { code, stdout, stderr } = await gradnoise(`${small} --noise off --clip none --learning-rate 1e20 --json`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [run] = jsonLines(stdout).at(-1).runs;
    expect(run.diverged).toBe(true);
    expect(run.steps).toBeLessThan(100);
  });
});

describe("the digits drawn by the library", () => {
  it("are the data where none is named", async () => {
    const { stdout } = await gradnoise("run deep-mlp --hidden 1x8 --steps 20 --seed 1 --noise off --json");
    const [start, ...rest] = jsonLines(stdout);
    expect(start.settings.data).toBe("digits");
    expect(rest.at(-1).runs[0].accuracy * 2000).toBeCloseTo(Math.round(rest.at(-1).runs[0].accuracy * 2000), 9);
  });
});

describe("without a terminal", () => {
  it("output is plain lines, a chart, a table and a sentence, without control characters", async () => {
    const { code, stdout, stderr } = await gradnoise(small);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
    expect(stdout).toContain("with noise, seed 1: step 50 of 100");
    expect(stdout).toContain("Test accuracy by step");
    expect(stdout).toMatch(/│ He init, clip 10: at the end +│ .+ % \/ .+ % │ .+ % \/ .+ % │/);
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(
      /^From the weights of He et al\. through 2 hidden layers, .*: node \S+cli\.js run deep-mlp --init zero$/,
    );
    expect(stdout.split("\n").length).toBeLessThan(40);
  });

  it("--quiet leaves the table alone", async () => {
    const { stdout } = await gradnoise(`${small} --quiet`);
    expect(stdout).toMatch(/^┌[\s\S]*┘\n$/);
  });
});
