// toONNX: a function of parameters and inputs as an ONNX model, read off the tape of a run on an example.
// Which sizes follow the batch is seen by running it on other sizes of the batch and comparing the tapes; what was read from
// the example's values, and would be fixed in the model, by running it on other values.
import { ShapeError, show } from "../base/errors.js";
import { flag, type Rule, readOptions } from "../base/options.js";
import { sameShape, showShape } from "../base/shape.js";
import { sameAttributes, type TapeRecord } from "../core/record.js";
import { currentScope } from "../core/scope.js";
import type { Value } from "../core/value.js";
import { encodeOnnx, type OnnxValue } from "./encode.js";
import { checkKnown, type OnnxEntry } from "./entry.js";
import { type Dimension, OnnxGraph } from "./graph.js";
import { Names } from "./names.js";
import { onnxEntries, refusals } from "./ops.js";
import { dimensionsOf, FIXED, follow, runsOf, sameValues } from "./runs.js";
import { reachable, type Trace } from "./trace.js";

/** Options of toONNX. */
export interface OnnxOptions {
  /** Whether the first axis of the inputs may have any size when the model runs; true by default. */
  readonly dynamicBatch?: boolean;
  /** Of the graph; "model" by default. */
  readonly name?: string;
}

const text: Rule = (owner, name, value) => {
  if (typeof value !== "string" || value === "")
    throw new TypeError(`${owner}: "${name}" expected a text that is not empty, got ${show(value)}`);
  return value;
};

/**
 * A model in ONNX (opset 17) of `f(params, x)`, for onnxruntime and others: what f does on the example x, with the
 * parameters in it. Layers are called without a context, as they are when a model is used.
 *
 * Shapes: x is a tensor (the input "x") or a tree of them (inputs by path); f returns a tensor (the output "y") or a tree.
 * The first axis of every input is the batch, of any size when the model runs, unless `dynamicBatch` is false; what follows
 * it is found by running f on other sizes too, and what was read from the example's values by running it on other values.
 * Parameters are called by their paths; an output called as an input gets "_out" behind its name, a parameter called as
 * either "params." before it. Losses and recurrent layers are written too; `recompute` and dropout at work are not.
 * Throws TypeError naming an op, or an attribute of one, that has no ONNX form here; for what is no function, no tree of
 * tensors or no option; for a function that leaves its arguments unused, or computes with numbers read from the example;
 * for names that ONNX has not. Throws ShapeError where f depends on the batch in a way that the model cannot follow.
 * Example: `toONNX((p, x) => relu(matmul(x, p.w)), { w: zeros([3, 2]) }, zeros([1, 3]))`
 * Source: onnx/onnx.proto3 and onnx/docs/Operators.md.
 */
export function toONNX<P, X>(f: (params: P, x: X) => unknown, params: P, x: X, options: OnnxOptions = {}): Uint8Array {
  const { dynamicBatch = true, name = "model" } = readOptions("toONNX", options, { dynamicBatch: flag, name: text });
  if (typeof f !== "function" || show(f) === "a class")
    throw new TypeError(
      `toONNX: expected a function of params and x, got ${show(f)}${typeof f !== "function" && typeof (f as any)?.apply === "function" ? ". Pass its apply" : ""}`,
    );
  if (currentScope()) throw new Error("toONNX: call it outside of a loss: it runs the function in a scope of its own");
  const runs = runsOf(f, params, x, dynamicBatch);
  const [first] = runs;
  const needed = reachable(first);
  const names = namesOf(first);
  const graph = new OnnxGraph(names.inputs[0], names.all);
  const values = new Map<Value, string>();
  first.inputs.forEach(({ tensor }, i) => {
    values.set(tensor, names.inputs[i]);
  });
  first.params.forEach(({ tensor }, i) => {
    values.set(tensor, graph.constant(first.values.get(tensor)!, tensor.shape, names.params[i]));
  });
  first.records.forEach((r, at) => {
    if (!needed.has(r.output) || values.has(r.output)) return;
    const records = runs.map((run) => run.records[at]);
    values.set(
      r.output,
      r.op.name === "upload" ? writeConstant(graph, runs, records) : writeOp(graph, runs, records, values),
    );
  });
  const describe = (name: string, what: string, tensorOf: (run: Trace) => Value): OnnxValue => ({
    name,
    type: tensorOf(first).dtype,
    shape: dimensionsOf(what, runs, tensorOf).map(sizeText),
  });
  const inputs = names.inputs.map((own, i) => describe(own, "the input", (run) => run.inputs[i].tensor));
  const outputs = names.outputs.map((own, i) => {
    graph.rename(values.get(first.outputs[i].tensor)!, own);
    return describe(own, "the result", (run) => run.outputs[i].tensor);
  });
  return encodeOnnx({ name, inputs, outputs, ...graph.pruned(names.outputs) });
}

