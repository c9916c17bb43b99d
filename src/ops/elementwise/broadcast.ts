// How two inputs of different shapes meet: out = a op b, where sizes of 1 are stretched.
import { ShapeError } from "../../base/errors.js";
import { broadcastStrides, type Shape, showShape, sizeOf } from "../../base/shape.js";
import type { Runtime } from "../../wasm/runtime.js";

/** The codes of assembly/binary.ts. */
export const CODES = {
  add: 0,
  sub: 1,
  mul: 2,
  div: 3,
  maximum: 4,
  minimum: 5,
  share: 6,
  pow: 7,
  powByBase: 8,
  powByExponent: 9,
  equal: 16,
  notEqual: 17,
  less: 18,
  lessEqual: 19,
} as const;
export type BinaryName = keyof typeof CODES;

/**
 * out = a op b broadcast; a code instead of a name says more of a comparison. Runs of equal shape, and scalars, take one kernel call; the rest goes through a table of
 * strides, with neighbouring axes of the same kind merged first.
 */
export function broadcastBinary(
  runtime: Runtime,
  op: BinaryName | number,
  a: number,
  aShape: Shape,
  b: number,
  bShape: Shape,
  out: number,
  outShape: Shape,
): void {
  const { kernels } = runtime;
  const code = typeof op === "number" ? op : CODES[op];
  const aSize = sizeOf(aShape);
  const bSize = sizeOf(bShape);
  const n = sizeOf(outShape);
  if (n === 0) return;
  const aStep = aSize === n ? 1 : aSize === 1 ? 0 : -1;
  const bStep = bSize === n ? 1 : bSize === 1 ? 0 : -1;
  if (aStep >= 0 && bStep >= 0) kernels.binary(n, a, aStep, b, bStep, code, out);
  else broadcastStrided(runtime, op, code, a, aShape, b, bShape, out, outShape);
}

/** On its own, since its closures would cost the runs above 50 bytes each. */
function broadcastStrided(
  runtime: Runtime,
  op: BinaryName | number,
  code: number,
  a: number,
  aShape: Shape,
  b: number,
  bShape: Shape,
  out: number,
  outShape: Shape,
): void {
  const x = broadcastStrides(aShape, outShape);
  const y = broadcastStrides(bShape, outShape);
  const { i32 } = runtime.memory;
  const axes: [number, number, number][] = [];
  outShape.forEach((size, d) => {
    if (size === 1) return;
    const last = axes[axes.length - 1];
    if (last && last[1] === x[d] * size && last[2] === y[d] * size) {
      last[0] *= size;
      last[1] = x[d];
      last[2] = y[d];
    } else axes.push([size, x[d], y[d]]);
  });
  if (axes.length > 8)
    throw new ShapeError(`${op}: rank ${axes.length} is above 8: ${showShape(outShape)}. Use reshape to merge axes`);
  axes.forEach(([size, p, q], d) => {
    i32[runtime.table + d] = size;
    i32[runtime.table + 8 + d] = p;
    i32[runtime.table + 16 + d] = q;
  });
  runtime.kernels.binaryStrided(axes.length, a, b, code, out);
}
