// What a stream can show, and figures as people read them.
import { styleText } from "node:util";
import { comparedValues, type Experiment, type Metric } from "../experiments/index.js";

/** Whether colours may be used: a terminal, and neither NO_COLOR nor a dumb one. */
export function hasColors(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}

export type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style, text: string) => string;

export const painter = (colors: boolean): Paint =>
  colors ? (style, text) => styleText(style, text) : (_, text) => text;

const COLORS = ["green", "yellow", "cyan", "magenta"] as const;

/** The colour of a run: that of what it is compared by. */
export function colorOf(
  experiment: Experiment,
  settings: { readonly [name: string]: unknown },
): (typeof COLORS)[number] {
  const at = comparedValues(experiment).indexOf(settings[experiment.compare.setting] as string);
  return COLORS[Math.max(0, at) % COLORS.length];
}

/** A figure as its metric is told. */
export const figureText = ({ unit }: Metric, value: number): string =>
  unit === "share" ? percent(value) : Number.isFinite(value) ? String(Number(value.toPrecision(4))) : "-";

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "";
  const s = Math.max(0, Math.round(seconds));
  if (s < 100) return `${s} s`;
  return s < 6000 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.round(s / 3600)} h`;
}

export function lossText(loss: number | null): string {
  if (loss === null || Number.isNaN(loss)) return "-";
  return Math.abs(loss) < 100 ? loss.toFixed(3) : loss.toPrecision(3);
}
