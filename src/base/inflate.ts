// Inflating, bit by bit the same on every engine, within bounds, and a block at a time so that a page can breathe.
// Why not DecompressionStream: it refuses in one engine what it reads in another (several members, padding), cannot be
// stopped at a length, and does not tell where the data ended.
// Source: RFC 1951; the canonical decoding of codes longer than the table is that of Mark Adler's puff.c.

/** Where inflated bytes go: `bytes` grows up to `limit` of them, of which `length` are written. */
export interface Sink {
  bytes: Uint8Array;
  length: number;
  limit: number;
  /** Called before `bytes` grows, when the first of them can be read: it may set the limit. */
  plan?: (sink: Sink) => void;
}

/** Thrown where the data are no deflate stream, end too early, or give more than the sink may hold. */
export class InflateError extends Error {
  constructor(readonly reason: "corrupt" | "truncated" | "limit") {
    super(reason);
  }
}

const FAST = 10; // bits that are looked up at once; longer codes are rare
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** Symbols of a prefix code: `fast` holds symbol << 4 | length by the next FAST bits, 0 for a longer code. */
interface Code {
  fast: Uint16Array;
  counts: Uint16Array;
  symbols: Uint16Array;
}

/** Throws unless the lengths are those of a code: over-subscribed never, incomplete only with one symbol (or none). */
function codeOf(lengths: Uint8Array): Code {
  const counts = new Uint16Array(16);
  for (const length of lengths) counts[length]++;
  const used = lengths.length - counts[0];
  counts[0] = 0;
  let left = 1;
  for (let length = 1; length < 16; length++) {
    left = 2 * left - counts[length];
    if (left < 0) throw new InflateError("corrupt");
  }
  if (left > 0 && (used > 1 || (used === 1 && counts[1] === 0))) throw new InflateError("corrupt");
  const symbols = new Uint16Array(used);
  const places = new Uint16Array(16);
  const next = new Uint16Array(16); // first code of each length
  for (let length = 1; length < 15; length++) {
    places[length + 1] = places[length] + counts[length];
    next[length + 1] = (next[length] + counts[length]) << 1;
  }
  const fast = new Uint16Array(1 << FAST);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol];
    if (length === 0) continue;
    symbols[places[length]++] = symbol;
    const code = next[length]++;
    if (length > FAST) continue;
    let reversed = 0; // a code's first bit is the lowest of the stream
    for (let bit = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
    for (let i = reversed; i < fast.length; i += 1 << length) fast[i] = (symbol << 4) | length;
  }
  return { fast, counts, symbols };
}

/** Base value and extra bits of the 29 length and the 30 distance symbols. Source: RFC 1951, section 3.2.5. */
function ranges(first: number, count: number, perDoubling: number): { base: Uint16Array; extra: Uint8Array } {
  const base = new Uint16Array(count);
  const extra = new Uint8Array(count);
  for (let i = 0, at = first; i < count; i++) {
    extra[i] = Math.max(0, Math.floor(i / perDoubling) - 1);
    base[i] = at;
    at += 1 << extra[i];
  }
  return { base, extra };
}
const LENGTHS = /* @__PURE__ */ ranges(3, 29, 4); // but its last symbol, 285, is 258 alone
const DISTANCES = /* @__PURE__ */ ranges(1, 30, 2);

function grow(sink: Sink, needed: number): void {
  sink.plan?.(sink);
  if (needed > sink.limit) throw new InflateError("limit");
  const bytes = new Uint8Array(Math.min(sink.limit, Math.max(needed, 2 * sink.bytes.length)));
  bytes.set(sink.bytes.subarray(0, sink.length));
  sink.bytes = bytes;
}

/**
 * Inflates the stream that begins at `at`, yielding after every block, and returns where it ends.
 * Throws InflateError; what the sink holds then is of no use.
 */
