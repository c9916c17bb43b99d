// An ONNX model carried out in doubles, written from onnx/docs/Operators.md (opset 17): as many ops as the gate's tests need.
import { type Decoded, decodeOnnx } from "./decode.js";

export interface Value {
  shape: number[];
  data: number[];
}

type Attributes = Record<string, any>;
type Run = (inputs: (Value | undefined)[], attributes: Attributes) => Value | Value[];

const size = (shape: readonly number[]): number => shape.reduce((n, m) => n * m, 1);
const strides = (shape: readonly number[]): number[] => shape.map((_, d) => size(shape.slice(d + 1)));

/** A value of this shape, element by element from its indices. */
function build(shape: number[], at: (index: number[]) => number): Value {
  const steps = strides(shape);
  const data = Array.from({ length: size(shape) }, (_, i) => at(shape.map((n, d) => Math.floor(i / steps[d]) % n)));
  return { shape, data };
}

const read = ({ shape, data }: Value, index: readonly number[]): number => {
  const lead = index.length - shape.length;
  const steps = strides(shape);
  return data[shape.reduce((at, n, d) => at + (n === 1 ? 0 : index[lead + d]) * steps[d], 0)];
};

const broadcast = (a: readonly number[], b: readonly number[]): number[] => {
  const rank = Math.max(a.length, b.length);
  const sizeAt = (s: readonly number[], d: number): number => s[d - rank + s.length] ?? 1;
  return Array.from({ length: rank }, (_, d) => (sizeAt(a, d) === 1 ? sizeAt(b, d) : sizeAt(a, d)));
};

const unary =
  (f: (x: number) => number): Run =>
  ([x]) => ({ shape: x!.shape, data: x!.data.map(f) });
const binary =
  (f: (a: number, b: number) => number): Run =>
  ([a, b]) =>
    build(broadcast(a!.shape, b!.shape), (i) => f(read(a!, i), read(b!, i)));

/** Of matrices; C is added where it is given. */
const product = (a: Value, b: Value, c?: Value, transA = 0, transB = 0): Value => {
  const inner = a.shape[transA ? 0 : 1];
  return build([a.shape[transA ? 1 : 0], b.shape[transB ? 0 : 1]], ([i, j]) => {
    let sum = c ? read(c, [i, j]) : 0;
    for (let k = 0; k < inner; k++) sum += read(a, transA ? [k, i] : [i, k]) * read(b, transB ? [j, k] : [k, j]);
    return sum;
  });
};

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const wrap = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** LSTM (gates i o f c), GRU (z r h) and RNN of one direction: X [T, B, I], W [1, gH, I], R [1, gH, H], B [1, 2gH]. */
const recurrent =
  (kind: "LSTM" | "GRU" | "RNN"): Run =>
  ([x, w, r, bias, lengths, h0, c0], { hidden_size: H, linear_before_reset }) => {
    if (lengths || (kind === "GRU" && linear_before_reset !== 1)) throw new Error("not written");
    const [time, batch, nIn] = x!.shape;
    const columns = w!.shape[1];
    const Y: number[] = [];
    let h = build([batch, H], ([b, j]) => (h0 ? read(h0, [0, b, j]) : 0));
    let c = build([batch, H], ([b, j]) => (c0 ? read(c0, [0, b, j]) : 0));
    for (let t = 0; t < time; t++) {
      const of = (gate: number, b: number, j: number): [number, number] => {
        const row = gate * H + j;
        let [own, hidden] = [read(bias!, [0, row]), read(bias!, [0, columns + row])];
        for (let k = 0; k < nIn; k++) own += read(x!, [t, b, k]) * read(w!, [0, row, k]);
        for (let k = 0; k < H; k++) hidden += read(h, [b, k]) * read(r!, [0, row, k]);
        return [own, hidden];
      };
      const sum = (gate: number, b: number, j: number): number => of(gate, b, j)[0] + of(gate, b, j)[1];
      const before = h;
      if (kind === "RNN") h = build([batch, H], ([b, j]) => Math.tanh(sum(0, b, j)));
      else if (kind === "GRU")
        h = build([batch, H], ([b, j]) => {
          const z = sigmoid(sum(0, b, j));
          const [own, hidden] = of(2, b, j);
          return (1 - z) * Math.tanh(own + sigmoid(sum(1, b, j)) * hidden) + z * read(before, [b, j]);
        });
      else {
        const last = c;
        c = build(
          [batch, H],
          ([b, j]) => sigmoid(sum(2, b, j)) * read(last, [b, j]) + sigmoid(sum(0, b, j)) * Math.tanh(sum(3, b, j)),
        );
        h = build([batch, H], ([b, j]) => sigmoid(sum(1, b, j)) * Math.tanh(read(c, [b, j])));
        if (before === h) throw new Error("unreachable");
      }
      Y.push(...h.data);
    }
    const state = (v: Value): Value => ({ shape: [1, batch, H], data: v.data });
    return [{ shape: [time, 1, batch, H], data: Y }, state(h), state(c)];
  };

