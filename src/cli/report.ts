// What a finished command prints: accuracy by step as a chart, a table in the form of the paper's Table 1, one sentence.
import asciichart from "asciichart";
import type { DeepMlpSummary, Evaluation } from "../paper/index.js";
import { commandLine } from "./invocation.js";
import { fitTable, wrap, wrapCommand } from "./layout.js";
import type { DeepMlpOptions } from "./options.js";
import { noiseLabel } from "./progress.js";
import { hasColors, type Paint, painter, percent } from "./terminal.js";

export interface FinishedRun {
  readonly history: readonly Evaluation[];
  readonly summary: DeepMlpSummary;
}

const HEIGHT = 10; // rows of ten points each
const AXIS = 8; // columns of "100 % ┤"
const LABEL = 20; // columns of "  with noise 94.7 %"
const BESIDE = 50; // columns of a terminal from which on a line is named at its end, not below
const LEARNED = 0.8;
const CHANCE = 0.2;

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

/** Accuracy at `step`, in a line between evaluations; a run that ended early keeps its last. */
function accuracyAt(history: readonly Evaluation[], step: number): number {
  const after = history.findIndex((e) => e.step >= step);
  if (after === -1) return history.at(-1)!.accuracy;
  if (after === 0) return history[0].accuracy;
  const [a, b] = [history[after - 1], history[after]];
  return a.accuracy + ((b.accuracy - a.accuracy) * (step - a.step)) / (b.step - a.step);
}

/** Mean accuracy over seeds by step, noise against no noise. Every line is named at its end, so it reads without colours. */
export function chart(runs: readonly FinishedRun[], columns: number, paint: Paint, colors: boolean): string {
  const groups = [true, false]
    .map((noise) => ({ noise, runs: runs.filter((run) => run.summary.noise === noise) }))
    .filter((group) => group.runs.length > 0)
    .reverse(); // asciichart draws later series over earlier ones
  const first = Math.min(...runs.map((run) => run.history[0].step));
  const last = Math.max(...runs.map((run) => run.history.at(-1)!.step));
  const beside = columns >= BESIDE;
  const width = Math.max(8, Math.min(columns - AXIS - (beside ? LABEL : 1), 72));
  const lines = groups.map((group) =>
    Array.from({ length: width }, (_, x) => {
      const step = first + ((last - first) * x) / (width - 1);
      return 100 * mean(group.runs.map((run) => accuracyAt(run.history, step)));
    }),
  );
  const rows = asciichart
    .plot(lines, {
      min: 0,
      max: 100,
      height: HEIGHT,
      offset: 2,
      colors: groups.map(({ noise }) => (colors ? (noise ? asciichart.green : asciichart.yellow) : undefined)),
      format: (value) => `${value.toFixed(0).padStart(3)} % `,
    })
    .split("\n");
  const names = groups
    .map(({ noise }, i) => ({ noise, end: lines[i].at(-1)! }))
    .sort((a, b) => b.end - a.end)
    .map(({ noise, end }) => ({
      row: HEIGHT - Math.round(end / HEIGHT),
      text: paint(noise ? "green" : "yellow", `${noiseLabel(noise)} ${end.toFixed(1)} %`),
    }));
  // two that meet take neighbouring rows, the better above
  const [upper, lower] = names;
  if (upper.row === lower?.row) {
    if (lower.row < HEIGHT) lower.row++;
    else upper.row--;
  }
  const nameOf = (row: number): string =>
    names.filter((name) => name.row === row).map(({ text }) => `  ${text}`)[0] ?? "";
  const seeds = new Set(runs.map((run) => run.summary.seed)).size;
  const from = `step ${first} `;
  const axis = `${" ".repeat(AXIS)}${from}${String(last).padStart(width - from.length)}`;
  return [
    `Test accuracy by step${seeds > 1 ? `, mean of ${seeds} seeds` : ""}`,
    ...rows.map((row, i) => (beside && nameOf(i) ? row + nameOf(i) : row.trimEnd())),
    axis,
    ...(beside ? [] : ["At the end:", ...names.map(({ text }) => `  ${text}`)]),
  ].join("\n");
}

function describeSetting(o: DeepMlpOptions): string {
  const start = { zero: "All-zero", simple: "Simple", "sussillo-abbott": "Sussillo & Abbott", he: "He" }[o.init];
  return [
    `${start} init`,
    ...(o.bias ? [`biases ${o.bias}`] : []),
    o.clip === "none" ? "no clipping" : `clip ${o.clip}`,
    ...(o.dropout ? [`dropout ${o.dropout}`] : []),
    ...(o.optimizer === "sgd" ? [] : [o.optimizer]),
  ].join(", ");
}