export function* inflate(input: Uint8Array, at: number, sink: Sink): Generator<void, number, void> {
  let hold = 0; // bits that are read and not used, the next one lowest
  let held = 0;
  const take = (count: number): number => {
    while (held < count) {
      if (at >= input.length) throw new InflateError("truncated");
      hold |= input[at++] << held;
      held += 8;
    }
    const value = hold & ((1 << count) - 1);
    hold >>>= count;
    held -= count;
    return value;
  };
  const symbolOf = ({ fast, counts, symbols }: Code): number => {
    while (held < FAST && at < input.length) {
      hold |= input[at++] << held;
      held += 8;
    }
    const entry = fast[hold & ((1 << FAST) - 1)];
    if (entry !== 0 && (entry & 15) <= held) {
      hold >>>= entry & 15;
      held -= entry & 15;
      return entry >> 4;
    }
    let code = 0;
    for (let length = 1, first = 0, place = 0; length < 16; length++) {
      code |= take(1);
      const count = counts[length];
      if (code - first < count) return symbols[place + code - first];
      place += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new InflateError("corrupt");
  };

  const stored = (): void => {
    at -= held >> 3; // whole bytes go back
    hold = held = 0;
    if (at + 4 > input.length) throw new InflateError("truncated");
    const length = input[at] | (input[at + 1] << 8);
    if ((length ^ 0xffff) !== (input[at + 2] | (input[at + 3] << 8))) throw new InflateError("corrupt");
    at += 4;
    if (at + length > input.length) throw new InflateError("truncated");
    if (sink.length + length > sink.bytes.length) grow(sink, sink.length + length);
    sink.bytes.set(input.subarray(at, at + length), sink.length);
    sink.length += length;
    at += length;
  };

  const compressed = (literals: Code, distances: Code): void => {
    let { bytes, length: out } = sink;
    for (;;) {
      const symbol = symbolOf(literals);
      if (symbol < 256) {
        if (out === bytes.length) {
          sink.length = out;
          grow(sink, out + 1);
          bytes = sink.bytes;
        }
        bytes[out++] = symbol;
        continue;
      }
      if (symbol === 256) break;
      if (symbol > 285) throw new InflateError("corrupt");
      const count = symbol === 285 ? 258 : LENGTHS.base[symbol - 257] + take(LENGTHS.extra[symbol - 257]);
      const far = symbolOf(distances);
      if (far > 29) throw new InflateError("corrupt");
      const distance = DISTANCES.base[far] + take(DISTANCES.extra[far]);
      if (distance > out - begin) throw new InflateError("corrupt");
      if (out + count > bytes.length) {
        sink.length = out;
        grow(sink, out + count);
        bytes = sink.bytes;
      }
      for (const end = out + count; out < end; out++) bytes[out] = bytes[out - distance];
    }
    sink.length = out;
  };

  const dynamic = (): void => {
    const literalCount = take(5) + 257;
    const distanceCount = take(5) + 1;
    if (literalCount > 286 || distanceCount > 30) throw new InflateError("corrupt");
    const own = new Uint8Array(19);
    for (let i = 0, count = take(4) + 4; i < count; i++) own[ORDER[i]] = take(3);
    const code = codeOf(own);
    const lengths = new Uint8Array(literalCount + distanceCount);
    for (let i = 0; i < lengths.length; ) {
      const symbol = symbolOf(code);
      if (symbol < 16) {
        lengths[i++] = symbol;
        continue;
      }
      if (symbol === 16 && i === 0) throw new InflateError("corrupt");
      const repeated = symbol === 16 ? lengths[i - 1] : 0;
      const count = symbol === 16 ? 3 + take(2) : symbol === 17 ? 3 + take(3) : 11 + take(7);
      if (i + count > lengths.length) throw new InflateError("corrupt");
      lengths.fill(repeated, i, i + count);
      i += count;
    }
    if (lengths[256] === 0) throw new InflateError("corrupt");
    compressed(codeOf(lengths.subarray(0, literalCount)), codeOf(lengths.subarray(literalCount)));
  };

  const fixed = (): void => {
    const lengths = new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280);
    compressed(codeOf(lengths), codeOf(new Uint8Array(32).fill(5)));
  };

  const begin = sink.length; // of this stream: it must not reach back into another
  for (let last = 0; last === 0; ) {
    last = take(1);
    const type = take(2);
    if (type === 0) stored();
    else if (type === 1) fixed();
    else if (type === 2) dynamic();
    else throw new InflateError("corrupt");
    yield;
  }
  return at - (held >> 3);
}

const crcTables = /* @__PURE__ */ ((): Int32Array[] => {
  const first = Int32Array.from({ length: 256 }, (_, n) => {
    for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
    return n;
  });
  const tables = [first];
  for (let k = 1; k < 4; k++) tables.push(tables[k - 1].map((n) => first[n & 255] ^ (n >>> 8)));
  return tables;
})();

/** CRC-32 of bytes[from..to), continuing `crc`. Source: RFC 1952, section 8; four bytes at a time as in zlib's crc32.c. */
export function crc32(bytes: Uint8Array, from: number, to: number, crc = 0): number {
  const [t0, t1, t2, t3] = crcTables;
  let c = ~crc;
  let i = from;
  for (; i + 4 <= to; i += 4) {
    c ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    c = t3[c & 255] ^ t2[(c >>> 8) & 255] ^ t1[(c >>> 16) & 255] ^ t0[c >>> 24];
  }
  for (; i < to; i++) c = t0[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}
