// Tensors as text, the way numpy prints arrays: aligned columns, brackets, an ellipsis past 1000 elements.
// Every digit comes from toPrecision, toFixed and Number(text), which the language defines exactly; so no engine differs.
// Source: numpy 2.4, numpy/_core/arrayprint.py (FloatingFormat, IntegerFormat, _formatArray), with its default options.
import { type Shape, showShape, sizeOf, stridesOf } from "../base/shape.js";

const THRESHOLD = 1000; // elements, beyond which only the edges are printed
const EDGE = 3;
const PRECISION = 8; // digits after the point
const WIDTH = 75;

/** What is printed: `read(i)` is the value at position i, row by row. */
export interface Printable {
  readonly shape: Shape;
  readonly dtype: "float32" | "int32";
  read(position: number): number;
}

/** "tensor [2, 2] float32" and the values: in the same line where they fit, below it otherwise. */
export function printTensor(t: Printable): string {
  const head = `tensor ${showShape(t.shape)} ${t.dtype}`;
  const body = printValues(t);
  return body.includes("\n") || head.length + 1 + body.length > WIDTH ? `${head}\n${body}` : `${head} ${body}`;
}

/** The values alone: numpy's array2string(values, separator=", "). */
export function printValues({ shape, dtype, read }: Printable): string {
  const size = sizeOf(shape);
  if (size === 0) return "[]";
  const shown = shape.map((n) => indices(n, size > THRESHOLD));
  const strides = stridesOf(shape);
  const values: number[] = [];
  const collect = (axis: number, at: number): void => {
    if (axis === shape.length) values.push(read(at));
    else for (const i of shown[axis]) if (i >= 0) collect(axis + 1, at + i * strides[axis]);
  };
  collect(0, 0);
  const words = (dtype === "int32" ? integers : floats)(values);
  let next = 0;
  const block = (axis: number, indent: string, width: number): string => {
    if (axis === shape.length) return words[next++];
    const inner = (): string => block(axis + 1, `${indent} `, width - 1);
    const items = shown[axis].map((i) => (i < 0 ? () => "..." : inner));
    const text =
      axis === shape.length - 1
        ? fillLines(items, indent, width - 1)
        : items.map((item) => indent + item()).join(`,${"\n".repeat(shape.length - 1 - axis)}`);
    return `[${text.slice(indent.length)}]`;
  };
  return block(0, " ", WIDTH);
}

/** Which indices of an axis are shown; -1 stands for the ellipsis. */
function indices(n: number, summarise: boolean): number[] {
  if (!summarise || n <= 2 * EDGE) return Array.from({ length: n }, (_, i) => i);
  return [0, 1, 2, -1, n - 3, n - 2, n - 1];
}

function fillLines(items: readonly (() => string)[], indent: string, width: number): string {
  let done = "";
  let line = indent;
  items.forEach((item, i) => {
    const word = item();
    if (line.length + word.length > width && line.length > indent.length) {
      done += `${line.trimEnd()}\n`;
      line = indent;
    }
    line += i < items.length - 1 ? `${word}, ` : word;
  });
  return done + line;
}

// no spread into Math.max: of eight axes the edges alone are over a million words
const longest = (words: readonly string[]): number => words.reduce((n, word) => Math.max(n, word.length), 0);

function integers(values: readonly number[]): string[] {
  const words = values.map(String);
  const width = longest(words);
  return words.map((word) => word.padStart(width));
}

/** One text per value, all of one width: positional, or with exponents where the range of magnitudes asks for it. */
function floats(values: readonly number[]): string[] {
  const finite = values.filter(Number.isFinite);
  const sizes = finite.filter((v) => v !== 0).map(Math.abs);
  const largest = sizes.reduce((a, b) => Math.max(a, b), 0);
  const smallest = sizes.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const scientific =
    sizes.length > 0 && (largest >= 1e6 || smallest < Math.fround(0.0001) || Math.fround(largest / smallest) > 1000);
  const parts = (least: number): (Parts | undefined)[] =>
    values.map((v) => (!Number.isFinite(v) ? undefined : scientific ? withExponent(v, least) : positional(v)));
  const first = parts(0);
  const widest = (part: number): number => longest(first.map((p) => p?.[part] ?? ""));
  const after = widest(1);
  const exponent = widest(2);
  let before = widest(0);
  const others = values.filter((v) => !Number.isFinite(v)).map(special);
  if (others.length > 0) before = Math.max(before, longest(others) - after - exponent - 1);
  return parts(after).map((p, i) =>
    p === undefined
      ? special(values[i]).padStart(before + 1 + after + exponent)
      : `${p[0].padStart(before)}.${p[1].padEnd(after)}${p[2]}`,
  );
}

const special = (v: number): string => (Number.isNaN(v) ? "nan" : v > 0 ? "inf" : "-inf");

/** Sign and digits before the point, digits after it, exponent. */
type Parts = readonly [whole: string, fraction: string, exponent: string];

/** The fewest significant digits that name this float32, and its decimal exponent. */
function shortest(v: number): { sign: string; digits: string; exponent: number } {
  if (v === 0) return { sign: Object.is(v, -0) ? "-" : "", digits: "0", exponent: 0 };
  let text = "";
  for (let digits = 0; digits < 9; digits++) {
    text = v.toExponential(digits);
    if (digits > 0) text = tiesToEven(v.toExponential(100), text, digits);
    if (Math.fround(Number(text)) === v) break;
  }
  const [, sign, first, rest = "", exponent] = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text)!;
  return { sign, digits: first + rest, exponent: Number(exponent) };
}

/** With at least `least` digits after the point; those beyond the shortest are the exact value's, as in numpy. */
function withExponent(v: number, least = 0): Parts {
  let text = v.toExponential(least);
  const { sign, digits, exponent } = shortest(v);
  if (digits.length > least) text = `${digits[0]}.${digits.slice(1)}e${exponent}`;
  else if (least > 0) text = tiesToEven(v.toExponential(100), text, least);
  const [, first, fraction = "", minus, power] = /(\d)\.?(\d*)e\+?(-?)(\d+)$/.exec(text)!;
  return [sign + first, fraction, `e${minus || "+"}${power.padStart(2, "0")}`];
}

function positional(v: number): Parts {
  const { sign, digits, exponent } = shortest(v);
  if (digits.length - 1 - exponent > PRECISION) return cut(v);
  const padded = digits.padStart(digits.length - Math.min(exponent, 0), "0").padEnd(exponent + 1, "0");
  const point = Math.max(exponent, 0) + 1;
  return [sign + padded.slice(0, point), padded.slice(point), ""];
}

function cut(v: number): Parts {
  const size = Math.abs(v);
  const [whole, fraction] = tiesToEven(size.toFixed(60), size.toFixed(PRECISION), PRECISION).split(".");
  return [(v < 0 ? "-" : "") + whole, fraction.replace(/0+$/, ""), ""];
}

/** toFixed and toExponential take a tie upwards; `exact` has every digit of the value and tells whether it is one. */
function tiesToEven(exact: string, rounded: string, digits: number): string {
  const [, kept, exponent] = new RegExp(`^(-?\\d+\\.\\d{${digits - 1}}[02468])50*(e.*)?$`).exec(exact) ?? [];
  return kept === undefined ? rounded : kept + (exponent ?? "");
}
