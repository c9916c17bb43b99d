// toONNX: a function of parameters and inputs as an ONNX model, read off the tape of a run on an example.
// Which sizes follow the batch is seen by running it with one row more, and with two, and comparing the tapes.
import { ShapeError, show } from "../base/errors.js";
import { sameShape, showShape, sizeOf } from "../base/shape.js";
import { flatten, mapTree } from "../base/tree.js";
import { currentScope, Scope } from "../core/scope.js";
import { type OpRecord, sameAttributes } from "../core/tape.js";
import { type HostArray, hostTensor, isTensor, type Tensor } from "../core/tensor.js";
import { sharedRuntime } from "../wasm/runtime.js";
import { encodeOnnx, type OnnxValue } from "./onnx-encode.js";
import { type Dimension, OnnxGraph } from "./onnx-graph.js";
import { onnxEntries } from "./onnx-ops.js";

/** Options of toONNX. */
export interface OnnxOptions {
  /** Whether the first axis of the inputs may have any size when the model runs; true by default. */
  readonly dynamicBatch?: boolean;
  /** Of the graph; "model" by default. */
  readonly name?: string;
}

interface Leaf {
  readonly name: string;
  readonly tensor: Tensor;
}

/** What one run left behind: all that is needed once the scope has ended. */
interface Trace {
  readonly records: readonly OpRecord[];
  readonly params: readonly Leaf[];
  readonly inputs: readonly Leaf[];
  readonly outputs: readonly Leaf[];
  /** Values of the tensors that no op made. */
  readonly values: ReadonlyMap<Tensor, HostArray>;
}

/**
 * A model in ONNX (opset 17) of `f(params, x)`, for onnxruntime and others: what f does on the example x, with the
 * parameters in it. Layers are called without a context, as they are when a model is used.
 *
 * Shapes: x is a tensor (the input "x") or a tree of them (inputs by path); f returns a tensor (the output "y") or a tree.
 * The first axis of every input is the batch, of any size when the model runs, unless `dynamicBatch` is false.
 * Branches of f are those it took on the example.
 * Throws TypeError naming an op that has no ONNX form here, ShapeError where f depends on the batch in a way that the
 * model cannot follow.
 * Example: `toONNX((p, x) => relu(matmul(x, p.w)), { w: zeros([3, 2]) }, zeros([1, 3]))`
 * Source: onnx/onnx.proto3 and onnx/docs/Operators.md.
 */
