// The bounds that docstrings state, over millions of floats a range and every float of a hundred thousand where they are worst.
// `npx vitest run --project slow test/assembly` prints what it finds.
import { describe, expect, it } from "vitest";
import { bounds, largestError } from "./ulp.js";

describe("the largest error, against Math in double precision", () => {
  it.each(bounds.map((b) => [b.kernel, b.most, b] as const))("of %s is at most %d ulp", (_, most, bound) => {
    expect(largestError(bound, 4_000_000, 100_000)).toBeLessThanOrEqual(most);
  });
});
