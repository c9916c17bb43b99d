// The roof: how many float32 operations a second 128-bit multiply and add reach when nothing else is in the way.
// Independent chains c = c * h + h in registers (h = 1/2, so that c tends to 1), written as WASM by hand.
// Multiply takes 3 cycles and add 3, two of each start per cycle on Zen 4: twelve chains just fill the ports, fourteen
// leave some slack, and with h and V8's scratch register they are all of the 16. The faster of both is taken.

const STEPS = 168; // chains x unrolling of one turn
/** Floating-point operations of one `run(1)`. */
export const flopPerTurn = STEPS * 4 * 2;

const leb = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >>> 7)]);
const simd = (op) => [0xfd, ...leb(op)];
const get = (local) => [0x20, ...leb(local)];
const set = (local) => [0x21, ...leb(local)];
const section = (id, body) => [id, ...leb(body.length), ...body];
const SPLAT = simd(0x13);
const ADD = simd(0xe4);
const MUL = simd(0xe6);
const EXTRACT = [...simd(0x1f), 0];

function peakModule(count) {
  const chains = Array.from({ length: count }, (_, i) => 2 + i);
  const h = 1; // local 0 is the count, 1 is h, then the chains
  const half = [0x43, 0, 0, 0, 0x3f];
  const step = chains.flatMap((c) => [...get(c), ...get(h), ...MUL, ...get(h), ...ADD, ...set(c)]);
  const body = [
    ...leb(1),
    ...leb(count + 1),
    0x7b, // v128 locals
    ...half,
    ...SPLAT,
    ...set(h),
    ...[0x03, 0x40], // loop
    ...Array.from({ length: STEPS / count }, () => step).flat(),
    ...get(0),
    ...[0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b], // count - 1, again while it is not 0
    ...get(chains[0]),
    ...chains.slice(1).flatMap((c) => [...get(c), ...ADD]),
    ...EXTRACT,
    0x0b,
  ];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, 0x7f, 1, 0x7d]), // (i32) -> f32
    ...section(3, [1, 0]),
    ...section(7, [1, 3, 0x72, 0x75, 0x6e, 0, 0]), // "run"
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
}

/** A function of a number of turns that runs them. */
export function openPeak() {
  const candidates = [12, 14].map((count) => {
    const { run } = new WebAssembly.Instance(new WebAssembly.Module(peakModule(count))).exports;
    const times = [];
    for (let i = 0; i < 20; i++) {
      const start = performance.now();
      run(2000);
      times.push(performance.now() - start);
    }
    return { run, ms: Math.min(...times) };
  });
  return candidates.sort((a, b) => a.ms - b.ms)[0].run;
}
