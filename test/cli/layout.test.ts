import { describe, expect, it } from "vitest";
import { chart } from "../../src/cli/chart.js";
import { fitTable, wrap, wrapCommand } from "../../src/cli/layout.js";
import { type FinishedRun, sentence, table } from "../../src/cli/report.js";
import { painter } from "../../src/cli/terminal.js";
import { deepMlp, spirals } from "../../src/experiments/index.js";

const paint = painter(false);
const widest = (text: string): number => Math.max(...text.split("\n").map((line) => [...line].length));
const WIDTHS = [40, 41, 49, 50, 59, 60, 63, 64, 72, 79, 80, 100, 120];

const run = (noise: boolean, seed: number, accuracy: number): FinishedRun => ({
  history: [300, 3000, 6000].map((step) => ({ step, loss: 1, accuracy })),
  summary: {
    noise,
    seed,
    steps: 6000,
    accuracy,
    bestAccuracy: 1,
    finalLoss: 1,
    diverged: seed === 2,
    digest: "0123456789abcdef",
  },
});
const settings = deepMlp.read({
  init: "sussillo-abbott",
  bias: 0.125,
  clip: null,
  dropout: 0.5,
  optimizer: "momentum",
});
const runs = [run(true, 1, 0.947), run(false, 1, 0.1), run(true, 2, 1), run(false, 2, 0.102)];

describe.each(WIDTHS)("in a terminal of %i columns", (columns) => {
  it("the table fits and says the same", () => {
    const text = table(deepMlp, settings, runs, columns, paint);
    expect(widest(text)).toBeLessThanOrEqual(columns);
    for (const figure of ["10.2 % / 10.1 %", "100.0 % / 97.4 %", "2 (1)", "With noise", "No noise"])
      expect(text).toContain(figure);
    const words = text.replace(/[│─┌┐└┘├┤┬┴┼\s]+/g, " ");
    for (const word of "Sussillo Abbott init, biases 0.125, no clipping, dropout 0.5, momentum: best on the way".split(
      " ",
    ))
      expect(words).toContain(word);
  });

  it("the chart fits, also where both lines end on one row", () => {
    for (const those of [runs, [run(true, 1, 0.1), run(false, 1, 0.1)], [run(true, 1, 1), run(false, 1, 1)]]) {
      const text = chart(deepMlp, those, columns, paint, false);
      expect(widest(text)).toBeLessThanOrEqual(columns);
      expect(text).toMatch(/with noise \d+\.\d %/);
      expect(text).toMatch(/no noise \d+\.\d %/);
      expect(text).toMatch(/step 300 .*6000/);
    }
  });

  it("the better of two lines that end on one row is named above", () => {
    const text = chart(deepMlp, [run(true, 1, 0.79), run(false, 1, 0.81)], columns, paint, false);
    expect(text.indexOf("no noise 81.0 %")).toBeLessThan(text.indexOf("with noise 79.0 %"));
  });

  it("the sentence fits", () => {
    const [, script] = process.argv;
    process.argv[1] = `${process.cwd()}/dist/cli.js`; // what it suggests depends on how it was started
    expect(widest(sentence(deepMlp, { ...settings, init: "zero" }, runs, columns))).toBeLessThanOrEqual(
      Math.max(columns, 45),
    );
    process.argv[1] = script;
  });
});

describe("a table", () => {
  const heads = [
    { head: "what", align: "left" as const },
    { head: "how much", align: "right" as const },
  ];
  it("is as wide as it likes where there is no terminal", () => {
    expect(widest(fitTable(heads, [["x".repeat(200), "1"]], undefined))).toBe(200 + 4 + 8 + 3);
  });

  it("wraps its first column, and is a list where that gets too narrow", () => {
    const rows = [["a long description of what it is", "1"]];
    expect(fitTable(heads, rows, 36)).toMatch(/^┌[\s\S]*│ a long description of │ +1 │\n│ what it is/);
    expect(fitTable(heads, rows, 30)).toBe("what\na long description of what it\n  is\n  how much  1");
  });
});

describe("a command on several lines", () => {
  it("is broken between options, in a way that a shell joins", () => {
    expect(wrapCommand("npm start -- --init he --seed 1 --steps 2000", 40)).toBe(
      "npm start -- --init he --seed 1 \\\n    --steps 2000",
    );
    expect(wrapCommand("npm start", 40)).toBe("npm start");
    expect(wrap("a b c", 3)).toBe("a b\nc");
  });
});

describe("the closing sentence", () => {
  it("tells a half-learned task of two classes from one at chance", () => {
    const of = (accuracy: number): string => {
      const runs = [{ ...run(false, 1, accuracy), summary: { ...run(false, 1, accuracy).summary, diverged: false } }];
      return sentence(spirals, spirals.read(), runs, undefined);
    };
    expect(of(0.5)).toContain("the run without noise stayed at chance (50.0 %)");
    expect(of(0.87)).toContain("the run without noise did not reach 90 % (87.0 %)");
    expect(of(0.95)).toContain("the run without noise learned (95.0 %)");
  });
});
