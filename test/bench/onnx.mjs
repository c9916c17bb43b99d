// A writer of ONNX models, as much of the protocol buffers as the benchmark needs.
// Field numbers: onnx.proto3 of the ONNX project (ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto).

const varint = (n) => {
  const out = [];
  for (let v = BigInt.asUintN(64, BigInt(n)); ; v >>= 7n) {
    if (v < 128n) return [...out, Number(v)];
    out.push(Number(v & 127n) | 128);
  }
};
const int = (field, n) => Buffer.from([...varint(field << 3), ...varint(n)]);
const bytes = (field, data) =>
  Buffer.concat([Buffer.from([...varint((field << 3) | 2), ...varint(data.length)]), data]);
const text = (field, s) => bytes(field, Buffer.from(s));
const float = (field, v) => {
  const out = Buffer.alloc(4);
  out.writeFloatLE(v);
  return Buffer.concat([Buffer.from(varint((field << 3) | 5)), out]);
};
const all = (...parts) => Buffer.concat(parts.flat());

const types = { float32: 1, int64: 7 };

/** An attribute: { int }, { float } or { ints }. */
function attribute(name, value) {
  if ("int" in value) return all(text(1, name), int(3, value.int), int(20, 2));
  if ("float" in value) return all(text(1, name), float(2, value.float), int(20, 1));
  return all(
    text(1, name),
    value.ints.map((n) => int(8, n)),
    int(20, 7),
  );
}

function valueInfo({ name, shape, type = "float32" }) {
  const dims = shape.map((n) => bytes(1, int(1, n)));
  return all(text(1, name), bytes(2, bytes(1, all(int(1, types[type]), bytes(2, all(dims))))));
}

/** A graph under construction: ops add nodes and return the name of their first output. */
export class Graph {
  nodes = [];
  constants = [];
  inputs = [];
  outputs = [];
  names = 0;

  fresh() {
    return `v${this.names++}`;
  }

  input(name, shape, type) {
    this.inputs.push(valueInfo({ name, shape, type }));
    return name;
  }

  output(name, shape, type) {
    this.outputs.push(valueInfo({ name, shape, type }));
  }

  constant(values, shape) {
    const name = this.fresh();
    const type = values instanceof BigInt64Array ? "int64" : "float32";
    const raw = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    this.constants.push(
      all(
        shape.map((n) => int(1, n)),
        int(2, types[type]),
        text(8, name),
        bytes(9, raw),
      ),
    );
    return name;
  }

  scalar(value) {
    return this.constant(Float32Array.of(value), []);
  }

  integers(...values) {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  /** `outputs`: names to give, or one fresh name. */
  op(kind, inputs, attributes = {}, outputs = [this.fresh()]) {
    this.nodes.push(
      all(
        inputs.map((name) => text(1, name)),
        outputs.map((name) => text(2, name)),
        text(4, kind),
        Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
      ),
    );
    return outputs[0];
  }

  /** The bytes of the model, opset 17. */
  model() {
    const graph = all(
      this.nodes.map((node) => bytes(1, node)),
      text(2, "bench"),
      this.constants.map((tensor) => bytes(5, tensor)),
      this.inputs.map((info) => bytes(11, info)),
      this.outputs.map((info) => bytes(12, info)),
    );
    return new Uint8Array(all(int(1, 8), text(2, "gradnoise-bench"), bytes(7, graph), bytes(8, int(2, 17))));
  }
}
