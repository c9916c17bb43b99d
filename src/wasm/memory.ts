// The linear memory of one runtime: what lives as long as the runtime (parameters, gradients, slots) at the bottom,
// above it the arena, a bump pointer that a scope resets. Views are made again whenever the memory has grown.
// A request that is refused changes nothing: pointers, peak and views are those before it.
import { show } from "../base/errors.js";

const PAGE = 65536;
const LIMIT = 65536 * PAGE; // wasm32
const MIB = 2 ** 20;

/** What is used of a WebAssembly.Memory: programs are checked without a page's types, too. */
export interface LinearMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export class Memory {
  f32!: Float32Array;
  f64!: Float64Array;
  i32!: Int32Array;
  u8!: Uint8Array;
  /** First byte of the arena. */
  base: number;
  /** First free byte of the arena. */
  top: number;
  /** Highest byte any scope has used, a kernel's scratch included: what `inspect` reports. */
  peak: number;
  private size = 0;

  constructor(
    private readonly wasm: LinearMemory,
    heapBase: number,
  ) {
    this.base = this.top = this.peak = align(heapBase);
    this.renew();
  }

  /** All views, or none where an engine refuses one. */
  private renew(): void {
    const { buffer } = this.wasm;
    const f32 = new Float32Array(buffer);
    const f64 = new Float64Array(buffer);
    const i32 = new Int32Array(buffer);
    this.u8 = new Uint8Array(buffer);
    [this.f32, this.f64, this.i32] = [f32, f64, i32];
    this.size = buffer.byteLength; // asking the engine costs 60 ns
  }

  /** Grows until `end` is addressable. Throws RangeError when the engine or the 4 GiB of wasm32 refuse. */
  private ensure(end: number): void {
    const { size } = this;
    if (end <= size) return;
    if (end > LIMIT)
      throw new RangeError(
        `memory: ${mebibytes(end)} MiB do not fit (${mebibytes(size)} MiB in use, 4096 MiB is the limit of WebAssembly). Use a smaller batch or smaller tensors, or recompute() what a step need not keep`,
      );
    // grow by half again, so that a long first step does not grow the memory hundreds of times
    const wanted = Math.min(LIMIT, Math.max(end, size + (size >>> 1)));
    let cause: unknown;
    for (const target of [wanted, end]) {
      try {
        this.wasm.grow(Math.ceil((target - size) / PAGE));
        this.renew();
        return;
      } catch (refusal) {
        cause = refusal;
        // an engine that gives the room and then refuses a view of it has detached the old ones
        if (this.wasm.buffer !== this.u8.buffer) this.renew();
        if (this.size >= end) return;
      }
    }
    throw new RangeError(
      `memory: the engine refuses to grow a WebAssembly memory from ${mebibytes(size)} to ${mebibytes(end)} MiB, of the 4096 it may have: the process is out of memory or address space. Raise its limit (\`ulimit -v\`, the container's), let go of trainers you no longer use, or use a smaller batch`,
      { cause },
    );
  }

  /** Bytes that stay until the runtime goes. Only between scopes: it moves the arena up. */
  allocatePersistent(bytes: number): number {
    const pointer = this.base;
    this.ensure(pointer + align(checked(bytes)) + 64);
    this.base = this.top = align(pointer + bytes);
    if (this.peak < this.base) this.peak = this.base;
    this.u8.fill(0, pointer, this.base);
    return pointer;
  }

  /** Bytes in the arena, 16-byte aligned, not cleared. */
  allocate(bytes: number): number {
    const pointer = this.temporary(bytes);
    this.top = pointer + align(bytes);
    return pointer;
  }

  /** Bytes above the arena's top, valid until the next allocation: scratch of one kernel call. */
  temporary(bytes: number): number {
    const { top } = this;
    const end = top + align(checked(bytes));
    this.ensure(end);
    if (end > this.peak) this.peak = end;
    return top;
  }

  get capacity(): number {
    return this.size;
  }
}

const mebibytes = (bytes: number): string => String(Number((bytes / MIB).toFixed(bytes < 100 * MIB ? 1 : 0)));

/** A whole number >= 0 below 4 GiB, and whatever is too large for `ensure` to say so. */
function checked(bytes: number): number {
  if (bytes >>> 0 === bytes || (bytes >= LIMIT && bytes <= Number.MAX_SAFE_INTEGER)) return bytes;
  throw new RangeError(
    `memory: expected a number of bytes that is a whole number >= 0, got ${show(bytes)}. A size of the tensors is wrong`,
  );
}

/** In whole numbers: a quotient would make every address a double, and so garbage of every call that takes one. */
function align(bytes: number): number {
  return bytes + (-bytes & 15);
}
