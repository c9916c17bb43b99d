// What a finished command prints: a metric by step as a chart, a table in the form of the paper's Table 1, one sentence.
import type { Experiment, Metric, Summary } from "../experiments/index.js";
import { chart, type FinishedRun, groupsOf, mean } from "./chart.js";
import { commandLine } from "./invocation.js";
import { fitTable, wrap, wrapCommand } from "./layout.js";
import { type Request, type RunSettings, wordsOf } from "./options.js";
import { figureText, hasColors, type Paint, painter } from "./terminal.js";

export type { FinishedRun } from "./chart.js";

const capital = (text: string): string => text[0].toUpperCase() + text.slice(1);

/** Whether a summary is as its experiment expects it; so where nothing is expected. */
export function holds({ compare, expected }: Experiment, summary: Summary): boolean {
  const bound = expected?.[String(summary[compare.setting])];
  if (!bound) return true;
  const value = summary[bound.figure] as number;
  return value >= (bound.atLeast ?? value) && value <= (bound.atMost ?? value);
}

/** Best and average over the runs of each kind, as Table 1 of the paper has them: the baseline first. */
export function table(
  experiment: Experiment,
  settings: RunSettings,
  runs: readonly FinishedRun[],
  columns: number | undefined,
  paint: Paint,
): string {
  const groups = groupsOf(experiment, runs).reverse();
  const ofGroup = (figure: (summaries: readonly Summary[], value: string) => string): string[] =>
    groups.map(({ runs: own, value }) =>
      figure(
        own.map(({ summary }) => summary),
        value,
      ),
    );
  const best = ({ better }: Metric, values: readonly number[]): number =>
    better === "higher" ? Math.max(...values) : Math.min(...values);
  const cell = (metric: Metric, figure: string): string[] =>
    ofGroup((summaries) => {
      const values = summaries.map((s) => s[figure] as number);
      return `${figureText(metric, best(metric, values))} / ${figureText(metric, mean(values))}`;
    });
  const counts = groups.map(({ runs: own }) => own.filter(({ summary }) => summary.diverged).length);
  const { expected, metrics } = experiment;
  const [[name, metric], ...more] = Object.entries(metrics);
  const bound = (value: string): string => {
    const { figure, atMost, atLeast } = expected?.[value] ?? { figure: "" };
    const limit = atLeast ?? atMost;
    if (limit === undefined) return "-";
    return `${figure.startsWith("best") ? "best" : "end"} ${atLeast === undefined ? "<=" : ">="} ${figureText(metric, limit)}`;
  };
  const rows = [
    [`${experiment.report.describe(settings)}: at the end`, ...cell(metric, name)],
    ["  best on the way", ...cell(metric, `best${capital(name)}`)],
    ...more.map(([other, own]) => [`  ${other} at the end`, ...cell(own, other)]),
    [
      `  runs${counts.some((n) => n > 0) ? " (diverged)" : ""}`,
      ...groups.map(({ runs: own }, i) => `${own.length}${counts[i] ? ` (${counts[i]})` : ""}`),
    ],
    ...(expected
      ? [
          ["  expected", ...ofGroup((_, value) => bound(value))],
          ["  holds", ...ofGroup((summaries) => (summaries.every((s) => holds(experiment, s)) ? "yes" : "no"))],
        ]
      : []),
  ];
  const heads = groups.map(({ label }) => ({ head: capital(label), align: "right" as const }));
  return fitTable([{ head: `Test ${name}, best / average`, align: "left" }, ...heads], rows, columns, (head) =>
    paint("bold", head),
  );
}

/** "all 3 runs with noise learned (95.2 % on average)" */
function outcome(experiment: Experiment, { value, label, runs }: ReturnType<typeof groupsOf>[number]): string {
  const [name, metric] = Object.entries(experiment.metrics)[0];
  const { better, chance, learned } = metric;
  const values = runs.map(({ summary }) => summary[name] as number);
  const diverged = runs.filter(({ summary }) => summary.diverged).length;
  const n = values.length;
  const reaches = (v: number, limit: number): boolean => (better === "higher" ? v >= limit : v <= limit);
  const some = (count: number): string =>
    n === 1 ? "the run" : count === n ? (n === 2 ? "both runs" : `all ${n} runs`) : `${count} of ${n} runs`;
  const average = `${figureText(metric, mean(values))}${n === 1 ? "" : " on average"}${diverged ? `, ${diverged} of ${n} diverged` : ""}`;
  const kind = experiment.compare.phrases?.[value] ?? label;
  if (learned === undefined) return `${some(n)} ${kind} came to ${average}`;
  const count = values.filter((v) => reaches(v, learned)).length;
  // less than a ninth of the way from chance to all that there is: 20 % of ten classes, 56 % of two
  const goal = better === "lower" ? 0 : metric.unit === "share" ? 1 : Number.POSITIVE_INFINITY;
  const beyond = Number.isFinite(goal) ? chance! + (goal - chance!) / 9 : chance!;
  const atChance = chance === undefined ? 0 : values.filter((v) => !reaches(v, beyond)).length;
  if (count > 0) return `${some(count)} ${kind} learned (${average})`;
  if (atChance === n) return `${some(n)} ${kind} ${diverged === n ? "ended" : "stayed"} at chance (${average})`;
  return `${n === 1 ? "the run" : `none of ${n} runs`} ${kind} ${n === 1 ? "did not reach" : "reached"} ${figureText(metric, learned).replace(".0 %", " %")} (${average})`;
}

/** What was seen, and what to try next. */
export function sentence(
  experiment: Experiment,
  settings: RunSettings,
  runs: readonly FinishedRun[],
  columns: number | undefined,
): string {
  const { report, expected } = experiment;
  const seen = groupsOf(experiment, runs).map((group) => outcome(experiment, group));
  const all = runs.every(({ summary }) => holds(experiment, summary));
  const verdict = expected ? `; ${all ? "that is as expected" : "that is not as expected"}` : "";
  const text = `${report.opening(settings)}, ${seen.join(", and ")}${verdict}`;
  const next = report.next?.(settings);
  if (next === undefined) return wrap(`${text}.`, columns ?? Number.POSITIVE_INFINITY);
  const whole = `${text}; next, try ${next[0]}`;
  const command = commandLine(wordsOf(experiment, next[1]).split(" "));
  if (columns === undefined || whole.length + command.length < columns) return `${whole} ${command}`;
  return `${wrap(whole, columns)}\n${wrapCommand(command, columns)}`;
}

/** What a finished command prints, in `columns` of a terminal, or anywhere. */
export function report(
  { experiment, options, runs: [settings] }: Request,
  runs: readonly FinishedRun[],
  columns: number | undefined,
): string {
  const colors = hasColors(process.stdout);
  const paint = painter(colors);
  const results = table(experiment, settings, runs, columns, paint);
  if (options.quiet) return results;
  const seen = sentence(experiment, settings, runs, columns);
  return `\n${chart(experiment, runs, columns ?? 80, paint, colors)}\n\n${results}\n\n${seen}`;
}
