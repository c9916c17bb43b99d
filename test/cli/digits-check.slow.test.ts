import { expect, it } from "vitest";
import { gradnoise, jsonLines } from "./command.js";

it("the drawn digits hold a linear model to 90 % and let the paper's network reach 97 %", async () => {
  const { code, stdout, stderr } = await gradnoise("run digits-check --json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { holds, runs } = jsonLines(stdout).at(-1);
  expect(holds).toBe(true);
  expect(runs.map(({ model }: { model: string }) => model)).toEqual(["linear", "he"]);
  expect(runs[0].bestAccuracy).toBeLessThanOrEqual(0.9);
  expect(runs[1].accuracy).toBeGreaterThanOrEqual(0.97);
});
