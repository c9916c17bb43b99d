// The parameter block: all leaves of a tree one after another in a runtime's memory, and a twin of it for the updates
// (which start as the gradients). The index of an element in it is the index of its noise.
import { ShapeError } from "../base/errors.js";
import { type Shape, sizeOf } from "../base/shape.js";
import { flatten, under } from "../base/tree.js";
import type { Runtime } from "../wasm/runtime.js";
import type { Scope } from "./scope.js";
import { hostTensor, isTensor, type Tensor } from "./tensor.js";
import { Value } from "./value.js";

/** Where one parameter lies in the block: its elements, and its path in the tree. */
export interface Segment {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  readonly shape: Shape;
}

/** A run of elements. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** A further array of the block's length, kept by an optimizer from step to step: momentum, second moment. */
export class Slot {
  constructor(
    private readonly runtime: Runtime,
    readonly pointer: number,
    readonly length: number,
  ) {}

  /** Live view, valid until memory grows. */
  get data(): Float32Array {
    const at = this.pointer >>> 2;
    return this.runtime.memory.f32.subarray(at, at + this.length);
  }
}

/** All parameters in one flat array and a twin of it for their updates: what gradient transforms rewrite. */
export class ParameterBlock {
  /** Sums of squares of the segments; kept until the updates change. */
  private readonly squares: Float64Array;
  private squaresKnown = false;
  /** What each range and each segment share, in order. */
  private readonly pieces: readonly (Range & { readonly segment: number })[];
  /** In the runtime: first element and length of each piece (int32), then its sum of squares (double). */
  private readonly pieceTable: number;

  private constructor(
    readonly runtime: Runtime,
    readonly segments: readonly Segment[],
    /** Elements of the whole block. */
    readonly length: number,
    readonly valuesPointer: number,
    readonly updatesPointer: number,
    /** What a transform may touch: the whole block, or what a mask or a path pattern left. */
    readonly ranges: readonly Range[],
  ) {
    this.squares = new Float64Array(segments.length);
    this.pieces = intersectSegments(segments, ranges);
    const { memory } = runtime;
    this.pieceTable = memory.allocatePersistent(this.pieces.length * 16);
    memory.i32.set(
      this.pieces.flatMap(({ offset, length }) => [offset, length]),
      this.pieceTable >>> 2,
    );
  }

  /** Room for the float32 leaves of `tree`, with their values copied in. Throws TypeError for any other leaf. */
  static allocate(runtime: Runtime, tree: unknown): ParameterBlock {
    const segments: Segment[] = [];
    let length = 0;
    const leaves = flatten(tree, isTensor);
    for (const { path, leaf } of leaves) {
      if (leaf.dtype !== "float32")
        throw new TypeError(
          `${under("params", path)}: a parameter is float32, got ${leaf.dtype}. Keep whole numbers in the batch or the state`,
        );
      segments.push({ path, offset: length, length: leaf.size, shape: leaf.shape });
      length += leaf.size;
    }
    if (new Set(segments.map(({ path }) => path)).size < segments.length) {
      const twice = segments.find(({ path }, i) => segments.findIndex((s) => s.path === path) < i);
      throw new TypeError(`params: two parameters are called ${twice?.path}. Rename the one whose key holds a dot`);
    }
    if (length === 0) throw new ShapeError("params: the tree holds no parameters");
    const { memory } = runtime;
    const values = memory.allocatePersistent(length * 4);
    const updates = memory.allocatePersistent(length * 4);
    const block = new ParameterBlock(runtime, segments, length, values, updates, [{ offset: 0, length }]);
    leaves.forEach(({ leaf }, i) => {
      block.values.set(leaf.data as Float32Array, segments[i].offset);
    });
    return block;
  }

  /** Live view of the parameters, valid during a call. */
  get values(): Float32Array {
    const at = this.valuesPointer >>> 2;
    return this.runtime.memory.f32.subarray(at, at + this.length);
  }

