// The linear memory of one runtime: what lives as long as the runtime (parameters, gradients, slots) at the bottom,
// above it the arena, a bump pointer that a scope resets. Views are made again whenever the memory has grown.

const PAGE = 65536;
const LIMIT = 65536 * PAGE; // wasm32

export class Memory {
  f32!: Float32Array;
  f64!: Float64Array;
  i32!: Int32Array;
  u8!: Uint8Array;
  /** First byte of the arena. */
  base: number;
  /** First free byte of the arena. */
  top: number;
  /** Highest byte any scope has used: what `inspect` reports. */
  peak: number;
  private size = 0;

  constructor(
    private readonly wasm: WebAssembly.Memory,
    heapBase: number,
  ) {
    this.base = this.top = this.peak = align(heapBase);
    this.renew();
  }

  private renew(): void {
    this.size = this.wasm.buffer.byteLength; // asking the engine costs 60 ns
    this.f32 = new Float32Array(this.wasm.buffer);
    this.f64 = new Float64Array(this.wasm.buffer);
    this.i32 = new Int32Array(this.wasm.buffer);
    this.u8 = new Uint8Array(this.wasm.buffer);
  }

  /** Grows until `end` is addressable. Throws RangeError when the engine or the 4 GiB of wasm32 refuse. */
  private ensure(end: number): void {
    const { size } = this;
    if (end <= size) return;
    // grow by half again, so that a long first step does not grow the memory hundreds of times
    const wanted = Math.min(LIMIT, Math.max(end, size + (size >>> 1)));
    for (const target of end <= LIMIT ? [wanted, end] : []) {
      try {
        this.wasm.grow(Math.ceil((target - size) / PAGE));
        this.renew();
        return;
      } catch {
        // try the smaller size, then give up below
      }
    }
    throw new RangeError(
      `memory: ${(end / 2 ** 20).toFixed(0)} MiB do not fit (${(size / 2 ** 20).toFixed(0)} MiB in use, 4096 MiB is the limit of WebAssembly). Use a smaller batch, or fewer trainers at a time`,
    );
  }

  /** Bytes that stay until the runtime goes. Only between scopes: it moves the arena up. */
  allocatePersistent(bytes: number): number {
    const pointer = this.base;
    this.ensure(pointer + bytes + 64);
    this.base = this.top = align(pointer + bytes);
    if (this.peak < this.base) this.peak = this.base;
    this.u8.fill(0, pointer, this.base);
    return pointer;
  }

  /** Bytes in the arena, 16-byte aligned, not cleared. */
  allocate(bytes: number): number {
    const pointer = this.top;
    const end = pointer + align(bytes);
    this.ensure(end);
    this.top = end;
    if (end > this.peak) this.peak = end;
    return pointer;
  }

  /** Bytes above the arena's top, valid until the next allocation: scratch of one kernel call. */
  temporary(bytes: number): number {
    this.ensure(this.top + align(bytes));
    return this.top;
  }

  get capacity(): number {
    return this.size;
  }
}

/** In whole numbers: a quotient would make every address a double, and so garbage of every call that takes one. */
function align(bytes: number): number {
  return bytes + (-bytes & 15);
}