const runs: { [kind: string]: Run } = {
  Identity: ([x]) => x!,
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Relu: unary((x) => Math.max(0, x)),
  Sigmoid: unary(sigmoid),
  Tanh: unary(Math.tanh),
  Cast: ([x]) => x!,
  Clip: ([x, lo, hi]) => ({
    shape: x!.shape,
    data: x!.data.map((v) => Math.min(Math.max(v, lo!.data[0]), hi!.data[0])),
  }),
  Gemm: ([a, b, c], { transA, transB }) => product(a!, b!, c, transA, transB),
  MatMul: ([a, b]) => product(a!, b!),
  Shape: ([x]) => ({ shape: [x!.shape.length], data: x!.shape }),
  Reshape: ([x, shape]) => {
    const known = shape!.data.reduce((n, m) => (m === -1 ? n : n * m), 1);
    return { shape: shape!.data.map((n) => (n === -1 ? x!.data.length / known : n)), data: x!.data };
  },
  Expand: ([x, shape]) => build(broadcast(x!.shape, shape!.data), (i) => read(x!, i)),
  Transpose: ([x], { perm }) =>
    build(
      perm.map((d: number) => x!.shape[d]),
      (i) =>
        read(
          x!,
          x!.shape.map((_, d) => i[perm.indexOf(d)]),
        ),
    ),
  Squeeze: ([x, axes]) => {
    const gone = axes!.data.map((d) => wrap(d, x!.shape.length));
    return { shape: x!.shape.filter((_, d) => !gone.includes(d)), data: x!.data };
  },
  Unsqueeze: ([x, axes]) => {
    const shape = [...x!.shape];
    for (const d of axes!.data.map((a) => wrap(a, x!.shape.length + axes!.data.length))) shape.splice(d, 0, 1);
    return { shape, data: x!.data };
  },
  Concat: (inputs, { axis }) => {
    const list = inputs as Value[];
    const at = wrap(axis, list[0].shape.length);
    const shape = list[0].shape.map((n, d) => (d === at ? list.reduce((sum, v) => sum + v.shape[d], 0) : n));
    return build(shape, (i) => {
      let k = 0;
      let from = 0;
      while (i[at] - from >= list[k].shape[at]) from += list[k++].shape[at];
      return list[k].data[strides(list[k].shape).reduce((sum, s, d) => sum + s * (d === at ? i[d] - from : i[d]), 0)];
    });
  },
  Gather: ([x, indices], { axis }) => {
    const at = wrap(axis, x!.shape.length);
    const rank = indices!.shape.length;
    const steps = strides(x!.shape);
    return build([...x!.shape.slice(0, at), ...indices!.shape, ...x!.shape.slice(at + 1)], (i) => {
      const k = wrap(rank === 0 ? indices!.data[0] : read(indices!, i.slice(at, at + rank)), x!.shape[at]);
      return x!.data[[...i.slice(0, at), k, ...i.slice(at + rank)].reduce((sum, n, d) => sum + n * steps[d], 0)];
    });
  },
  Slice: ([x, starts, ends, axes, steps]) => {
    const from = x!.shape.map(() => 0);
    const step = x!.shape.map(() => 1);
    const shape = [...x!.shape];
    axes!.data.forEach((axis, k) => {
      const n = x!.shape[axis];
      const by = steps?.data[k] ?? 1;
      const low = by < 0 ? -1 : 0;
      const clamp = (v: number, lo: number, hi: number): number => Math.min(Math.max(wrap(v, n), lo), hi);
      from[axis] = clamp(starts!.data[k], 0, by < 0 ? n - 1 : n);
      shape[axis] = Math.max(0, Math.ceil((clamp(ends!.data[k], low, n) - from[axis]) / by));
      step[axis] = by;
    });
    const own = strides(x!.shape);
    return build(shape, (i) => x!.data[i.reduce((sum, n, d) => sum + (from[d] + n * step[d]) * own[d], 0)]);
  },
  OneHot: ([indices, depth, values]) =>
    build(
      [...indices!.shape, depth!.data[0]],
      (i) => values!.data[read(indices!, i.slice(0, -1)) === i[i.length - 1] ? 1 : 0],
    ),
  LSTM: recurrent("LSTM"),
  GRU: recurrent("GRU"),
  RNN: recurrent("RNN"),
};

/** Throws unless every value has one name, and comes before what uses it. */
export function checkNames({ inputs, outputs, constants, nodes }: Decoded): void {
  const known = new Set<string>();
  const define = (name: string): void => {
    if (name === "" || known.has(name)) throw new Error(`"${name}" is defined twice, or nothing`);
    known.add(name);
  };
  for (const { name } of [...inputs, ...constants]) define(name);
  for (const node of nodes) {
    for (const name of node.inputs) if (name !== "" && !known.has(name)) throw new Error(`${name} comes too late`);
    node.outputs.forEach(define);
  }
  for (const { name } of outputs) if (!known.has(name)) throw new Error(`the output ${name} is missing`);
}

const constantOf = ({ type, shape, bytes }: Decoded["constants"][number]): Value => {
  const { buffer } = bytes.slice();
  if (type === 7) return { shape, data: Array.from(new BigInt64Array(buffer), Number) };
  return { shape, data: Array.from(type === 6 ? new Int32Array(buffer) : new Float32Array(buffer)) };
};

/** The outputs of a model by name. */
export function evaluate(model: Uint8Array, inputs: { [name: string]: Value }): { [name: string]: Value } {
  const decoded = decodeOnnx(model);
  checkNames(decoded);
  const values = new Map<string, Value>(Object.entries(inputs));
  for (const constant of decoded.constants) values.set(constant.name, constantOf(constant));
  for (const { kind, inputs: names, outputs, attributes } of decoded.nodes) {
    if (!Object.hasOwn(runs, kind)) throw new Error(`${kind} is not written`);
    const result = runs[kind](
      names.map((name) => values.get(name)),
      attributes,
    );
    const list = Array.isArray(result) ? result : [result];
    outputs.forEach((name, i) => {
      values.set(name, list[i]);
    });
  }
  return Object.fromEntries(decoded.outputs.map(({ name }) => [name, values.get(name)!]));
}
