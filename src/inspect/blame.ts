// What a DivergenceError points at: the value of the batch that made it so.
import { showShape } from "../base/shape.js";
import { under } from "../base/tree.js";
import { isTensor, type Tensor } from "../core/tensor.js";

/** The tensors of a batch with their paths. A batch may hold anything else as well. */
function tensorsOf(batch: unknown): [Tensor, string][] {
  const found: [Tensor, string][] = [];
  const visit = (node: unknown, path: string, depth: number): void => {
    if (isTensor(node)) found.push([node, path]);
    else if (typeof node === "object" && node !== null && depth < 8 && !ArrayBuffer.isView(node))
      for (const [key, child] of Object.entries(node))
        visit(child, Array.isArray(node) ? `${path}[${key}]` : under(path, key), depth + 1);
  };
  visit(batch, "batch", 0);
  return found;
}

/** Paths of the host tensors of a batch. */
export const namesOf = (batch: unknown): Map<Tensor, string> => new Map(tensorsOf(batch));

/** Which value of the batch made the loss non-finite, where one did. */
export function blame(batch: unknown): string {
  for (const [t, path] of tensorsOf(batch)) {
    if (t.size === 0) return `${path} is empty, of shape ${showShape(t.shape)}`;
    if (t.dtype !== "float32" || t.source) continue;
    const at = t.data.findIndex((v) => !Number.isFinite(v));
    if (at >= 0) return `${path} holds ${t.data[at]} at position ${at}`;
  }
  return "";
}
