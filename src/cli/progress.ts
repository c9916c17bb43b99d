// What people see while runs train: one live line a run on a terminal, a few plain lines elsewhere.
import cliProgress from "cli-progress";
import { type Evaluation, type Experiment, labelOf, type Summary } from "../experiments/index.js";
import { columnsOf } from "./layout.js";
import type { RunSettings } from "./options.js";
import { colorOf, duration, figureText, hasColors, lossText, type Paint, painter } from "./terminal.js";

export interface Progress {
  /** The run has its data and stands at `step` of `total`. */
  ready(run: number, step: number, total: number): void;
  tick(run: number, step: number, loss: number): void;
  evaluation(run: number, evaluation: Evaluation): void;
  done(run: number, summary: Summary): void;
  stopped(run: number, step: number): void;
  /** It came to no end; why is told when all have ended. */
  failed(run: number): void;
  close(): void;
}

export const silent: Progress = {
  ready() {},
  tick() {},
  evaluation() {},
  done() {},
  stopped() {},
  failed() {},
  close() {},
};

/** The metric that is shown: the first. */
function shownMetric({ metrics }: Experiment): { name: string; best: string; text(value: unknown): string } {
  const [name, metric] = Object.entries(metrics)[0];
  const best = `best${name[0].toUpperCase()}${name.slice(1)}`;
  return { name, best, text: (value) => figureText(metric, value as number) };
}

/** Four lines a run and one at its end. */
export function plainProgress(
  experiment: Experiment,
  runs: readonly RunSettings[],
  write: (line: string) => void,
): Progress {
  const { gauge } = experiment.report;
  const metric = shownMetric(experiment);
  const label = (i: number): string => `${labelOf(experiment, runs[i])}, seed ${runs[i].seed}`;
  const totals: number[] = [];
  const marks = runs.map(() => 0);
  return {
    ...silent,
    ready(i, step, total) {
      totals[i] = total;
      if (step === 0) return;
      marks[i] = Math.floor((4 * step) / total);
      write(`${label(i)}: resumed at step ${step} of ${total}`);
    },
    evaluation(i, { step, loss, ...figures }) {
      const mark = Math.floor((4 * step) / totals[i]);
      if (mark <= marks[i] || step === totals[i]) return;
      marks[i] = mark;
      const gauged = gauge?.at(runs[i], step);
      const words = [
        `step ${step} of ${totals[i]}`,
        `test loss ${lossText(loss)}`,
        `${metric.name} ${metric.text(figures[metric.name])}`,
        ...(gauged === undefined ? [] : [`${gauge!.name} ${gauged.toFixed(4)}`]),
      ];
      write(`${label(i)}: ${words.join(", ")}`);
    },
    done(i, s) {
      const how = s.diverged ? `diverged at step ${s.steps}` : `done after ${s.steps} steps`;
      const figures = `${metric.name} ${metric.text(s[metric.name])}, best ${metric.text(s[metric.best])}`;
      write(`${label(i)}: ${how}, ${figures}, digest ${s.digest}`);
    },
    stopped(i, step) {
      write(`${label(i)}: stopped at step ${step}`);
    },
    failed(i) {
      write(`${label(i)}: failed`);
    },
  };
}

interface Line {
  settings: RunSettings;
  label: string;
  bar?: cliProgress.SingleBar;
  step: number;
  total: number;
  loss: number;
  metric?: unknown;
  /** Steps a second over the last seconds. */
  rate: number;
  marks: { at: number; step: number }[];
  end?: string;
}

interface Cell {
  readonly head: string;
  /** The widest it usually gets. */
  readonly width: number;
  /** The least needed go first where room is short. */
  readonly need: number;
  text(line: Line): string;
}

/** Columns of a line, from left to right. */
function cellsOf(experiment: Experiment, lines: readonly Line[]): Cell[] {
  const { gauge } = experiment.report;
  const metric = shownMetric(experiment);
  // seeds and steps of many digits get room
  const digits = (figure: (line: Line) => number): number =>
    lines.reduce((most, line) => Math.max(most, String(figure(line)).length), 0);
  const cell = (head: string, width: number, need: number, text: (line: Line) => string): Cell => ({
    head,
    width: Math.max(width, head.length + 2),
    need,
    text,
  });
  const end = ({ end: word, total, rate, step }: Line): string =>
    word ?? (total ? (rate ? duration((total - step) / rate) : "") : "waiting");
  const gauged = ({ settings, step, total }: Line): string => {
    const value = total ? gauge!.at(settings, step) : undefined;
    return value === undefined ? "-" : value.toFixed(4);
  };
  return [
    { head: "", width: Math.max(10, ...lines.map(({ label }) => label.length)), need: 9, text: ({ label }) => label },
    {
      head: "seed",
      width: Math.max(5, digits((l) => l.settings.seed) + 1),
      need: 7,
      text: (l) => String(l.settings.seed),
    },
    cell("step", Math.max(13, 2 * digits((l) => l.total || Number(l.settings.steps ?? 0)) + 3), 8, ({ step, total }) =>
      total ? `${step}/${total}` : "",
    ),
    cell("loss", 8, 3, ({ loss }) => lossText(loss)),
    cell(metric.name, 10, 6, (l) =>
      l.metric === undefined ? (l.end === "failed" ? l.end : "") : metric.text(l.metric),
    ),
    ...(gauge ? [cell(gauge.name, 11, 1, gauged)] : []),
    cell("steps/s", 9, 2, ({ rate, end: over }) => (rate && !over ? rate.toFixed(0) : "")),
    cell("time left", 12, 4, end),
  ];
}

