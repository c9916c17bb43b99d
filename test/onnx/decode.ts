// Protocol buffers taken apart, as far as an ONNX model uses them; fields by number as onnx.proto3 has them.

/** A field's values in order: integers, or bytes (a message, a text, four bytes of a float). */
type Fields = Map<number, (bigint | Uint8Array)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("the message ends within a number");
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, value);
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    let value: bigint | Uint8Array;
    if (wire === 0) value = varint();
    else {
      const length = wire === 2 ? Number(varint()) : wire === 5 ? 4 : Number.NaN;
      if (!(at + length <= bytes.length)) throw new Error(`wire type ${wire} of ${length} bytes at ${at}`);
      value = bytes.subarray(at, (at += length));
    }
    const list = fields.get(tag >>> 3) ?? [];
    list.push(value);
    fields.set(tag >>> 3, list);
  }
  return fields;
}

const text = (value: unknown): string => new TextDecoder("utf-8", { fatal: true }).decode(value as Uint8Array);
const all = (fields: Fields, field: number): any[] => fields.get(field) ?? [];
const one = (fields: Fields, field: number): any => all(fields, field)[0];
const messages = (fields: Fields, field: number): Fields[] => all(fields, field).map((bytes) => fieldsOf(bytes));

export interface Decoded {
  irVersion: number;
  producer: string;
  opset: number;
  graph: string;
  nodes: { kind: string; inputs: string[]; outputs: string[]; attributes: Record<string, unknown> }[];
  constants: { name: string; type: number; shape: number[]; bytes: Uint8Array }[];
  inputs: { name: string; type: number; shape: (number | string)[] }[];
  outputs: { name: string; type: number; shape: (number | string)[] }[];
}

/** AttributeProto by its declared type: FLOAT 1, INT 2, STRING 3, INTS 7. */
function attribute(fields: Fields): [string, unknown] {
  const bytes = (field: number): Uint8Array => one(fields, field);
  const read: Record<number, () => unknown> = {
    1: () => new DataView(bytes(2).buffer, bytes(2).byteOffset).getFloat32(0, true),
    2: () => Number(one(fields, 3)),
    3: () => text(one(fields, 4)),
    7: () => all(fields, 8).map(Number),
  };
  return [text(one(fields, 1)), read[Number(one(fields, 20))]()];
}

function value(fields: Fields) {
  const [type] = messages(messages(fields, 2)[0], 1);
  const [shape] = messages(type, 2);
  const sizes = messages(shape, 1).map((d) => (d.has(2) ? text(one(d, 2)) : Number(one(d, 1))));
  return { name: text(one(fields, 1)), type: Number(one(type, 1)), shape: sizes };
}

export function decodeOnnx(bytes: Uint8Array): Decoded {
  const model = fieldsOf(bytes);
  const [graph] = messages(model, 7);
  return {
    irVersion: Number(one(model, 1)),
    producer: text(one(model, 2)),
    opset: Number(one(messages(model, 8)[0], 2)),
    graph: text(one(graph, 2)),
    nodes: messages(graph, 1).map((node) => ({
      kind: text(one(node, 4)),
      inputs: all(node, 1).map(text),
      outputs: all(node, 2).map(text),
      attributes: Object.fromEntries(messages(node, 5).map(attribute)),
    })),
    constants: messages(graph, 5).map((c) => ({
      name: text(one(c, 8)),
      type: Number(one(c, 2)),
      shape: all(c, 1).map(Number),
      bytes: one(c, 9),
    })),
    inputs: messages(graph, 11).map(value),
    outputs: messages(graph, 12).map(value),
  };
}
