// A metric by step as a chart of characters: the mean over seeds, a line for each of what is compared.
import asciichart from "asciichart";
import { comparedValues, type Evaluation, type Experiment, labelOf, type Summary } from "../experiments/index.js";
import { colorOf, figureText, type Paint } from "./terminal.js";

export interface FinishedRun {
  readonly history: readonly Evaluation[];
  readonly summary: Summary;
}

const HEIGHT = 10; // rows
const AXIS = 8; // columns of "100 % ┤"
const LABEL = 10; // columns of "   94.7 %", beside the longest name
const BESIDE = 50; // columns of a terminal from which on a line is named at its end, not below

export const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

/** The runs of each compared value, where there are any, in the order in which they ran. */
export function groupsOf(experiment: Experiment, runs: readonly FinishedRun[]) {
  const { setting } = experiment.compare;
  return comparedValues(experiment)
    .map((value) => ({
      value: String(value),
      label: labelOf(experiment, { [setting]: value }),
      color: colorOf(experiment, { [setting]: value }),
      runs: runs.filter(({ summary }) => summary[setting] === value),
    }))
    .filter((group) => group.runs.length > 0);
}

/** The metric at `step`, in a line between evaluations; a run that ended early keeps its last. */
function valueAt(history: readonly Evaluation[], metric: string, step: number): number {
  const at = (e: Evaluation): number => e[metric] as number;
  const after = history.findIndex((e) => e.step >= step);
  if (after === -1) return at(history.at(-1)!);
  if (after === 0) return at(history[0]);
  const [a, b] = [history[after - 1], history[after]];
  return at(a) + ((at(b) - at(a)) * (step - a.step)) / (b.step - a.step);
}

/** Every line is named at its end, so it reads without colours. */
export function chart(
  experiment: Experiment,
  runs: readonly FinishedRun[],
  columns: number,
  paint: Paint,
  colors: boolean,
): string {
  const [name, metric] = Object.entries(experiment.metrics)[0];
  const share = metric.unit === "share";
  const scale = share ? 100 : 1;
  const groups = groupsOf(experiment, runs).reverse(); // asciichart draws later series over earlier ones
  const first = Math.min(...runs.map((run) => run.history[0].step));
  const last = Math.max(...runs.map((run) => run.history.at(-1)!.step));
  const beside = columns >= BESIDE;
  const label = LABEL + Math.max(...groups.map((group) => group.label.length));
  const width = Math.max(8, Math.min(columns - AXIS - (beside ? label : 1), 72));
  const lines = groups.map((group) =>
    Array.from({ length: width }, (_, x) => {
      const step = first + ((last - first) * x) / (width - 1);
      return scale * mean(group.runs.map((run) => valueAt(run.history, name, step)));
    }),
  );
  const least = share ? 0 : Math.min(...lines.flat());
  const most = share ? 100 : Math.max(...lines.flat(), least + 1e-9);
  const rows = asciichart
    .plot(lines, {
      min: least,
      max: most,
      height: HEIGHT,
      offset: 2,
      colors: groups.map(({ color }) => (colors ? asciichart[color] : undefined)),
      format: (value) => (share ? `${value.toFixed(0).padStart(3)} % ` : `${value.toPrecision(3).padStart(5)} `),
    })
    .split("\n");
  const names = groups
    .map((group, i) => ({ ...group, end: lines[i].at(-1)! }))
    .sort((a, b) => b.end - a.end)
    .map(({ label, color, end }) => ({
      row: HEIGHT - Math.round((HEIGHT * (end - least)) / (most - least)),
      text: paint(color, `${label} ${figureText(metric, end / scale)}`),
    }));
  spread(names);
  const nameOf = (row: number): string =>
    names.filter((named) => named.row === row).map(({ text }) => `  ${text}`)[0] ?? "";
  const seeds = new Set(runs.map((run) => run.summary.seed)).size;
  const from = `step ${first} `;
  const axis = `${" ".repeat(AXIS)}${from}${String(last).padStart(width - from.length)}`;
  return [
    `Test ${name} by step${seeds > 1 ? `, mean of ${seeds} seeds` : ""}`,
    ...rows.map((row, i) => (beside && nameOf(i) ? row + nameOf(i) : row.trimEnd())),
    axis,
    ...(beside ? [] : ["At the end:", ...names.map(({ text }) => `  ${text}`)]),
  ].join("\n");
}

/** Names that meet take neighbouring rows, the better above. */
function spread(names: { row: number }[]): void {
  for (let i = 1; i < names.length; i++) names[i].row = Math.max(names[i].row, names[i - 1].row + 1);
  names.forEach((name, i) => {
    name.row = Math.min(name.row, HEIGHT - (names.length - 1 - i));
  });
  for (let i = names.length - 2; i >= 0; i--) names[i].row = Math.min(names[i].row, names[i + 1].row - 1);
}
