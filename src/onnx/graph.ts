// An ONNX graph under construction: nodes are added in order and named by their first output. What is done to constants
// alone (transposes, other orders of columns) is done here and now.
import { stridesOf } from "../base/shape.js";
import type { HostArray } from "../core/tensor.js";
import type { OnnxAttribute, OnnxConstant, OnnxNode, OnnxType } from "./encode.js";
import type { Names } from "./names.js";

/** A size of a tensor, or an index: `batches` times the batch's size, which only a run knows, plus `extra`. */
export interface Dimension {
  /** In the run on the example. */
  readonly size: number;
  /** 0 where the size does not depend on the batch. */
  readonly batches: number;
  readonly extra: number;
}

/** Rows start .. end of a value that is put together of several. */
export interface RowsPart {
  readonly value: string;
  readonly start: Dimension;
  readonly end: Dimension;
}

export const sameDimension = (x: Dimension, y: Dimension): boolean => x.batches === y.batches && x.extra === y.extra;

export class OnnxGraph {
  readonly nodes: OnnxNode[] = [];
  private readonly constants = new Map<string, OnnxConstant>();
  private readonly known = new Map<string, string>();
  private readonly planar = new Map<string, string>();
  private readonly rows = new Map<string, readonly RowsPart[]>();
  private batchName: string | undefined;

  /** `batchInput`: an input whose first axis is the batch. `names` has all of the user's. */
  constructor(
    private readonly batchInput: string,
    private readonly names: Names,
  ) {}

  private fresh(kind: string): string {
    return this.names.fresh(kind, true);
  }

  /** Adds a node and gives the name of its output. */
  op(kind: string, inputs: readonly string[], attributes: { readonly [name: string]: OnnxAttribute } = {}): string {
    return this.ops(kind, inputs, attributes, 1)[0];
  }

