// ONNX models as bytes: protocol buffers, as much of them as a model needs, without a copy of the weights until the end.
// Source: onnx/onnx.proto3 (field numbers); protobuf.dev, "Encoding" (wire types: 0 varint, 2 length and bytes, 5 four bytes).

/** Element types: TensorProto.DataType. */
export const ONNX_TYPES = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;
export type OnnxType = keyof typeof ONNX_TYPES;

/** An integer, a list of integers, a text, or a float. */
export type OnnxAttribute = number | readonly number[] | string | { readonly float: number };

export interface OnnxNode {
  readonly kind: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: { readonly [name: string]: OnnxAttribute };
}

export interface OnnxConstant {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** An input or output of the model; a size that is text is known only when the model runs. */
export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly (number | string)[];
}

export interface OnnxModel {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

const IR_VERSION = 8; // of onnx 1.11 and later
export const OPSET = 17;
const LARGEST = 2 ** 31 - 1; // of a protocol buffer

/** A message under construction: pieces of bytes, joined once. */
class Message {
  readonly pieces: Uint8Array[] = [];
  length = 0;

  private push(piece: Uint8Array): void {
    this.pieces.push(piece);
    this.length += piece.length;
  }

  int(field: number, value: number): this {
    this.push(Uint8Array.from([...varint(field << 3), ...varint(value)]));
    return this;
  }

  float(field: number, value: number): this {
    const bytes = new DataView(new ArrayBuffer(4));
    bytes.setFloat32(0, value, true);
    this.push(Uint8Array.from([...varint((field << 3) | 5), ...new Uint8Array(bytes.buffer)]));
    return this;
  }

  bytes(field: number, value: Uint8Array | Message): this {
    this.push(Uint8Array.from([...varint((field << 3) | 2), ...varint(value.length)]));
    for (const piece of value instanceof Message ? value.pieces : [value]) this.push(piece);
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  join(): Uint8Array {
    if (this.length > LARGEST)
      throw new RangeError(
        `toONNX: the model would have ${this.length} bytes, and an ONNX file holds at most ${LARGEST}. Save the parameters with save(...), and export a smaller model`,
      );
    const out = new Uint8Array(this.length);
    let at = 0;
    for (const piece of this.pieces) {
      out.set(piece, at);
      at += piece.length;
    }
    return out;
  }
}

/** Seven bits a byte, the lowest first; a negative number as its 64-bit complement. */
function varint(value: number): number[] {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  return [...out, Number(rest)];
}

/** Field numbers and types of AttributeProto: f = 2 (FLOAT 1), i = 3 (INT 2), s = 4 (STRING 3), ints = 8 (INTS 7). */
function attribute(name: string, value: OnnxAttribute): Message {
  const message = new Message().text(1, name);
  if (typeof value === "number") return message.int(3, value).int(20, 2);
  if (typeof value === "string") return message.text(4, value).int(20, 3);
  if ("float" in value) return message.float(2, value.float).int(20, 1);
  for (const n of value) message.int(8, n);
  return message.int(20, 7);
}

function nodeMessage({ kind, inputs, outputs, attributes }: OnnxNode): Message {
  const message = new Message();
  for (const name of inputs) message.text(1, name);
  for (const name of outputs) message.text(2, name);
  message.text(3, `${kind}:${outputs[0]}`).text(4, kind);
  for (const [name, value] of Object.entries(attributes)) message.bytes(5, attribute(name, value));
  return message;
}

function constantMessage({ name, type, shape, bytes }: OnnxConstant): Message {
  const message = new Message();
  for (const n of shape) message.int(1, n);
  return message.int(2, ONNX_TYPES[type]).text(8, name).bytes(9, bytes);
}

function valueMessage({ name, type, shape }: OnnxValue): Message {
  const sizes = new Message();
  for (const n of shape) sizes.bytes(1, typeof n === "number" ? new Message().int(1, n) : new Message().text(2, n));
  const tensorType = new Message().int(1, ONNX_TYPES[type]).bytes(2, sizes);
  return new Message().text(1, name).bytes(2, new Message().bytes(1, tensorType));
}

/** The bytes of a model, ModelProto. */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  const graph = new Message();
  for (const node of model.nodes) graph.bytes(1, nodeMessage(node));
  graph.text(2, model.name);
  for (const constant of model.constants) graph.bytes(5, constantMessage(constant));
  for (const value of model.inputs) graph.bytes(11, valueMessage(value));
  for (const value of model.outputs) graph.bytes(12, valueMessage(value));
  return new Message()
    .int(1, IR_VERSION)
    .text(2, "gradnoise")
    .bytes(7, graph)
    .bytes(8, new Message().text(1, "").int(2, OPSET))
    .join();
}
