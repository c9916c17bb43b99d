// The parameter block: all leaves of a tree one after another in a runtime's memory, and a twin of it for the updates
// (which start as the gradients). The index of an element in it is the index of its noise.
import { ShapeError } from "../base/errors.js";
import { type Shape, sizeOf } from "../base/shape.js";
import { flatten, under } from "../base/tree.js";
import type { Runtime } from "../wasm/runtime.js";
import type { Scope } from "./scope.js";
import { countPieces, intersect, pieces, type Range, type Strip, stripsOf } from "./strips.js";
import { hostTensor, isTensor, type Tensor } from "./tensor.js";
import { Value } from "./value.js";

export type { Range } from "./strips.js";

/** Where one parameter lies in the block: its elements, and its path in the tree. */
export interface Segment {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  readonly shape: Shape;
}

/** A further array of the block's length, kept by an optimizer from step to step: momentum, second moment. */
export class Slot {
  readonly #runtime: Runtime;

  private constructor(
    runtime: Runtime,
    /** @internal */
    readonly pointer: number,
    readonly length: number,
  ) {
    this.#runtime = runtime;
  }

  /** @internal Room for one float per element of a block, zero at first. */
  static allocate(runtime: Runtime, length: number): Slot {
    return new Slot(runtime, runtime.memory.allocatePersistent(length * 4), length);
  }

  /** Live view, valid until memory grows. */
  get data(): Float32Array {
    const at = this.pointer >>> 2;
    return this.#runtime.memory.f32.subarray(at, at + this.length);
  }
}

const CHUNK = 4096; // elements of a mixed strip at a time: the copy stays in the cache, and draws come in whole chunks
const CRUMB = 64; // elements of a segment by piece below which squares are summed strip by strip, not piece by piece

/** All parameters in one flat array and a twin of it for their updates: what gradient transforms rewrite. */
export class ParameterBlock {
  /** Sums of squares of the segments; kept until the updates change. */
  readonly #squares: Float64Array;
  #squaresKnown = false;
  /** Whether the last pass found all updates harmless: finite, and too small to carry a parameter to infinity. */
  #harmless = false;
  /** The ranges as passes take them, and in pieces by segment. */
  readonly #strips: readonly Strip[];
  readonly #stripPieces: readonly (Strip & { readonly segment: number })[];
  /** In the runtime, where a strip is mixed: a byte an element, -1 within the ranges; and room for the copy of a strip. */
  readonly #mask: number = 0;
  readonly #copy: number = 0;
  /** What each range and each segment share, in order; without the segments of which a mask left crumbs. */
  readonly #pieces: readonly (Range & { readonly segment: number })[];
  readonly #crumbs: readonly (Strip & { readonly segment: number })[];
  /** In the runtime: first element and length of each piece (int32), then its sum of squares (double). */
  readonly #pieceTable: number;
  /** The block that all its parts come from, and the draws that they have claimed. */
  readonly #root: ParameterBlock;
  readonly #claims: { words: string; ranges: readonly Range[]; number: number }[] = [];

