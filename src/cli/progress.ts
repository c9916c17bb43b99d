// What people see while runs train: one live line a run on a terminal, a few plain lines elsewhere.
import cliProgress from "cli-progress";
import { noiseStd } from "../optim/index.js";
import type { DeepMlpSettings, DeepMlpSummary, Evaluation } from "../paper/index.js";
import { columnsOf } from "./layout.js";
import { duration, hasColors, lossText, type Paint, painter, percent } from "./terminal.js";

export interface Progress {
  /** The run has its data and stands at `step` of `total`. */
  ready(run: number, step: number, total: number): void;
  tick(run: number, step: number, loss: number): void;
  evaluation(run: number, evaluation: Evaluation): void;
  done(run: number, summary: DeepMlpSummary): void;
  stopped(run: number, step: number): void;
  /** It came to no end; why is told when all have ended. */
  failed(run: number): void;
  close(): void;
}

export const noiseLabel = (noise: boolean): string => (noise ? "with noise" : "no noise");
const stdAt = (s: DeepMlpSettings, step: number): number => (s.noise ? noiseStd(s.eta, s.gamma, step) : 0);

export const silent: Progress = {
  ready() {},
  tick() {},
  evaluation() {},
  done() {},
  stopped() {},
  failed() {},
  close() {},
};

/** Four lines a run and one at its end. */
export function plainProgress(runs: readonly DeepMlpSettings[], write: (line: string) => void): Progress {
  const label = (i: number): string => `${noiseLabel(runs[i].noise)}, seed ${runs[i].seed}`;
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
    evaluation(i, { step, loss, accuracy }) {
      const mark = Math.floor((4 * step) / totals[i]);
      if (mark <= marks[i] || step === totals[i]) return;
      marks[i] = mark;
      const std = runs[i].noise ? `, noise std ${stdAt(runs[i], step).toFixed(4)}` : "";
      write(
        `${label(i)}: step ${step} of ${totals[i]}, test loss ${lossText(loss)}, accuracy ${percent(accuracy)}${std}`,
      );
    },
    done(i, s) {
      const how = s.diverged ? `diverged at step ${s.steps}` : `done after ${s.steps} steps`;
      write(
        `${label(i)}: ${how}, accuracy ${percent(s.accuracy)}, best ${percent(s.bestAccuracy)}, digest ${s.digest}`,
      );
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
  settings: DeepMlpSettings;
  bar?: cliProgress.SingleBar;
  step: number;
  total: number;
  loss: number;
  accuracy?: number;
  /** Steps a second over the last seconds. */
  rate: number;
  marks: { at: number; step: number }[];
  end?: string;
}

/** Columns of a line: from left to right, with the widest they usually get; the least needed go first where room is short. */
const CELLS = [
  { head: "", width: 10, need: 9 },
  { head: "seed", width: 5, need: 7 },
  { head: "step", width: 13, need: 8 },
  { head: "loss", width: 8, need: 3 },
  { head: "accuracy", width: 10, need: 6 },
  { head: "noise std", width: 11, need: 1 },
  { head: "steps/s", width: 9, need: 2 },
  { head: "time left", width: 12, need: 4 },
];
const COLOR_CODES = 10; // characters; cli-progress counts them as columns when it cuts a line to the width

function cells(line: Line): string[] {
  const { settings: s, step, total, loss, accuracy, rate, end } = line;
  return [
    noiseLabel(s.noise),
    String(s.seed),
    total ? `${step}/${total}` : "",
    lossText(loss),
    accuracy === undefined ? (end === "failed" ? end : "") : percent(accuracy),
    s.noise && total ? stdAt(s, step).toFixed(4) : "-",
    rate && !end ? rate.toFixed(0) : "",
    end ?? (total ? (rate ? duration((total - step) / rate) : "") : "waiting"),
  ];
}

/** How lines are laid out: 78 columns, which fit a terminal of 80, or fewer cells; seeds and steps of many digits get room. */
function lineLayout(lines: readonly Line[], columns: number): (words: readonly string[]) => string {
  const digits = (figure: (line: Line) => number): number =>
    lines.reduce((most, line) => Math.max(most, String(figure(line)).length), 0);
  const least = [0, digits((l) => l.settings.seed) + 1, 2 * digits((l) => l.total || l.settings.steps) + 3];
  const widths = CELLS.map(({ width }, i) => Math.max(width, least[i] ?? 0));
  const shown = CELLS.map(() => true);
  const width = (): number => widths.reduce((sum, w, i) => sum + (shown[i] ? w : 0), 0);
  const byNeed = CELLS.map((_, i) => i).sort((a, b) => CELLS[a].need - CELLS[b].need);
  for (const i of byNeed) if (width() > columns - 2) shown[i] = false;
  return (words) =>
    words
      .flatMap((word, i) => (shown[i] ? [i === 0 ? word.padEnd(widths[0]) : word.padStart(widths[i])] : []))
      .join("");
}

function barText(line: Line, room: number, paint: Paint): string {
  if (room < 12) return "";
  const width = Math.min(room - 2, 40);
  const full = line.total ? Math.round((width * line.step) / line.total) : 0;
  return `  ${paint(line.settings.noise ? "green" : "yellow", "█".repeat(full))}${"░".repeat(width - full)}`;
}

/** One live line a run. More runs than the terminal has rows scroll off above as they end. */
export function liveProgress(runs: readonly DeepMlpSettings[], stream: NodeJS.WriteStream): Progress {
  const colors = hasColors(stream);
  const paint = painter(colors);
  const columns = (): number => columnsOf(stream) ?? 80;
  const row = (line: Line): string => lineLayout(lines, columns())(cells(line));
  const multibar = new cliProgress.MultiBar(
    {
      stream,
      fps: 8,
      hideCursor: true,
      emptyOnZero: true,
      format: (_options, _params, { line }: { line: Line }) => {
        const text = row(line);
        return text + barText(line, columns() - text.length - (colors ? COLOR_CODES : 0), paint);
      },
    },
    cliProgress.Presets.shades_classic,
  );
  const lines: Line[] = runs.map((settings) => ({
    settings,
    step: 0,
    total: 0,
    loss: Number.NaN,
    rate: 0,
    marks: [],
  }));
  stream.write(`${paint("dim", lineLayout(lines, columns())(CELLS.map(({ head }) => head)))}\n`);
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
    evaluation(i, { step, accuracy }) {
      Object.assign(lines[i], { step, accuracy });
    },
    done(i, { steps, accuracy, finalLoss, diverged }) {
      Object.assign(lines[i], { step: steps, accuracy, loss: finalLoss ?? Number.NaN });
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
