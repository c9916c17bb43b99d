// An ONNX graph under construction: nodes are added in order and named by their first output.
import { stridesOf } from "../base/shape.js";
import type { HostArray } from "../core/tensor.js";
import type { OnnxAttribute, OnnxConstant, OnnxNode, OnnxType } from "./onnx-encode.js";

/** A size of a tensor: `batches` times the batch's size, which only a run knows, plus `extra`. */
export interface Dimension {
  /** In the run on the example. */
  readonly size: number;
  /** 0 where the size does not depend on the batch. */
  readonly batches: number;
  readonly extra: number;
}

export class OnnxGraph {
  readonly nodes: OnnxNode[] = [];
  private readonly constants = new Map<string, OnnxConstant>();
  private readonly known = new Map<string, string>();
  private readonly planar = new Map<string, string>();
  private count = 0;
  private batchName: string | undefined;

  /** `batchInput`: an input whose first axis is the batch. */
  constructor(private readonly batchInput: string) {}

  private fresh(kind: string): string {
    return `${kind}_${this.count++}`;
  }

  /** Adds a node and gives the name of its output. */
  op(kind: string, inputs: readonly string[], attributes: { readonly [name: string]: OnnxAttribute } = {}): string {
    const output = this.fresh(kind);
    this.nodes.push({ kind, inputs, outputs: [output], attributes });
    return output;
  }

  /** Gives the value a name of its own. */
  rename(value: string, name: string): void {
    this.nodes.push({ kind: "Identity", inputs: [value], outputs: [name], attributes: {} });
  }

  constant(name: string, data: HostArray | BigInt64Array, shape: readonly number[]): string {
    const type: OnnxType = data instanceof BigInt64Array ? "int64" : data instanceof Int32Array ? "int32" : "float32";
    // a copy: the arena it may lie in goes on
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
    this.constants.set(name, { name, type, shape, bytes });
    return name;
  }

  scalar(value: number): string {
    return this.once(`number ${Object.is(value, -0) ? "-0" : value}`, () =>
      this.constant(this.fresh("number"), Float32Array.of(value), []),
    );
  }

  /** A list of whole numbers: axes, sizes. */
  integers(values: readonly number[]): string {
    return this.once(`integers ${values}`, () =>
      this.constant(this.fresh("integers"), BigInt64Array.from(values, BigInt), [values.length]),
    );
  }

  integer(value: number): string {
    return this.once(`integer ${value}`, () =>
      this.constant(this.fresh("integer"), BigInt64Array.of(BigInt(value)), []),
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
    const open = dimensions.filter(({ batches }) => batches > 0).length;
    const plain = open <= 1 && dimensions.every(({ size }) => size > 0);
    const shape = plain
      ? this.integers(dimensions.map(({ size, batches }) => (batches > 0 ? -1 : size)))
      : this.shape(dimensions);
    return this.op("Reshape", [value, shape], plain ? {} : { allowzero: 1 });
  }

  /** A constant is transposed here and now. */
  transpose(value: string, axes: readonly number[]): string {
    const constant = this.constants.get(value);
    if (constant === undefined || constant.type === "int64") return this.op("Transpose", [value], { perm: axes });
    return this.once(`transpose ${axes} ${value}`, () => {
      const from = stridesOf(constant.shape);
      const shape = axes.map((axis) => constant.shape[axis]);
      const strides = stridesOf(shape);
      const source = new Uint32Array(constant.bytes.buffer);
      const target = new Uint32Array(source.length);
      for (let i = 0; i < target.length; i++) {
        let at = 0;
        for (let d = 0, rest = i; d < axes.length; rest %= strides[d++])
          at += Math.floor(rest / strides[d]) * from[axes[d]];
        target[i] = source[at];
      }
      const name = `${value}_${axes.join("")}`;
      this.constants.set(name, { name, type: constant.type, shape, bytes: new Uint8Array(target.buffer) });
      return name;
    });
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