  private constructor(
    /** @internal */
    readonly runtime: Runtime,
    readonly segments: readonly Segment[],
    /** Elements of the whole block. */
    readonly length: number,
    /** @internal */
    readonly valuesPointer: number,
    /** @internal */
    readonly updatesPointer: number,
    /** What a transform may touch: the whole block, or what a mask or a path pattern left. */
    readonly ranges: readonly Range[],
    root?: ParameterBlock,
  ) {
    this.#root = root ?? this;
    this.#squares = new Float64Array(segments.length);
    this.#strips = stripsOf(ranges);
    this.#stripPieces = pieces(segments, this.#strips);
    const { memory } = runtime;
    if (this.#strips.some(({ mixed }) => mixed)) {
      this.#mask = memory.allocatePersistent(length);
      this.#copy = memory.allocatePersistent(CHUNK * 4);
      for (const { offset, length: n } of ranges) memory.u8.fill(255, this.#mask + offset, this.#mask + offset + n);
    }
    const count = countPieces(segments, ranges);
    const crumbled = (i: number): boolean => count[i] >= 8 && count[i] * CRUMB > segments[i].length;
    this.#pieces = pieces(segments, ranges, (i) => !crumbled(i));
    this.#crumbs = this.#stripPieces.filter(({ segment }) => crumbled(segment));
    this.#pieceTable = memory.allocatePersistent(this.#pieces.length * 16);
    this.#pieces.forEach(({ offset, length }, i) => {
      memory.i32[(this.#pieceTable >>> 2) + 2 * i] = offset;
      memory.i32[(this.#pieceTable >>> 2) + 2 * i + 1] = length;
    });
  }

  /** @internal Room for the float32 leaves of `tree`, with their values in it. Throws TypeError for any other leaf. */
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

  /** Forgets what is known of the updates, norms and finiteness: they have been rewritten. */
  changed(): void {
    this.#squaresKnown = false;
    this.#harmless = false;
  }

  /**
   * @internal What the last pass saw of its results, where it went over the whole block: that all are below 2^103 in
   * magnitude, so that no parameter added to one leaves the floats.
   */
  found(harmless: boolean): void {
    this.#harmless = harmless && this.#strips.length === 1 && this.#strips[0].length === this.length;
  }

  /** @internal Whether all updates of the whole block, and all parameters that they make, are finite. */
  isFinite(): boolean {
    const { length, updatesPointer, valuesPointer, runtime } = this;
    const { kernels } = runtime;
    return (
      this.#harmless ||
      kernels.allBelow(length, updatesPointer, 2 ** 103) === 1 ||
      kernels.sumsFinite(length, updatesPointer, valuesPointer) === 1
    );
  }

  /** @internal The first update of the whole block that is not finite, or makes a parameter that is not. */
  firstNotFinite(): { path: string; position: number; update: number; parameter: number } | undefined {
    const values = this.values;
    const updates = this.runtime.memory.f32.subarray(this.updatesPointer >>> 2).subarray(0, this.length);
    for (const { path, offset, length } of this.segments)
      for (let i = 0; i < length; i++) {
        const update = updates[offset + i];
        const parameter = Math.fround(update + values[offset + i]);
        if (!Number.isFinite(parameter)) return { path, position: i, update, parameter };
      }
    return undefined;
  }

  /**
   * @internal Claims the draws of (stream, key) for this part of the block: the first number 0, 1, 2 ... that no earlier
   * claim of the same draws has on any of its elements. A function of the order of claims and of their ranges alone.
   */
  claimDraws(stream: number, low: number, high: number): number {
    const root = this.#root;
    const words = `${stream} ${low} ${high}`;
    const rivals = root.#claims.filter((c) => c.words === words && intersect(c.ranges, this.ranges).length > 0);
    let number = 0;
    while (rivals.some((c) => c.number === number)) number++;
    root.#claims.push({ words, ranges: this.ranges, number });
    return number;
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
      this.#root,
    );
  }

  /** Room for one more float per element, zero at first. Only before training starts. */
  allocateSlot(): Slot {
    return Slot.allocate(this.runtime, this.length);
  }

  /** Calls `pass(offset, length)` for every run of elements in the block's ranges. */
  each(pass: (offset: number, length: number) => void): void {
    for (let i = 0; i < this.ranges.length; i++) pass(this.ranges[i].offset, this.ranges[i].length);
    this.changed();
  }

  /** Calls `pass(offset, length, segment)` for every run of elements that lies in one segment, in order. */
  eachPiece(pass: (offset: number, length: number, segment: number) => void): void {
    for (const { offset, length, segment } of pieces(this.segments, this.ranges)) pass(offset, length, segment);
    this.changed();
  }

  /**
   * Calls `pass(offset, length, updates)` for stretches of elements, `updates` being the address of theirs. For passes that
   * treat every element alike: where the ranges are many short runs a stretch holds the gaps as well, and `updates` a copy
   * in which those are 0; only what lies within the ranges is put back. @internal
   */
  pass(f: (offset: number, length: number, updates: number) => void): void {
    for (let i = 0; i < this.#strips.length; i++) this.#stretch(this.#strips[i], true, f);
    this.changed();
  }

  /** @internal As `pass`, where every stretch lies in one segment. */
  passSegments(f: (offset: number, length: number, updates: number, segment: number) => void): void {
    for (const piece of this.#stripPieces)
      this.#stretch(piece, true, (offset, length, updates) => f(offset, length, updates, piece.segment));
    this.changed();
  }

  #stretch(
    { offset, length, mixed }: Strip,
    write: boolean,
    f: (offset: number, length: number, updates: number) => void,
  ): void {
    if (!mixed) {
      f(offset, length, this.updatesPointer + offset * 4);
      return;
    }
    const { kernels } = this.runtime;
    for (let from = offset, end = offset + length; from < end; ) {
      const n = Math.min(CHUNK - (from % CHUNK), end - from);
      const at = this.updatesPointer + from * 4;
      kernels.takeMasked(n, this.#mask + from, at, this.#copy);
      f(from, n, this.#copy);
      if (write) kernels.putMasked(n, this.#mask + from, this.#copy, at);
      from += n;
    }
  }

  /** Sum of squares of the updates of every segment, within the ranges. */
  segmentSquares(): Float64Array {
    const squares = this.#squares;
    const pieces = this.#pieces;
    const pieceTable = this.#pieceTable;
    if (this.#squaresKnown) return squares;
    const { kernels, memory } = this.runtime;
    const sums = pieceTable + pieces.length * 8;
    kernels.segmentSquares(pieces.length, pieceTable, this.updatesPointer, sums);
    squares.fill(0);
    for (let i = 0; i < pieces.length; i++) squares[pieces[i].segment] += memory.f64[(sums >>> 3) + i];
    for (const crumb of this.#crumbs)
      this.#stretch(crumb, false, (_, length, x) => {
        const fast = kernels.sumSquares(length, x);
        squares[crumb.segment] += fast > 1e-20 && fast < 1e38 ? fast : kernels.sumSquaresWide(length, x);
      });
    this.#squaresKnown = true;
    return squares;
  }

  /** Euclidean norm of the updates: segment sums added in order, then one square root. */
  norm(): number {
    let total = 0;
    const parts = this.segmentSquares();
    for (let i = 0; i < parts.length; i++) total += parts[i];
    return Math.sqrt(total);
  }

  /** @internal One value per leaf, for use inside this runtime's scopes; `scope` is the one that opens first. */
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

  /** @internal Host copies of the values (or of the updates), leaf by leaf. */
  hostLeaves(of: "values" | "updates"): Tensor[] {
    const at = (of === "values" ? this.valuesPointer : this.updatesPointer) >>> 2;
    const { f32 } = this.runtime.memory;
    return this.segments.map(({ offset, shape }) =>
      hostTensor(f32.slice(at + offset, at + offset + sizeOf(shape)), shape),
    );
  }
}