/** A size as ONNX shows it: a number, or a text of the batch. */
function sizeText({ size, batches, extra }: Dimension): number | string {
  if (batches === 0) return size;
  const whole = batches === 1 ? "batch" : `${batches} * batch`;
  return extra === 0 ? whole : `${whole} ${extra < 0 ? "-" : "+"} ${Math.abs(extra)}`;
}

interface ModelNames {
  readonly all: Names;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly params: readonly string[];
}

/** The user's names. Inputs and outputs keep theirs, but that an output is no input; a parameter gives way to both. */
function namesOf({ inputs, outputs, params }: Trace): ModelNames {
  const all = new Names();
  const ofInputs = inputs.map(({ path }) => all.own("input", path));
  const isInput = new Set(ofInputs);
  const given = outputs.map(({ path }) => (isInput.has(path) ? undefined : all.own("output", path)));
  const ofOutputs = given.map((name, i) => name ?? all.fresh(`${outputs[i].path}_out`));
  const isTaken = params.map(({ path }) => all.has(path));
  const kept = params.map(({ path }, i) => (isTaken[i] ? undefined : all.fresh(path)));
  const ofParams = kept.map((name, i) => name ?? all.fresh(`params.${params[i].path}`));
  return { all, inputs: ofInputs, outputs: ofOutputs, params: ofParams };
}

/** What a table has of its own: an op may be called as every object's functions are. */
const own = <T>(table: { readonly [name: string]: T }, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** Their attributes are sizes, which the shapes tell better. */
const shaped = new Set(["reshape", "broadcastTo", "slice"]);

function writeOp(
  graph: OnnxGraph,
  runs: readonly Trace[],
  records: readonly TapeRecord[],
  values: ReadonlyMap<Value, string>,
): string {
  const [record] = records;
  const { operands } = record;
  const { name } = record.op;
  const entry = own<OnnxEntry>(onnxEntries, name);
  if (entry === undefined) {
    const known = `Leave it out of the function, or write it with others. There are: ${Object.keys(onnxEntries).sort().join(", ")}`;
    throw new TypeError(
      `toONNX: the op ${name} ${operands.map((t) => showShape(t.shape)).join(" x ")} has no ONNX form here. ${own(refusals, name) ?? known}`,
    );
  }
  for (const r of records) checkKnown(r, entry);
  const called = (t: Value): string => values.get(t) ?? "";
  const fail = (why: string): never => {
    throw new ShapeError(`toONNX: ${name} ${why}. ${FIXED}`);
  };
  if (!shaped.has(name) && records.some(({ attributes }) => !sameAttributes(record.attributes, attributes)))
    fail(`has attributes that depend on the batch: ${records.map(({ attributes }) => show(attributes)).join(", ")}`);
  return entry.write({
    graph,
    record,
    inputs: operands.map(called),
    named: Object.fromEntries(Object.entries(record.inputs).map(([operand, t]) => [operand, t && called(t as Value)])),
    dimensions: dimensionsOf(`the result of ${name}`, runs, (_, run) => records[run].output),
    inputDimensions: (i) => dimensionsOf(`an input of ${name}`, runs, (_, run) => records[run].operands[i]),
    follow: (what, read) => follow(`${name} has`, `as ${what} of axis`, runs, records.map(read)),
    fail,
  });
}

/** A tensor that the function brings along: as it is, or one value at the batch's size. */
function writeConstant(graph: OnnxGraph, runs: readonly Trace[], records: readonly TapeRecord[]): string {
  const [{ output: own }] = records;
  const all = records.map(({ output }, run) => runs[run].values.get(output)!);
  const isSame = records.every(({ output }) => sameShape(own.shape, output.shape));
  if (isSame && all.every((data) => sameValues(all[0], data))) return graph.constant(all[0], own.shape);
  const filled = all.find((data) => data.length > 0)!;
  if (isSame || all.some((data) => data.some((v) => !Object.is(v, filled[0]))))
    throw new ShapeError(
      `toONNX: the tensor ${showShape(own.shape)} that the function brings along has other values for other sizes of the batch. ${FIXED}`,
    );
  const one = graph.constant(filled.slice(0, 1), []);
  return graph.op("Expand", [one, graph.shape(dimensionsOf("a constant", runs, (_, run) => records[run].output))]);
}
