// The data of an experiment by what a program names.
import { describe, expect, it } from "vitest";
import { deepMlp, spirals } from "../../src/experiments/index.js";
import { loadData } from "../../src/node/index.js";

describe("loadData", () => {
  it("gives an experiment's own data by their name", async () => {
    const data = await loadData(spirals, "spirals");
    expect(spirals.data.digest(data as never)).toBe(spirals.data.digest(spirals.data.embedded.spirals()));
  });

  it.each([
    [spirals, "mnist", 'spirals: there are no data "mnist". Give spirals'],
    [deepMlp, undefined as never, "deepMlp: there are no data undefined. Give digits, or the path of a folder"],
    [deepMlp, "nowhere", "nowhere: there is no such folder"],
  ] as const)("refuses what there is not, naming the way out", async (experiment, name, sentence) => {
    await expect(loadData(experiment, name)).rejects.toThrow(sentence);
  });
});