export function toONNX<P, X>(f: (params: P, x: X) => unknown, params: P, x: X, options: OnnxOptions = {}): Uint8Array {
  const { dynamicBatch = true, name = "model" } = options;
  if (typeof f !== "function") throw new TypeError(`toONNX: expected a function of params and x, got ${show(f)}`);
  if (currentScope()) throw new Error("toONNX: call it outside of a loss: it runs the function in a scope of its own");
  const first = trace(f, params, x);
  const larger = dynamicBatch ? [1, 2].map((more) => traceLarger(f, params, x, first, more)) : [first, first];
  const graph = new OnnxGraph(first.inputs[0].name);
  const values = new Map<Tensor, string>();
  const batch = first.inputs[0].tensor.shape[0];
  /** Sizes of the same tensor in the three runs: equal, or growing by the same with every row of the batch. */
  const dimensionsOf = (what: string, tensors: readonly Tensor[]): Dimension[] =>
    tensors[0].shape.map((size, d) => {
      const sizes = tensors.map(({ shape }) => shape[d]);
      const batches = sizes[1] - size;
      if (batches < 0 || sizes[2] - sizes[1] !== batches)
        throw new ShapeError(
          `toONNX: ${what} has ${sizes.join(", ")} entries along axis ${d} for batches of ${batch}, ${batch + 1}, ${batch + 2}: no multiple of the batch. Pass { dynamicBatch: false }`,
        );
      return { size, batches, extra: size - batches * batch };
    });
  first.params.forEach(({ name: path, tensor }) => {
    values.set(tensor, graph.constant(path, first.values.get(tensor)!, tensor.shape));
  });
  for (const { name: path, tensor } of first.inputs) values.set(tensor, path);

  const needed = reachable(first);
  first.records.forEach((r, at) => {
    if (!needed.has(r.output) || values.has(r.output)) return;
    const runs = [r, ...larger.map(({ records }) => records[at])];
    const outputs = runs.map(({ output }) => output);
    const fail = (why: string): never => {
      throw new ShapeError(`toONNX: ${r.op.name} ${why}. Pass { dynamicBatch: false }`);
    };
    if (r.op.name === "upload") {
      values.set(
        r.output,
        constantOf(graph, at, first, outputs, () => dimensionsOf("a constant", outputs)),
      );
      return;
    }
    const entry = Object.hasOwn(onnxEntries, r.op.name) ? onnxEntries[r.op.name] : undefined;
    if (entry === undefined)
      throw new TypeError(
        `toONNX: the op ${r.op.name} ${r.inputs.map((t) => showShape(t.shape)).join(" x ")} has no ONNX form here. ${
          r.op.name === "dropout"
            ? "Export what the model does when it is used: model.apply(params, x) without a training context"
            : `Leave it out of the function, or write it with others. There are: ${Object.keys(onnxEntries).sort().join(", ")}`
        }`,
      );
    if (!shaped.has(r.op.name) && runs.some(({ attributes }) => !sameAttributes(r.attributes, attributes)))
      fail(`has attributes that depend on the batch: ${runs.map(({ attributes }) => show(attributes)).join(", ")}`);
    values.set(
      r.output,
      entry({
        graph,
        record: r,
        inputs: r.inputs.map((t) => values.get(t) ?? ""),
        dimensions: dimensionsOf(`the result of ${r.op.name}`, outputs),
        inputDimensions: dimensionsOf(
          `an input of ${r.op.name}`,
          runs.map(({ inputs }) => inputs[0]),
        ),
        fail,
      }),
    );
  });

  const outputs = first.outputs.map(({ name: path, tensor }, i): OnnxValue => {
    graph.rename(values.get(tensor)!, path);
    return describe(path, tensor, dimensionsOf("the result", [tensor, ...larger.map((t) => t.outputs[i].tensor)]));
  });
  const inputs = first.inputs.map(({ name: path, tensor }, i) =>
    describe(path, tensor, dimensionsOf("the input", [tensor, ...larger.map((t) => t.inputs[i].tensor)])),
  );
  return encodeOnnx({ name, inputs, outputs, ...graph.pruned(outputs.map((o) => o.name)) });
}

/** Their attributes are sizes, which the shapes tell better. */
const shaped = new Set(["reshape", "broadcastTo", "slice"]);

const describe = (name: string, t: Tensor, dimensions: readonly Dimension[]): OnnxValue => ({
  name,
  type: t.dtype,
  shape: dimensions.map(({ size, batches, extra }) => {
    if (batches === 0) return size;
    const whole = batches === 1 ? "batch" : `${batches} * batch`;
    return extra === 0 ? whole : `${whole} ${extra < 0 ? "-" : "+"} ${Math.abs(extra)}`;
  }),
});

function trace<P, X>(f: (params: P, x: X) => unknown, params: P, x: X): Trace {
  const scope = new Scope(sharedRuntime(), "toONNX");
  scope.begin(0);
  try {
    const take = (tree: unknown, what: string, alone: string): { leaves: Leaf[]; inside: unknown } => {
      const leaves: Leaf[] = [];
      const inside = mapTree(
        tree,
        isTensor,
        (t, path) => {
          const tensor = scope.upload(t, false);
          leaves.push({ name: path || alone, tensor });
          return tensor;
        },
        what,
      );
      return { leaves, inside };
    };
    const own = take(params, "params", "params");
    const given = take(x, "x", "x");
    if (given.leaves.length === 0) throw new TypeError("toONNX: x holds no tensor; pass an example of the input");
    const result = f(own.inside as P, given.inside as X);
    const outputs = flatten(result, isTensor, "the result").map(
      ({ path, leaf }): Leaf => ({ name: path || "y", tensor: scope.own(leaf) }),
    );
    const taken = new Set([...given.leaves, ...outputs].map(({ name }) => name));
    const parameters = own.leaves.map(({ name, tensor }) => ({
      name: taken.has(name) ? `params.${name}` : name,
      tensor,
    }));
    // an output called as an input is another value
    const inputNames = new Set(given.leaves.map(({ name }) => name));
    const renamed = outputs.map(({ name, tensor }) => ({ name: inputNames.has(name) ? `${name}_out` : name, tensor }));
    const records = [...scope.records];
    const values = new Map(records.filter((r) => r.op.name === "upload").map((r) => [r.output, r.output.data]));
    return { records, params: parameters, inputs: given.leaves, outputs: renamed, values };
  } finally {
    scope.end();
  }
}

