// A value: a place in a runtime's memory, with its shape and what the tape knows of it. Ops work on values; what a user holds
// is a Tensor, a handle of a value as one run of its scope computed it.
import { type Shape, sizeOf } from "../base/shape.js";
import type { Scope } from "./scope.js";
import type { DataType, HostArray } from "./tensor.js";

export class Value {
  /** Address in the runtime's memory. */
  pointer = 0;
  /** The scope that computes it. */
  scope!: Scope;
  /** The op that made it, for messages. */
  origin = "tensor";
  needsGradient = false;
  /** Lives in a runtime's parameter block: it outlasts the scope. */
  persistent = false;
  /** Where backward puts its gradient; 0 while it has none. */
  gradient = 0;
  readonly size: number;

  constructor(
    readonly shape: Shape,
    readonly dtype: DataType,
  ) {
    this.size = sizeOf(shape);
  }

  get rank(): number {
    return this.shape.length;
  }

  /** A copy of the elements. */
  get data(): HostArray {
    const { f32, i32 } = this.scope.runtime.memory;
    const at = this.pointer >>> 2;
    return this.dtype === "float32" ? f32.slice(at, at + this.size) : i32.slice(at, at + this.size);
  }

  /** Element i as it is now. */
  at(i: number): number {
    const { f32, i32 } = this.scope.runtime.memory;
    return (this.dtype === "float32" ? f32 : i32)[(this.pointer >>> 2) + i];
  }
}
