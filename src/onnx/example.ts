// The example that a model is read off from, and what is made of it: more rows, one row, other values.
import { sizeOf } from "../base/shape.js";
import { flatten, mapTree } from "../base/tree.js";
import { hostTensor, isTensor } from "../core/tensor.js";

/** The tree's tensors, as host tensors of our own. Throws TypeError for a tree of anything else. */
export function exampleTree(what: "params" | "x", tree: unknown): unknown {
  const way =
    what === "x"
      ? "Pass an example of the input, such as zeros([1, 3]), or a tree of them"
      : "Pass the tree of parameters, such as trainer.params; without any, {}";
  let own: unknown;
  try {
    own = mapTree(tree, isTensor, (t) => hostTensor(t.data, t.shape), what);
  } catch (cause) {
    throw new TypeError(`toONNX: ${(cause as Error).message}. ${way}`, { cause });
  }
  if (what === "x" && flatten(own, isTensor).length === 0) throw new TypeError(`toONNX: x holds no tensor. ${way}`);
  return own;
}

/** The example with `more` rows: the first ones again. */
export function withRows(x: unknown, more: number): unknown {
  return mapTree(x, isTensor, ({ data, shape, dtype }) => {
    const size = sizeOf([shape[0] + more, ...shape.slice(1)]);
    const longer = dtype === "int32" ? new Int32Array(size) : new Float32Array(size);
    for (let i = 0; i < size && data.length > 0; i++) longer[i] = data[i % data.length];
    return hostTensor(longer, [shape[0] + more, ...shape.slice(1)]);
  });
}

/** The first row alone. */
export function firstRow(x: unknown): unknown {
  return mapTree(x, isTensor, ({ data, shape }) =>
    hostTensor(data.slice(0, sizeOf(shape.slice(1))), [1, ...shape.slice(1)]),
  );
}

/**
 * Other values of the same shape, in two ways: other floats, near those of the example, or larger ones of the other sign;
 * the same integers, which may be indices, in another order.
 */
export function withOtherValues(x: unknown, sign: 1 | -1): unknown {
  return mapTree(x, isTensor, ({ data, shape, dtype }) => {
    const { length } = data;
    const scale = sign === 1 ? 1 : -3;
    const other = data.map((v, i) =>
      dtype === "int32" ? data[(i + length + sign) % length] : scale * (v + (((i * 5) % 13) - 5.5) / 8),
    );
    return hostTensor(other, shape);
  });
}
