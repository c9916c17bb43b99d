// Small helpers every kernel family shares: tails of 1-3 floats, horizontal sums, constants in memory.
// Constants are loaded, not splatted: V8 re-materialises a splat in every iteration (exp 1.20 -> 0.86 ns on Node 20).
// Classes of static methods, since AssemblyScript inlines methods by a decorator that a TypeScript parser accepts there alone.

/**
 * Room through which the last one to three floats of a run pass, so that no kernel reads or writes past its end: 16 bytes at
 * 0 for what is read, 16 at 32 for what is written. Threads that share the memory must have rooms of their own.
 */
const TAIL = memory.data(64, 16);

/**
 * Four lists of 8 x i32 each, written by the host before a call with too many sizes for arguments: sizes, and up to three
 * lists of strides; or the sizes of a pooling.
 */
export const TABLE = memory.data(128, 16);

export class Lane {
  /** Slopes v read at x: NaN (all bits set) where x is NaN, so that a gradient never hides one. */
  @inline static orNaN(v: v128, x: v128): v128 {
    return v128.or(v, f32x4.ne(x, x));
  }

  /** (l0 + l1) + (l2 + l3): the one order in which four lanes are added. */
  @inline static sum(v: v128): f32 {
    return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
  }

  /** Reads the last `count` (1..3) floats at `p`; the lanes above hold `fill`. */
  @inline static loadTail(p: usize, count: i32, fill: f32): v128 {
    v128.store(TAIL, f32x4.splat(fill));
    for (let i = 0; i < count; i++) store<f32>(TAIL + (i << 2), load<f32>(p + (i << 2)));
    return v128.load(TAIL);
  }

  /** Writes the first `count` (1..3) lanes of `v` to `p`. */
  @inline static storeTail(p: usize, v: v128, count: i32): void {
    v128.store(TAIL, v, 32);
    for (let i = 0; i < count; i++) store<f32>(p + (i << 2), load<f32>(TAIL + (i << 2), 32));
  }

  /** Four floats, or one: a loop over tails of one float runs the same code as that over vectors. */
  @inline static read(four: bool, p: usize): v128 {
    return four ? v128.load(p) : v128.load32_zero(p);
  }

  /** Four floats, or the first. */
  @inline static write(four: bool, p: usize, v: v128): void {
    if (four) v128.store(p, v);
    else v128.store32_lane(p, v, 0);
  }
}

/** Runs of floats that are too short for the call of memory.copy, or are added. */
export class Rows {
  /** target[i] = source[i], two vectors an iteration. */
  @inline static copy(n: i32, source: usize, target: usize): void {
    const end: usize = source + ((n & ~7) << 2);
    while (source < end) {
      v128.store(target, v128.load(source));
      v128.store(target, v128.load(source, 16), 16);
      source += 32;
      target += 32;
    }
    if (n & 4) {
      v128.store(target, v128.load(source));
      source += 16;
      target += 16;
    }
    for (let i = 0; i < (n & 3); i++) store<i32>(target + (i << 2), load<i32>(source + (i << 2)));
  }

  /** target[i] += source[i]. */
  @inline static add(n: i32, source: usize, target: usize): void {
    const end: usize = source + ((n & ~7) << 2);
    while (source < end) {
      v128.store(target, f32x4.add(v128.load(target), v128.load(source)));
      v128.store(target, f32x4.add(v128.load(target, 16), v128.load(source, 16)), 16);
      source += 32;
      target += 32;
    }
    if (n & 4) {
      v128.store(target, f32x4.add(v128.load(target), v128.load(source)));
      source += 16;
      target += 16;
    }
    for (let i = 0; i < (n & 3); i++) {
      const p: usize = target + (i << 2);
      store<f32>(p, load<f32>(p) + load<f32>(source + (i << 2)));
    }
  }
}
