// The time of a noisy step of the paper's network, ours beside PyTorch's (where python3 has torch), and from a zero start
// beside a He start. Rounds of the two programs alternate; medians of rounds; kernels are warm before the first one counts.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createTrainer, nn, optim, random, tensor } from "../../dist/index.js";

const rounds = Number(process.env.ROUNDS ?? 15);
const json = process.argv.includes("--json");
const sizes = [784, ...Array(20).fill(50), 10];

function makeStep(batch, init, noise = true) {
  const model = nn.mlp(sizes, { init });
  const x = random.uniform(random.key(2), [batch, 784]);
  const labels = tensor(Int32Array.from({ length: batch }, (_, i) => i % 10));
  const { chain, clipByGlobalNorm, addNoise, sgd } = optim;
  const trainer = createTrainer({
    params: model.init(random.key(1)),
    loss: (params, { x, y }) => nn.softmaxCrossEntropy(model.apply(params, x), y),
    optimizer: noise ? chain(clipByGlobalNorm(10), addNoise({ eta: 0.01, seed: 1 }), sgd(0.01)) : sgd(0.01),
  });
  return () => trainer.step({ x, y: labels });
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Microseconds a step over `count` steps. */
function time(step, count) {
  const start = performance.now();
  for (let i = 0; i < count; i++) step();
  return ((performance.now() - start) * 1000) / count;
}

/** A PyTorch process that answers "batch kind count" with microseconds a step, or undefined without torch. */
async function startTorch() {
  const python = ["/usr/bin/python3", "python3"].find((name) => spawnSync(name, ["-c", "import torch"]).status === 0);
  if (!python) return undefined;
  const child = spawn(python, [fileURLToPath(new URL("./step_torch.py", import.meta.url))], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  const ask = async (text) => {
    child.stdin.write(`${text}\n`);
    const [line] = await once(lines, "line");
    return Number(line);
  };
  return { ask, stop: () => child.stdin.end() };
}

function report(row) {
  if (json) console.log(JSON.stringify({ ...row, node: process.version }));
  else console.log(row.text);
}

const torch = await startTorch();
if (!torch && !json) console.log("python3 has no torch: ours alone (Debian: apt-get install python3-torch)");
for (const kind of ["full", "plain"])
  for (const batch of [1, 32, 100]) {
    const step = makeStep(batch, nn.init.he, kind === "full");
    const count = Math.max(10, Math.round(batch === 1 ? 400 : 6000 / (batch + 20)));
    for (let i = 0; i < 3; i++) {
      time(step, count);
      await new Promise((resolve) => setTimeout(resolve, 5)); // let the optimised tier arrive
    }
    if (torch) await torch.ask(`${batch} ${kind} 20`);
    const ours = [];
    const theirs = [];
    for (let r = 0; r < rounds; r++) {
      ours.push(time(step, count));
      if (torch) theirs.push(await torch.ask(`${batch} ${kind} ${Math.max(5, count >> 2)}`));
    }
    const mine = median(ours);
    const peer = torch ? median(theirs) : undefined;
    report({
      workload: "W2",
      case: `b${batch}-${kind}`,
      median_us: Math.round(mine),
      torch_us: peer && Math.round(peer),
      ratio: peer && Number((peer / mine).toFixed(2)),
      text: `W2 ${kind.padEnd(5)} batch ${String(batch).padStart(3)}: gradnoise ${mine.toFixed(0).padStart(5)} us (${(1e6 / mine).toFixed(0)} steps/s)${
        peer ? `, PyTorch ${peer.toFixed(0)} us: ${(peer / mine).toFixed(2)} times as fast` : ""
      }`,
    });
  }
torch?.stop();

// From all-zero weights the backward signal is tiny: does a step at t < 500 cost more than one from He?
const zero = [];
const he = [];
for (let r = 0; r < Math.ceil(rounds / 3); r++) {
  const a = makeStep(100, nn.init.zeros);
  const b = makeStep(100, nn.init.he);
  for (let t = 0; t < 500; t += 50) {
    zero.push(time(a, 50));
    he.push(time(b, 50));
  }
}
const ratio = median(zero) / median(he);
report({
  workload: "W2",
  case: "b100-zero-start",
  median_us: Math.round(median(zero)),
  he_us: Math.round(median(he)),
  ratio: Number(ratio.toFixed(3)),
  text: `t < 500, batch 100: zero start ${median(zero).toFixed(0)} us, He start ${median(he).toFixed(0)} us: ${ratio.toFixed(3)} times`,
});
