// The runs of a function that together tell what it depends on: the example, other sizes of the batch, other values.
import { ShapeError, show } from "../base/errors.js";
import { showShape } from "../base/shape.js";
import { sameAttributes } from "../core/record.js";
import type { HostArray } from "../core/tensor.js";
import type { Value } from "../core/value.js";
import { exampleTree, firstRow, withOtherValues, withRows } from "./example.js";
import type { Dimension } from "./graph.js";
import { attempt, firstDifference, type Program, reachable, type Trace, trace, traceBatch } from "./trace.js";

export const FIXED = "Pass { dynamicBatch: false }";

/** The run on the example first, then those on other sizes of the batch, where that may change. */
export function runsOf(f: Program, params: unknown, x: unknown, dynamicBatch: boolean): Trace[] {
  const own = exampleTree("params", params);
  const example = exampleTree("x", x);
  const first = trace(f, own, example, { params, x });
  const runs = [first];
  if (dynamicBatch) {
    const { batch } = first;
    for (const { path, tensor } of first.inputs)
      if (tensor.rank === 0 || tensor.shape[0] !== batch)
        throw new ShapeError(
          `toONNX: the input ${path || "x"} ${showShape(tensor.shape)} has no first axis ${batch === undefined ? "" : `of ${batch} `}for the batch. ${FIXED}`,
        );
    // the first of these gives the slope of every size, the second, further away, tells whether it is one
    for (const more of [1, batch + 3]) runs.push(traceBatch(f, own, withRows(example, more), first));
    // a batch of one may take a shortcut (there is nothing to stretch), or be too small for the function
    const single = batch > 1 ? attempt(() => trace(f, own, firstRow(example))) : undefined;
    if (single && firstDifference(first, single) < 0) runs.push(single);
  }
  for (const sign of [1, -1] as const) {
    // a function that refuses them is not one that reads them in silence
    const other = attempt(() => trace(f, own, withOtherValues(example, sign)));
    if (other) checkValues(first, other);
  }
  checkUse(runs);
  return runs;
}

const HIDDEN = "Compute with ops, not with .item() or .data; where(...) writes a choice";

/** Throws TypeError where ops, attributes or constants were made from the example's values: the model would keep them. */
function checkValues(first: Trace, other: Trace): void {
  const at = firstDifference(first, other);
  if (at >= 0)
    throw new TypeError(
      `toONNX: the function does other ops for other values of x, from op ${at} on: the model would always do those of the example. ${HIDDEN}`,
    );
  const needed = reachable(first);
  first.records.forEach((r, i) => {
    const s = other.records[i];
    if (!needed.has(r.output) || first.inputs.some(({ tensor }) => tensor === r.output)) return;
    const isUpload = r.op.name === "upload";
    const same = isUpload
      ? sameValues(first.values.get(r.output)!, other.values.get(s.output)!)
      : sameAttributes(r.attributes, s.attributes);
    const what = isUpload
      ? `the tensor ${showShape(r.output.shape)} that the function brings along`
      : r.op.name === "constant"
        ? `the number ${r.attributes}`
        : `${r.op.name} with ${show(r.attributes)}`;
    if (!same)
      throw new TypeError(
        `toONNX: ${what} is another for other values of x: the model would keep that of the example. ${HIDDEN}`,
      );
  });
}

/** Throws TypeError for a result that no parameter, or no input, is in. */
function checkUse(runs: readonly Trace[]): void {
  const [first] = runs;
  const needed = reachable(first);
  if (first.params.length > 0 && !first.params.some(({ tensor }) => needed.has(tensor)))
    throw new TypeError(
      "toONNX: the result depends on no tensor in params. Let the function use its first argument, or pass {} for params",
    );
  if (first.inputs.some(({ tensor }) => needed.has(tensor))) return;
  if (first.outputs.every((_, i) => dimensionsOf("the result", runs, (t) => t.outputs[i].tensor).every(isFixed)))
    throw new TypeError(
      "toONNX: the result depends on no input, so the model would be a constant. Let the function use its second argument",
    );
}

const isFixed = ({ batches }: Dimension): boolean => batches === 0;

/** Sizes of the same tensor in every run: equal, or growing by the same with every row of the batch. */
export function dimensionsOf(
  what: string,
  runs: readonly Trace[],
  tensorOf: (run: Trace, at: number) => Value,
): Dimension[] {
  const shapes = runs.map((run, i) => tensorOf(run, i).shape);
  const changed = shapes.findIndex(({ length }) => length !== shapes[0].length);
  if (changed >= 0)
    throw new ShapeError(
      `toONNX: ${what} is ${showShape(shapes[0])} for a batch of ${runs[0].batch} and ${showShape(shapes[changed])} for ${runs[changed].batch}. Name the axes that go, as in squeeze(x, -1)`,
    );
  return follow(`${what} has`, "entries along axis", runs, shapes);
}

/** Numbers of every run, each as a multiple of the batch and a rest. Throws ShapeError for one that is not. */
export function follow(
  what: string,
  which: string,
  runs: readonly Trace[],
  lists: readonly (readonly number[])[],
): Dimension[] {
  return lists[0].map((size, d) => {
    const sizes = lists.map((list) => list[d]);
    const batches = runs.length === 1 ? 0 : sizes[1] - size;
    const extra = size - batches * runs[0].batch;
    if (runs.length > 1 && sizes.some((n, i) => n !== batches * runs[i].batch + extra))
      throw new ShapeError(
        `toONNX: ${what} ${sizes.join(", ")} ${which} ${d} for batches of ${runs.map(({ batch }) => batch).join(", ")}: no multiple of the batch. ${FIXED}`,
      );
    return { size, batches, extra };
  });
}

/** Bit by bit, so that NaN is itself. */
export function sameValues(a: HostArray, b: HostArray): boolean {
  const [x, y] = [a, b].map((v) => new Uint32Array(v.buffer, v.byteOffset, v.length));
  return x.length === y.length && x.every((word, i) => word === y[i]);
}
