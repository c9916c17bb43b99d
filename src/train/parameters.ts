// The parameters as trees of host tensors: copies out of the block, and values into it, path by path.
import { DataError } from "../base/errors.js";
import { showShape } from "../base/shape.js";
import { flatten, under } from "../base/tree.js";
import { isLeaf, revive, type Tensor } from "../core/tensor.js";
import { averageLeaves, NO_EMA } from "../optim/ema.js";
import type { Parts } from "./parts.js";

/** A tree like the parameters; of their averages where `averaged`. */
export function copyOut({ block, state, form }: Parts, averaged: boolean): any {
  const leaves = averaged ? averageLeaves(block, state.optimizerState) : block.hostLeaves("values");
  if (!leaves) throw new TypeError(NO_EMA);
  return form((i) => leaves[i]);
}

export function copyIn({ block }: Parts, tree: unknown): void {
  const found = new Map(flatten(tree, isLeaf).map(({ path, leaf }) => [path, revive(leaf) as Tensor]));
  const { segments } = block;
  if (found.size !== segments.length)
    throw new DataError(`setParams: expected ${segments.length} parameters, got ${found.size}`);
  const strange = [...found.keys()].find((path) => !segments.some((segment) => segment.path === path));
  const values = segments.map(({ path, shape }) => {
    const t = found.get(path) ?? found.get(strange!)!;
    if (!found.has(path) || showShape(t.shape) !== showShape(shape) || t.dtype !== "float32")
      throw new DataError(
        `${under("params", path)}: expected shape ${showShape(shape)}, got ${found.has(path) ? path : strange} ${showShape(t.shape)}${t.dtype === "float32" ? "" : ` of ${t.dtype}`}`,
      );
    return t.data as Float32Array;
  });
  const live = block.values; // all are read before any is written
  values.forEach((data, i) => {
    live.set(data, segments[i].offset);
  });
}
