// No elementary function errs by more than its docstring says: in the gate over fewer floats, and every float where it is worst.
// A bound is established by the slow project alone (ulp.slow.test.ts), which looks everywhere.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bounds, largestError } from "./ulp.js";

describe("the largest error, against Math in double precision", () => {
  it.each(bounds.map((b) => [b.kernel, b.most, b] as const))("of %s is at most %d ulp", (_, most, bound) => {
    const error = largestError(bound, 50_000, 5000);
    const measure = `measure it by npx vitest run --project slow test/assembly -t "${bound.kernel}", and set most and worst in ulp.ts`;
    expect(error, measure).toBeLessThanOrEqual(most);
    // what is stated is what is found: no bound is generous
    expect(error, measure).toBeGreaterThan(0.9 * most);
  });
});

describe("the docstrings", () => {
  const folder = new URL("../../src/ops/", import.meta.url);
  const stated = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => {
      const text = readFileSync(new URL(file, folder), "utf8");
      // a docstring, and the name that follows it
      return [...text.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export (?:const|function) (\w+)/g)].flatMap(
        ([, doc, name]) => [...doc.matchAll(/([\d.]+) ulp/g)].map(([, most]) => `${name} ${most}`),
      );
    });

  it("state no bound that is not measured here, and every one that is", () => {
    expect(stated.sort()).toEqual(bounds.map(({ kernel, most }) => `${kernel} ${most}`).sort());
  });
});