  /** Adds a node of several outputs and gives their names. */
  ops(
    kind: string,
    inputs: readonly string[],
    attributes: { readonly [name: string]: OnnxAttribute },
    count: number,
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.fresh(kind));
    this.nodes.push({ kind, inputs, outputs, attributes });
    return outputs;
  }

  /** Gives the value a name of its own. */
  rename(value: string, name: string): void {
    this.nodes.push({ kind: "Identity", inputs: [value], outputs: [name], attributes: {} });
  }

  /** A constant by the name of its own that it is given, or by a fresh one. */
  constant(data: HostArray | BigInt64Array, shape: readonly number[], name = this.fresh("constant")): string {
    const type: OnnxType = data instanceof BigInt64Array ? "int64" : data instanceof Int32Array ? "int32" : "float32";
    // a copy: the arena it may lie in goes on
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
    this.constants.set(name, { name, type, shape, bytes });
    return name;
  }

  scalar(value: number, type: "float32" | "int32" = "float32"): string {
    return this.once(`${type} ${Object.is(value, -0) ? "-0" : value}`, () =>
      this.constant(type === "int32" ? Int32Array.of(value) : Float32Array.of(value), [], this.fresh("number")),
    );
  }

  zeros(count: number): string {
    return this.once(`zeros ${count}`, () => this.constant(new Float32Array(count), [count], this.fresh("zeros")));
  }

  /** A list of whole numbers: axes, sizes. */
  integers(values: readonly number[]): string {
    return this.once(`integers ${values}`, () =>
      this.constant(BigInt64Array.from(values, BigInt), [values.length], this.fresh("integers")),
    );
  }

  integer(value: number): string {
    return this.once(`integer ${value}`, () =>
      this.constant(BigInt64Array.of(BigInt(value)), [], this.fresh("integer")),
    );
  }

  private once(key: string, make: () => string): string {
    const found = this.known.get(key) ?? make();
    this.known.set(key, found);
    return found;
  }

  /** A shape as a value, with the batch's size put in where it belongs. */
  shape(dimensions: readonly Dimension[]): string {
    if (dimensions.every(({ batches }) => batches === 0)) return this.integers(dimensions.map(({ size }) => size));
    this.batchName ??= this.op("Gather", [this.op("Shape", [this.batchInput]), this.integers([0])], { axis: 0 });
    const parts = dimensions.map(({ size, batches, extra }) => {
      if (batches === 0) return this.integers([size]);
      let part = this.batchName!;
      if (batches !== 1) part = this.op("Mul", [part, this.integers([batches])]);
      return extra === 0 ? part : this.op("Add", [part, this.integers([extra])]);
    });
    return this.op("Concat", parts, { axis: 0 });
  }

  reshape(value: string, dimensions: readonly Dimension[]): string {
    const open = dimensions.filter(({ batches }) => batches !== 0).length;
    const plain = open <= 1 && dimensions.every(({ size }) => size > 0);
    const shape = plain
      ? this.integers(dimensions.map(({ size, batches }) => (batches !== 0 ? -1 : size)))
      : this.shape(dimensions);
    return this.op("Reshape", [value, shape], plain ? {} : { allowzero: 1 });
  }

  /** Axes in another order. */
  transpose(value: string, axes: readonly number[]): string {
    return this.folded(
      value,
      `transpose ${axes}`,
      (shape) => {
        const from = stridesOf(shape);
        const sizes = axes.map((axis) => shape[axis]);
        const strides = stridesOf(sizes);
        const source = (i: number): number => {
          let at = 0;
          for (let d = 0, rest = i; d < axes.length; rest %= strides[d++])
            at += Math.floor(rest / strides[d]) * from[axes[d]];
          return at;
        };
        return [sizes, source];
      },
      () => this.op("Transpose", [value], { perm: axes }),
    );
  }

  /** The columns along the last axis in another order. */
  columns(value: string, order: readonly number[]): string {
    if (order.every((column, i) => column === i)) return value;
    const n = order.length;
    return this.folded(
      value,
      `columns ${order}`,
      (shape) => [shape, (i) => i - (i % n) + order[i % n]],
      () => this.op("Gather", [value, this.integers(order)], { axis: -1 }),
    );
  }

  /** With an axis of size 1 before the others. */
  leading(value: string): string {
    return this.folded(
      value,
      "leading",
      (shape) => [[1, ...shape], (i) => i],
      () => this.op("Unsqueeze", [value, this.integers([0])]),
    );
  }

  /** Vectors one after another. */
  joined(values: readonly string[]): string {
    if (values.length === 1) return values[0];
    const constants = values.map((value) => this.constants.get(value));
    if (constants.some((constant) => constant === undefined)) return this.op("Concat", values, { axis: 0 });
    return this.once(`joined ${JSON.stringify(values)}`, () => {
      const all = constants.flatMap((constant) => Array.from(new Float32Array(constant!.bytes.buffer)));
      return this.constant(Float32Array.from(all), [all.length], this.names.fresh(`${values[0]}_joined`));
    });
  }

  /** `value` with its elements moved: element i of a constant is that at source(i); else what `write` adds. */
  private folded(
    value: string,
    what: string,
    move: (shape: readonly number[]) => [shape: readonly number[], source: (i: number) => number],
    write: () => string,
  ): string {
    const constant = this.constants.get(value);
    if (constant === undefined || constant.type === "int64") return write();
    return this.once(`${what} ${value}`, () => {
      const [shape, at] = move(constant.shape);
      const source = new Uint32Array(constant.bytes.buffer);
      const target = Uint32Array.from(source, (_, i) => source[at(i)]);
      const name = this.names.fresh(`${value}_${what.split(" ")[0]}`);
      this.constants.set(name, { name, type: constant.type, shape, bytes: new Uint8Array(target.buffer) });
      return name;
    });
  }

  /** Parts one after another along the first axis. `rowsOf` takes a whole part, or one of the others known, without a cut. */
  concatRows(parts: readonly RowsPart[], others: readonly RowsPart[]): string {
    const values = parts.map(({ value }) => value);
    const out = this.op("Concat", values, { axis: 0 });
    this.rows.set(out, [...parts, ...others]);
    return out;
  }

  /** The value that is exactly the rows start .. end of `value`, if it was put together of such. */
  rowsOf(value: string, start: Dimension, end: Dimension): string | undefined {
    return this.rows.get(value)?.find((part) => sameDimension(part.start, start) && sameDimension(part.end, end))
      ?.value;
  }

  /** Images with the channels first, as ONNX convolves them: what it was before `channelsLast`, where it was that. */
  channelsFirst(value: string): string {
    return this.planar.get(value) ?? this.transpose(value, [0, 3, 1, 2]);
  }

  channelsLast(value: string): string {
    const out = this.transpose(value, [0, 2, 3, 1]);
    this.planar.set(out, value);
    return out;
  }

  /** An op that works element by element: on the planar form where there is one, so that no transposes stand between. */
  elementwise(value: string, apply: (x: string) => string): string {
    const first = this.planar.get(value);
    return first === undefined ? apply(value) : this.channelsLast(apply(first));
  }

  /** Nodes and constants that the outputs need. */
  pruned(outputs: readonly string[]): { nodes: OnnxNode[]; constants: OnnxConstant[] } {
    const needed = new Set(outputs);
    const nodes: OnnxNode[] = [];
    for (const node of [...this.nodes].reverse()) {
      if (!node.outputs.some((name) => needed.has(name))) continue;
      for (const name of node.inputs) needed.add(name);
      nodes.unshift(node);
    }
    return { nodes, constants: [...this.constants.values()].filter(({ name }) => needed.has(name)) };
  }
}
