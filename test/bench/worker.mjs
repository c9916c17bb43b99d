// The process of a peer written in JavaScript: `node worker.mjs PEER TASK`, then JSON lines in and out.
// A peer exports open(task) -> { version, workloads }, and workloads[W](parameters) -> { step, prepare?, close? }:
// `step` makes one step (a promise where `wait` is set; `per` steps at once where it is given) and returns its loss,
// `prepare(count)` runs untimed before a burst.
// With --cold it makes one step of W2 and says so: the cold start.
import { createInterface } from "node:readline";

const [peer, task, mode] = process.argv.slice(2);
console.log = console.info = console.warn = console.error; // stdout is for answers
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

const { open } = await import(`./peers/${peer}.mjs`);
const { version, workloads, ops = {} } = await open(task);

if (mode === "--cold") {
  const program = await workloads.W2({ batch: 32, kind: "full", init: "he" });
  say({ loss: await program.step() });
  process.exit(0);
}

const programs = new Map();

async function time({ step, wait, prepare, per = 1 }, count) {
  prepare?.(count);
  const calls = Math.max(1, Math.round(count / per));
  const start = performance.now();
  if (wait) for (let i = 0; i < calls; i++) await step();
  else for (let i = 0; i < calls; i++) step();
  return ((performance.now() - start) * 1000) / (calls * per);
}

async function answer({ op, id, workload, parameters, count }) {
  if (op === "open") {
    const program = await workloads[workload]?.(parameters);
    if (!program) return { missing: true };
    programs.set(id, program);
    return { first: (await program.step()) ?? null };
  }
  if (op === "time") return { us: await time(programs.get(id), count) };
  if (op === "close") {
    await programs.get(id).close?.();
    programs.delete(id);
    return {};
  }
  return ops[op](parameters);
}

say({ version });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    say(await answer(JSON.parse(line)));
  } catch (error) {
    say({ error: String(error?.stack ?? error) });
  }
}
