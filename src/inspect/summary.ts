// A table of what a model holds: a line for every parameter, and the total.
import { printable, show } from "../base/errors.js";
import { showShape } from "../base/shape.js";
import { flatten } from "../base/tree.js";
import { key } from "../core/random.js";
import { isTensor } from "../core/tensor.js";

/** A layer, whose `init` is asked for parameters; or a trainer; or a tree of parameters. */
export type Summarised = { init(key: any): unknown } | { readonly params: unknown } | object;

/**
 * A table of paths, shapes and counts of parameters, with the total and its bytes.
 *
 * Takes a tree of parameters, a layer or a trainer.
 * Throws TypeError naming the path of anything that is neither tensor, array nor plain object.
 * Example: `console.log(summary(nn.mlp([784, 50, 10])))`
 */
export function summary(model: Summarised): string {
  const leaves = flatten(parametersOf(model), isTensor, "summary: params");
  const rows = leaves.map(({ path, leaf }) => [
    printable(path) || "(the tensor itself)",
    showShape(leaf.shape),
    grouped(leaf.size),
    leaf.dtype === "float32" ? "" : leaf.dtype,
  ]);
  const total = leaves.reduce((sum, { leaf }) => sum + leaf.size, 0);
  const head = ["path", "shape", "parameters", ""];
  const foot = ["total", "", grouped(total), size(total * 4)];
  const widths = head.map((_, c) => Math.max(...[head, ...rows, foot].map((row) => row[c].length)));
  const line = (row: readonly string[]): string =>
    row
      .map((word, c) => (c === 2 ? word.padStart(widths[c]) : word.padEnd(widths[c])))
      .join("  ")
      .trimEnd();
  const rule = "-".repeat(line(head).length);
  return [line(head), rule, ...rows.map(line), rule, line(foot)].join("\n");
}

function parametersOf(model: Summarised): unknown {
  if (typeof model !== "object" || model === null) {
    const hint = typeof model === "function" ? ". Call it: a layer is what nn.linear(2, 3) returns" : "";
    throw new TypeError(`summary: expected parameters, a layer or a trainer, got ${show(model)}${hint}`);
  }
  if ("init" in model && typeof model.init === "function") return model.init(key(0));
  if ("step" in model && typeof model.step === "function" && "params" in model) return model.params;
  return model;
}

/** 88210 as 88,210, wherever it runs. */
const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const [unit, name] = bytes < 1024 * 1024 ? [1024, "kB"] : [1024 * 1024, "MB"];
  return `${(bytes / unit).toFixed(1)} ${name}`;
}