/** The run with more rows in every input. Throws ShapeError where it does other ops than the first. */
function traceLarger<P, X>(f: (params: P, x: X) => unknown, params: P, x: X, first: Trace, more: number): Trace {
  const batch = first.inputs[0].tensor.shape[0];
  for (const { name, tensor } of first.inputs)
    if (tensor.rank === 0 || tensor.shape[0] !== batch)
      throw new ShapeError(
        `toONNX: the input ${name} ${showShape(tensor.shape)} has no first axis ${batch === undefined ? "" : `of ${batch} `}for the batch. Pass { dynamicBatch: false }`,
      );
  let larger: Trace;
  try {
    larger = trace(f, params, mapTree(x, isTensor, (t) => withRows(t, more), "x") as X);
  } catch (cause) {
    throw new ShapeError(
      `toONNX: the function fails for a batch of ${batch + more}: ${(cause as Error).message}. Pass { dynamicBatch: false }`,
      { cause },
    );
  }
  const at = first.records.findIndex((r, i) => r.op !== larger.records[i]?.op);
  if (at >= 0 || larger.records.length !== first.records.length)
    throw new ShapeError(
      `toONNX: the function does other ops for a batch of ${batch + more} than for ${batch}, from op ${at < 0 ? first.records.length : at} on. Pass { dynamicBatch: false }`,
    );
  return larger;
}

/** The tensor with `more` rows: the first ones again. */
function withRows(t: Tensor, more: number): Tensor {
  const { data } = t;
  const row = sizeOf(t.shape.slice(1));
  const size = data.length + more * row;
  const longer = t.dtype === "int32" ? new Int32Array(size) : new Float32Array(size);
  longer.set(data);
  for (let i = data.length; i < size && data.length > 0; i++) longer[i] = data[i % data.length];
  return hostTensor(longer, [t.shape[0] + more, ...t.shape.slice(1)]);
}

/** The tensors that the outputs are made of. */
function reachable({ records, outputs }: Trace): Set<Tensor> {
  const needed = new Set(outputs.map(({ tensor }) => tensor));
  for (let i = records.length - 1; i >= 0; i--) {
    const { op, output, inputs } = records[i];
    if (!needed.has(output)) continue;
    for (const t of op.name === "customGrad" ? inputs.slice(0, 1) : inputs) needed.add(t);
  }
  return needed;
}

/** A host tensor that the function holds: as it is, or one value at the batch's size. */
function constantOf(
  graph: OnnxGraph,
  at: number,
  { values }: Trace,
  [own, ...others]: readonly Tensor[],
  dimensions: () => Dimension[],
): string {
  const data = values.get(own)!;
  if (others.every(({ shape }) => sameShape(own.shape, shape)))
    return graph.constant(`constant_${at}`, data, own.shape);
  if (data.some((v) => v !== data[0]))
    throw new ShapeError(
      `toONNX: a constant ${showShape(own.shape)} has other values for every size of the batch. Pass { dynamicBatch: false }`,
    );
  const one = graph.constant(`constant_${at}`, data.slice(0, 1), []);
  return graph.op("Expand", [one, graph.shape(dimensions())]);
}