const COLOR_CODES = 10; // characters; cli-progress counts them as columns when it cuts a line to the width

/** How lines are laid out: 78 columns, which fit a terminal of 80, or fewer cells. */
function lineLayout(cells: readonly Cell[], columns: number): (words: readonly string[]) => string {
  const shown = cells.map(() => true);
  const width = (): number => cells.reduce((sum, cell, i) => sum + (shown[i] ? cell.width : 0), 0);
  const byNeed = cells.map((_, i) => i).sort((a, b) => cells[a].need - cells[b].need);
  for (const i of byNeed) if (width() > columns - 2) shown[i] = false;
  return (words) =>
    words
      .flatMap((word, i) => (shown[i] ? [i === 0 ? word.padEnd(cells[0].width) : word.padStart(cells[i].width)] : []))
      .join("");
}

function barText(experiment: Experiment, line: Line, room: number, paint: Paint): string {
  if (room < 12) return "";
  const width = Math.min(room - 2, 40);
  const full = line.total ? Math.round((width * line.step) / line.total) : 0;
  return `  ${paint(colorOf(experiment, line.settings), "█".repeat(full))}${"░".repeat(width - full)}`;
}

/** One live line a run. More runs than the terminal has rows scroll off above as they end. */
export function liveProgress(
  experiment: Experiment,
  runs: readonly RunSettings[],
  stream: NodeJS.WriteStream,
): Progress {
  const metric = shownMetric(experiment);
  const colors = hasColors(stream);
  const paint = painter(colors);
  const columns = (): number => columnsOf(stream) ?? 80;
  const laidOut = (word: (cell: Cell) => string): string => {
    const cells = cellsOf(experiment, lines);
    return lineLayout(cells, columns())(cells.map(word));
  };
  const row = (line: Line): string => laidOut(({ text }) => text(line));
  const multibar = new cliProgress.MultiBar(
    {
      stream,
      fps: 8,
      hideCursor: true,
      emptyOnZero: true,
      format: (_options, _params, { line }: { line: Line }) => {
        const text = row(line);
        return text + barText(experiment, line, columns() - text.length - (colors ? COLOR_CODES : 0), paint);
      },
    },
    cliProgress.Presets.shades_classic,
  );
  const lines: Line[] = runs.map((settings) => ({
    settings,
    label: labelOf(experiment, settings),
    step: 0,
    total: 0,
    loss: Number.NaN,
    rate: 0,
    marks: [],
  }));
  stream.write(
    `${paint(
      "dim",
      laidOut(({ head }) => head),
    )}\n`,
  );
  const crowded = runs.length > (stream.rows ?? 24) - 4;
  const show = (line: Line): void => {
    line.bar ??= multibar.create(1, 0, { line });
  };
  if (!crowded) lines.forEach(show);
  const finish = (line: Line, end: string): void => {
    line.end = end;
    if (!crowded) return;
    multibar.log(`${row(line)}\n`);
    if (line.bar) multibar.remove(line.bar);
  };
  return {
    ready(i, step, total) {
      Object.assign(lines[i], { step, total, marks: [{ at: performance.now(), step }] });
      show(lines[i]);
    },
    tick(i, step, loss) {
      const line = lines[i];
      Object.assign(line, { step, loss });
      const now = performance.now();
      line.marks.push({ at: now, step });
      while (line.marks.length > 2 && now - line.marks[0].at > 3000) line.marks.shift();
      const [first] = line.marks;
      line.rate = (1000 * (step - first.step)) / Math.max(1, now - first.at);
    },
    evaluation(i, { step, ...figures }) {
      Object.assign(lines[i], { step, metric: figures[metric.name] });
    },
    done(i, { steps, finalLoss, diverged, ...figures }) {
      Object.assign(lines[i], { step: steps, metric: figures[metric.name], loss: finalLoss ?? Number.NaN });
      finish(lines[i], diverged ? "diverged" : "done");
    },
    stopped(i, step) {
      lines[i].step = step;
      finish(lines[i], "stopped");
    },
    failed(i) {
      finish(lines[i], "failed");
    },
    close() {
      multibar.stop();
    },
  };
}
