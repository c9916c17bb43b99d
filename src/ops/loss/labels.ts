// Labels as people have them: an int32 tensor, arrays of whole numbers, or a probability of every class.
import { ShapeError, show } from "../../base/errors.js";
import { type Shape, sameShape, showShape } from "../../base/shape.js";
import { isTensor, type NestedNumbers, type Tensor, tensor } from "../../core/tensor.js";
import type { Value } from "../../core/value.js";
import type { TensorLike } from "../define.js";
import { rankOf } from "../reduce/reduce.js";

/** Class numbers as an int32 tensor or (nested) arrays of whole numbers; or float32 probabilities of the logits' shape. */
export type Labels = TensorLike | ArrayLike<number>;

/** Labels as a tensor; arrays of the logits' rank are probabilities where the loss takes such. */
export function labelsOf(owner: string, logits: TensorLike, labels: Labels, soft: boolean): Tensor {
  if (isTensor(labels) || labels === undefined) return labels as Tensor;
  const values = ArrayBuffer.isView(labels) ? Array.from(labels as ArrayLike<number>) : (labels as NestedNumbers);
  if (typeof values !== "number" && !Array.isArray(values))
    throw new TypeError(
      `${owner}: labels expected an int32 tensor or an array of whole numbers, got ${show(labels)}. Make it with tensor(values, { dtype: "int32" })`,
    );
  if (soft && rankOf(values) === rankOf(logits)) return tensor(values);
  const flat = [values].flat(Number.POSITIVE_INFINITY) as unknown[];
  const bad = flat.findIndex((v) => v !== (Number(v) | 0));
  if (bad >= 0)
    throw new TypeError(
      `${owner}: label ${show(flat[bad])} at position ${bad} is no class number: labels are whole numbers from 0`,
    );
  return tensor(values, { dtype: "int32" });
}

const lead = (logits: { readonly shape: Shape }): Shape => logits.shape.slice(0, -1);

/** Throws unless every row of logits has a class and a label: class numbers, or with `soft` a probability of each class. */
export function checkLabels(owner: string, logits: Value | Tensor, labels: Value | Tensor, soft = false): void {
  const { shape } = logits;
  if (logits.rank < 1 || shape[shape.length - 1] === 0)
    throw new ShapeError(`${owner}: logits ${showShape(shape)} have no axis of classes to choose from`);
  const whole = labels.dtype === "int32";
  if (sameShape(labels.shape, whole ? lead(logits) : shape) && (whole || soft)) return;
  const own = `labels ${showShape(labels.shape)}`;
  if (sameShape(labels.shape, shape)) {
    const numbers = "argMax(labels) gives the class numbers";
    throw whole
      ? new ShapeError(
          `${owner}: ${own} are int32 and as large as the logits: one-hot? ${numbers}${soft ? ', cast(labels, "float32") probabilities' : ""}`,
        )
      : new TypeError(`${owner}: ${own} are one-hot or probabilities, expected int32 class numbers. ${numbers}`);
  }
  if (!whole && sameShape(labels.shape, lead(logits)))
    throw new TypeError(
      `${owner}: ${own} are float32, expected int32 class numbers. Use cast(labels, "int32"), or tensor(values, { dtype: "int32" })`,
    );
  throw new ShapeError(
    `${owner}: logits ${showShape(shape)} need labels ${showShape(lead(logits))}${soft ? ` of int32, or probabilities ${showShape(shape)}` : ""}, got ${showShape(labels.shape)}`,
  );
}