/** Best and average over the runs of each kind, as Table 1 of the paper has them. */
export function table(
  o: DeepMlpOptions,
  runs: readonly FinishedRun[],
  columns: number | undefined,
  paint: Paint,
): string {
  const kinds = [false, true].filter((noise) => runs.some((run) => run.summary.noise === noise));
  const ofKind = (noise: boolean): DeepMlpSummary[] =>
    runs.map((run) => run.summary).filter((summary) => summary.noise === noise);
  const cell = (noise: boolean, figure: (s: DeepMlpSummary) => number): string => {
    const values = ofKind(noise).map(figure);
    return `${percent(Math.max(...values))} / ${percent(mean(values))}`;
  };
  const counts = kinds.map((noise) => ofKind(noise).filter((s) => s.diverged).length);
  const rows = [
    [`${describeSetting(o)}: at the end`, ...kinds.map((noise) => cell(noise, (s) => s.accuracy))],
    ["  best on the way", ...kinds.map((noise) => cell(noise, (s) => s.bestAccuracy))],
    [
      `  runs${counts.some((n) => n > 0) ? " (diverged)" : ""}`,
      ...kinds.map((noise, i) => `${ofKind(noise).length}${counts[i] ? ` (${counts[i]})` : ""}`),
    ],
  ];
  const heads = kinds.map((noise) => ({ head: capital(noiseLabel(noise)), align: "right" as const }));
  return fitTable([{ head: "Test accuracy, best / average", align: "left" }, ...heads], rows, columns, (head) =>
    paint("bold", head),
  );
}

const capital = (text: string): string => text[0].toUpperCase() + text.slice(1);

/** "all 3 runs with noise learned (95.2 % on average)" */
function outcome(noise: boolean, all: readonly FinishedRun[]): string | undefined {
  const runs = all.filter((run) => run.summary.noise === noise);
  const accuracies = runs.map((run) => run.summary.accuracy);
  const diverged = runs.filter((run) => run.summary.diverged).length;
  const n = accuracies.length;
  if (n === 0) return undefined;
  const learned = accuracies.filter((a) => a >= LEARNED).length;
  const atChance = accuracies.filter((a) => a < CHANCE).length;
  const some = (count: number): string =>
    n === 1 ? "the run" : count === n ? `all ${n} runs` : `${count} of ${n} runs`;
  const average = `${percent(mean(accuracies))}${n === 1 ? "" : " on average"}${diverged ? `, ${diverged} of ${n} diverged` : ""}`;
  const kind = noise ? "with noise" : "without noise";
  if (learned > 0) return `${some(learned)} ${kind} learned (${average})`;
  if (atChance === n) return `${some(n)} ${kind} ${diverged === n ? "ended" : "stayed"} at chance (${average})`;
  return `${n === 1 ? "the run" : `none of ${n} runs`} ${kind} ${n === 1 ? "did not reach" : "reached"} ${100 * LEARNED} % (${average})`;
}

const STARTS = {
  zero: "all-zero weights",
  simple: "weights of N(0, 0.1^2)",
  "sussillo-abbott": "the weights of Sussillo & Abbott",
  he: "the weights of He et al.",
};

/** What was seen, and what to try next. */
export function sentence(o: DeepMlpOptions, runs: readonly FinishedRun[], columns: number | undefined): string {
  const seen = [outcome(true, runs), outcome(false, runs)].filter((text) => text !== undefined).join(", and ");
  const layers = `${o.hidden.layers} hidden layer${o.hidden.layers === 1 ? "" : "s"}`;
  const [next, words] =
    o.init === "zero"
      ? ["a good start, which needs no noise:", "run deep-mlp --init he --seed 1 --steps 2000"]
      : ["the start that cannot do without noise:", "run deep-mlp --init zero"];
  const text = `From ${STARTS[o.init]} through ${layers}, ${seen}; next, try ${next}`;
  const command = commandLine(words.split(" "));
  if (columns === undefined || text.length + command.length < columns) return `${text} ${command}`;
  return `${wrap(text, columns)}\n${wrapCommand(command, columns)}`;
}

/** What a finished command prints, in `columns` of a terminal, or anywhere. */
export function report(o: DeepMlpOptions, runs: readonly FinishedRun[], columns: number | undefined): string {
  const colors = hasColors(process.stdout);
  const paint = painter(colors);
  const results = table(o, runs, columns, paint);
  if (o.quiet) return results;
  const seen = sentence(o, runs, columns);
  return `\n${chart(runs, columns ?? 80, paint, colors)}\n\n${results}\n\n${seen}`;
}
