// Every op, by the name under which it is exported: the one list that the tests, and the table of ONNX, follow.
import * as custom from "../../src/autodiff/custom.js";
import * as unroll from "../../src/autodiff/unroll.js";
import type { AnyOp } from "../../src/core/op.js";
import * as all from "../../src/ops/all.js";

const isOp = (value: unknown): value is AnyOp =>
  typeof value === "object" && value !== null && "forward" in value && "backward" in value;

export const opsOf = (module: object): Map<string, AnyOp> => {
  const entries = Object.entries(module) as [string, unknown][];
  return new Map(entries.filter((entry): entry is [string, AnyOp] => isOp(entry[1])));
};

/** Those of src/ops. */
export const ops = opsOf(all);
/** With those that run functions. */
export const everyOp = new Map([...ops, ...opsOf(custom), ...opsOf(unroll)]);
