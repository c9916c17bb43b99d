// Memory: a long run grows neither WebAssembly memory nor the heap, and the arena works beyond 2 GiB.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { valueAndGrad } from "../../src/autodiff/grad.js";
import { key, normal } from "../../src/core/random.js";
import { Scope } from "../../src/core/scope.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { exp, tanh } from "../../src/ops/elementwise/index.js";
import { matmul } from "../../src/ops/product/matmul.js";
import "../../src/ops/methods.js";
import { sgd } from "../../src/optim/index.js";
import { createTrainer } from "../../src/train/trainer.js";
import { Runtime, sharedRuntime } from "../../src/wasm/runtime.js";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

const heap = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

type P = { w: Tensor; v: Tensor };
const params = (): P => ({ w: normal(key(1), [8, 8]), v: normal(key(2), [8, 8]) });

/** Bytes at the peak after some steps and after many more. */
function growth(loss: (p: P, x: Tensor, step: number) => Tensor, steps: number, rows: (step: number) => number) {
  const trainer = createTrainer({
    params: params(),
    loss: (p: P, x: Tensor, { step }) => loss(p, x, step),
    optimizer: sgd(1e-6),
  });
  const batches = Array.from({ length: 6 }, (_, i) => normal(key(i), [rows(i), 8]));
  const run = (count: number): void => {
    for (let i = 0; i < count; i++) trainer.step(batches[i % 6]);
  };
  run(6000); // the engine's own code and feedback come to their size: a tenth of that left it 250 to 400 kB to grow
  const before = { peak: trainer.memory.peak, held: trainer.memory.held, heap: heap() };
  run(steps);
  return { ...trainer.memory, before, heapGrowth: heap() - before.heap };
}

describe("10,000 small steps", () => {
  it("grow neither WebAssembly memory nor the heap", () => {
    const after = growth(
      (p, x) => matmul(tanh(matmul(x, p.w)), p.v).mean(),
      10_000,
      () => 4,
    );
    expect([after.peak, after.held]).toEqual([after.before.peak, after.before.held]);
    expect(after.heapGrowth).toBeLessThan(300_000);
  });

  it("grow nothing when the number of ops changes at every step", () => {
    const after = growth(
      (p, x, step) => {
        let h = matmul(x, p.w);
        for (let i = 0; i < step % 3; i++) h = tanh(h);
        return h.mean();
      },
      10_000,
      () => 4,
    );
    expect([after.peak, after.held]).toEqual([after.before.peak, after.before.held]);
    expect(after.heapGrowth).toBeLessThan(300_000);
  });

  it("grow nothing when every other step computes something after the loss", () => {
    const after = growth(
      (p, x, step) => {
        const loss = tanh(matmul(x, p.w)).mean();
        if (step % 2) exp(p.v);
        return loss;
      },
      10_000,
      () => 4,
    );
    expect([after.peak, after.held]).toEqual([after.before.peak, after.before.held]);
    expect(after.heapGrowth).toBeLessThan(300_000);
  });

  it("grow nothing when the batch changes its size at every step", () => {
    const after = growth(
      (p, x) => tanh(matmul(x, p.w)).mean(),
      10_000,
      (i) => [1, 9, 4, 30, 2, 9][i],
    );
    expect([after.peak, after.held]).toEqual([after.before.peak, after.before.held]);
    expect(after.heapGrowth).toBeLessThan(300_000);
  });
});

describe("the shared runtime", () => {
  it("does not grow under 20,000 ops outside of scopes and 2,000 gradients", () => {
    const f = valueAndGrad((x: Tensor) => tanh(x).sum());
    const x = normal(key(1), [100]);
    const use = (count: number): void => {
      for (let i = 0; i < count; i++) {
        exp(x);
        if (i % 10 === 0) f(x);
      }
    };
    use(100);
    const { peak, capacity } = sharedRuntime().memory;
    use(20_000);
    expect([sharedRuntime().memory.peak, sharedRuntime().memory.capacity]).toEqual([peak, capacity]);
  });
});

describe("the arena", () => {
  it("works beyond 2 GiB", () => {
    const runtime = new Runtime();
    runtime.memory.base = runtime.memory.top = 2 ** 31 + 4096;
    const scope = new Scope(runtime, "far");
    scope.within(0, () => {
      const x = scope.upload(tensor([[1, 2, 3]]), true);
      const loss = tanh(scope.handle(x)).slice([0, 1], [1, 2]).sum();
      scope.backward(loss, [x]);
      expect(loss.item()).toBeCloseTo(Math.tanh(2) + Math.tanh(3), 6);
      expect(runtime.memory.f32[x.gradient / 4 + 2]).toBeCloseTo(1 - Math.tanh(3) ** 2, 6);
      expect(x.data).toEqual(new Float32Array([1, 2, 3]));
    });
  });

  it("says what it holds and what does not fit when 4 GiB are not enough", () => {
    const { memory } = new Runtime();
    expect(() => memory.allocate(5 * 2 ** 30)).toThrow(
      /^memory: 5120 MiB do not fit \(1 MiB in use, 4096 MiB is the limit of WebAssembly\)\. Use a smaller batch/,
    );
  });

  it("gives every allocation 16 bytes of alignment and its own room", () => {
    const { memory } = new Runtime();
    let end = 0;
    for (const bytes of [1, 4, 15, 16, 17, 100, 3_000_000, 5]) {
      const at = memory.allocate(bytes);
      expect(at % 16).toBe(0);
      expect(at).toBeGreaterThanOrEqual(end);
      end = at + bytes;
      expect(memory.capacity).toBeGreaterThanOrEqual(end);
    }
  });
});