  /** Live view of the updates, valid during a call. A transform that writes through it calls `changed()`. */
  get updates(): Float32Array {
    this.changed();
    const at = this.updatesPointer >>> 2;
    return this.runtime.memory.f32.subarray(at, at + this.length);
  }

  /** Forgets norms of the updates: they have been rewritten. */
  changed(): void {
    this.squaresKnown = false;
  }

  /** The part of the block within `ranges` (sorted, disjoint), as a block that transforms can be given. */
  select(ranges: readonly Range[]): ParameterBlock {
    return new ParameterBlock(
      this.runtime,
      this.segments,
      this.length,
      this.valuesPointer,
      this.updatesPointer,
      ranges,
    );
  }

  /** Room for one more float per element, zero at first. Only before training starts. */
  allocateSlot(): Slot {
    return new Slot(this.runtime, this.runtime.memory.allocatePersistent(this.length * 4), this.length);
  }

  /** Calls `pass(offset, length)` for every run of elements in the block's ranges. */
  each(pass: (offset: number, length: number) => void): void {
    for (let i = 0; i < this.ranges.length; i++) pass(this.ranges[i].offset, this.ranges[i].length);
    this.changed();
  }

  /** Calls `pass(offset, length, segment)` for every run of elements that lies in one segment, in order. */
  eachPiece(pass: (offset: number, length: number, segment: number) => void): void {
    for (const { offset, length, segment } of this.pieces) pass(offset, length, segment);
    this.changed();
  }

  /** Sum of squares of the updates of every segment, within the ranges. */
  segmentSquares(): Float64Array {
    const { squares, pieces, pieceTable } = this;
    if (this.squaresKnown) return squares;
    const { kernels, memory } = this.runtime;
    const sums = pieceTable + pieces.length * 8;
    kernels.segmentSquares(pieces.length, pieceTable, this.updatesPointer, sums);
    squares.fill(0);
    for (let i = 0; i < pieces.length; i++) squares[pieces[i].segment] += memory.f64[(sums >>> 3) + i];
    this.squaresKnown = true;
    return squares;
  }

  /** Euclidean norm of the updates: segment sums added in order, then one square root. */
  norm(): number {
    let total = 0;
    const parts = this.segmentSquares();
    for (let i = 0; i < parts.length; i++) total += parts[i];
    return Math.sqrt(total);
  }

  /** One value per leaf, for use inside this runtime's scopes; `scope` is the one that opens first. */
  leaves(scope: Scope): Value[] {
    return this.segments.map(({ offset, shape, path }) => {
      const value = new Value(shape, "float32");
      value.pointer = this.valuesPointer + offset * 4;
      value.gradient = this.updatesPointer + offset * 4;
      value.persistent = true;
      value.needsGradient = true;
      value.scope = scope;
      value.origin = under("params", path);
      return value;
    });
  }

  /** Host copies of the values (or of the updates), leaf by leaf. */
  hostLeaves(of: "values" | "updates"): Tensor[] {
    const at = (of === "values" ? this.valuesPointer : this.updatesPointer) >>> 2;
    const { f32 } = this.runtime.memory;
    return this.segments.map(({ offset, shape }) =>
      hostTensor(f32.slice(at + offset, at + offset + sizeOf(shape)), shape),
    );
  }
}

/** What the sorted, disjoint ranges share with each segment, in order. */
function intersectSegments(segments: readonly Segment[], ranges: readonly Range[]): (Range & { segment: number })[] {
  const out: (Range & { segment: number })[] = [];
  let r = 0;
  for (let segment = 0; segment < segments.length; segment++) {
    const { offset, length } = segments[segment];
    const end = offset + length;
    while (r > 0 && ranges[r - 1].offset + ranges[r - 1].length > offset) r--;
    for (; r < ranges.length && ranges[r].offset < end; r++) {
      const from = Math.max(offset, ranges[r].offset);
      const to = Math.min(end, ranges[r].offset + ranges[r].length);
      if (to > from) out.push({ segment, offset: from, length: to - from });
    }
  }
  return out;
}
