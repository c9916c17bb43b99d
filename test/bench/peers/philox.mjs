// The noise from Philox4x32-10 alone: the library's own assembly/random.ts, compiled with nothing but the generator of the
// words exchanged. Two blocks of four lanes at a time, rounds unrolled, keys in memory: the best of the forms tried
// (SPEED.md section 5). Three words still serve two pairs.
import { readFileSync } from "node:fs";
import asc from "assemblyscript/asc";
import { fixedValues } from "../w2.mjs";

const range = (n) => Array.from({ length: n }, (_, i) => i);

/** One round of the block with the letter b. */
const round = (b, r) => `
    const ${b}l0_${r} = i64x2.extmul_low_i32x4_u(m0, ${b}0), ${b}h0_${r} = i64x2.extmul_high_i32x4_u(m0, ${b}0);
    const ${b}l1_${r} = i64x2.extmul_low_i32x4_u(m1, ${b}2), ${b}h1_${r} = i64x2.extmul_high_i32x4_u(m1, ${b}2);
    ${b}0 = v128.xor(v128.xor(i32x4.shuffle(${b}l1_${r}, ${b}h1_${r}, 1, 3, 5, 7), ${b}1), v128.load(KEYS, ${32 * r}));
    ${b}1 = i32x4.shuffle(${b}l1_${r}, ${b}h1_${r}, 0, 2, 4, 6);
    ${b}2 = v128.xor(v128.xor(i32x4.shuffle(${b}l0_${r}, ${b}h0_${r}, 1, 3, 5, 7), ${b}3), v128.load(KEYS, ${32 * r + 16}));
    ${b}3 = i32x4.shuffle(${b}l0_${r}, ${b}h0_${r}, 0, 2, 4, 6);`;

const generator = `
const KEYS = memory.data(320, 16);

class PhiloxWords {
  /** rounds x 8 words into WORDS; rounds is a multiple of 3, and a chunk has room for the excess. */
  static fill(chunk: i32, key0: i32, key1: i32, step: i32, stream: i32, rounds: i32): void {
    for (let r = 0; r < 10; r++) {
      v128.store(KEYS + (r << 5), i32x4.splat(key0 + r * 0x9e3779b9));
      v128.store(KEYS + (r << 5), i32x4.splat(key1 + r * 0xbb67ae85), 16);
    }
    const m0 = i32x4.splat(0xd2511f53);
    const m1 = i32x4.splat(0xcd9e8d57);
    let counter = i32x4(0, 1, 2, 3);
    const end: usize = WORDS + (rounds << 5);
    for (let out: usize = WORDS; out < end; out += 128) {
      let a0 = i32x4.splat(chunk), a1 = counter, a2 = i32x4.splat(step), a3 = i32x4.splat(stream);
      let b0 = a0, b1 = i32x4.add(counter, i32x4.splat(4)), b2 = a2, b3 = a3;
      counter = i32x4.add(counter, i32x4.splat(8));
${range(10)
  .map((r) => round("a", r) + round("b", r))
  .join("\n")}
      ${["a", "b"].flatMap((b, j) => range(4).map((i) => `v128.store(out, ${b}${i}, ${64 * j + 16 * i});`)).join(" ")}
    }
  }
}
`;

async function compile() {
  const file = new URL("../../../assembly/random.ts", import.meta.url);
  const ours = readFileSync(file, "utf8");
  const call = /Xoshiro\.fill\((chunk, key0, key1, step, stream, blocks \* 3)\)/;
  if (!call.test(ours))
    throw new Error("assembly/random.ts no longer calls Xoshiro.fill where philox.mjs exchanges it");
  const source = ours.replace(call, "PhiloxWords.fill($1)") + generator;
  let binary;
  const flags = [
    "-O3",
    "--noAssert",
    "--runtime",
    "stub",
    "--enable",
    "simd",
    "--use",
    "abort=",
    "--initialMemory",
    "64",
  ];
  const { error, stderr } = await asc.main(["philox.ts", "--outFile", "out.wasm", "--disableWarning", ...flags], {
    readFile: (name) => (name.endsWith("philox.ts") ? source : null),
    writeFile: (name, data) => {
      if (name.endsWith(".wasm")) binary = data;
    },
    listFiles: () => [],
  });
  if (error) throw new Error(`${error.message}\n${stderr}`);
  return new WebAssembly.Instance(new WebAssembly.Module(binary)).exports;
}

export async function open() {
  const kernels = await compile();
  const update = ({ count }) => {
    const pointer = 1 << 20;
    new Float32Array(kernels.memory.buffer).set(fixedValues(count), pointer >>> 2);
    let t = 0;
    return { step: () => kernels.addNormal(count, 1, 0, t++, 4, 0, 1e-6, pointer) };
  };
  return { version: "10 rounds", workloads: { update } };
}
