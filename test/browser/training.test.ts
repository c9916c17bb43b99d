// A short run of the main job, in Node and in the browser: one pinned digest for both, printed side by side.
import { describe, expect, it } from "vitest";
import { createTrainer, data, digest, nn, optim, random } from "../../src/index.js";

const { chain, clipByGlobalNorm, addNoise, sgd } = optim;
const inPage = typeof document !== "undefined";
const where = inPage ? "Chromium" : "Node";

type Library = Pick<
  typeof import("../../src/index.js"),
  "createTrainer" | "data" | "digest" | "nn" | "optim" | "random"
>;

/** Digest after 150 noisy steps of the paper's network from zero weights on 500 drawn digits. */
function run(g: Library): { digest: string; loss: number } {
  const { train } = g.data.digits({ train: 500, test: 10, seed: 7 });
  const model = g.nn.mlp([784, ...Array(20).fill(50), 10], { init: g.nn.init.zeros });
  const trainer = g.createTrainer({
    params: model.init(g.random.key(1)),
    loss: (params, { x, y }: (typeof train)["columns"]) => g.nn.softmaxCrossEntropy(model.apply(params, x), y),
    optimizer: g.optim.chain(g.optim.clipByGlobalNorm(10), g.optim.addNoise({ eta: 0.03, seed: 1 }), g.optim.sgd(0.1)),
  });
  let loss = 0;
  for (const batch of train.batches(50, { seed: 1, steps: 150 })) loss = trainer.step(batch).loss;
  return { digest: g.digest(trainer.params), loss };
}

const GOLDEN = "5c740952c91e461b";

describe("a short training run", () => {
  it("has the pinned digest here", () => {
    const result = run({ createTrainer, data, digest, nn, optim, random });
    console.log(`${where.padEnd(8)} 150 noisy steps from zero: digest ${result.digest}, loss ${result.loss}`);
    expect(result.digest).toBe(GOLDEN);
    expect(Number.isFinite(result.loss)).toBe(true);
  });

  it.runIf(inPage)("has it as the one-file script that a page loads", async () => {
    await new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = "/dist/gradnoise.min.js";
      script.onload = resolve;
      script.onerror = () => reject(new Error("dist/gradnoise.min.js did not load: npm run build"));
      document.head.append(script);
    });
    expect(run((globalThis as unknown as { gradnoise: Library }).gradnoise).digest).toBe(GOLDEN);
  });

  it("keeps the page alive: run() lets the event loop turn", async () => {
    const { train } = data.digits({ train: 200, test: 10, seed: 7 });
    const model = nn.mlp([784, 50, 50, 10], { init: nn.init.he });
    const trainer = createTrainer({
      params: model.init(random.key(1)),
      loss: (params, { x, y }: (typeof train)["columns"]) => nn.softmaxCrossEntropy(model.apply(params, x), y),
      optimizer: chain(clipByGlobalNorm(10), addNoise({ eta: 0.01, seed: 1 }), sgd(0.1)),
    });
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const last = await trainer.run(train.batches(20, { seed: 1, steps: 300 }), { yieldEveryMs: 4 });
    clearInterval(timer);
    expect(last?.step).toBe(299);
    expect(turns).toBeGreaterThan(2);
  });
});
