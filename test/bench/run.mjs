// The benchmark. `npm run bench`: ours alone, under two minutes. `npm run bench -- --peers`: beside the other libraries.
//   --peers[=a,b]  beside all peers or the named ones; the JavaScript ones are installed into test/bench when absent
//   --only W2,host these workloads: W1-W7, host (the host's share of a step), zero (zero start), noise, heap,
//                  memory (peaks)
//   --case b1-,nn- cases whose name starts so   --rounds N  bursts of each program, 15   --json  one line a figure
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundleSize, coldStarts } from "./cold.mjs";
import { median, pairedRatio, rounds } from "./measure.mjs";
import { peaks } from "./memory.mjs";
import { heapGrowth, hostShare, noiseCost, zeroStart } from "./own.mjs";
import { flopPerStep } from "./peers/roof.mjs";
import { openPeer, peers } from "./remote.mjs";
import { jsonLine, table, workloadTable } from "./report.mjs";
import { writeTask } from "./w2.mjs";
import { workloads } from "./workloads.mjs";

// --peers takes a value only after "=": parseArgs knows no optional values
const { values: options } = parseArgs({
  args: process.argv.slice(2).map((arg) => (arg === "--peers" ? "--peers=all" : arg)),
  options: {
    peers: { type: "string" },
    only: { type: "string" },
    case: { type: "string" },
    rounds: { type: "string", default: "15" },
    json: { type: "boolean", default: false },
  },
});
const wantedRounds = Number(options.rounds);
if (!Number.isInteger(wantedRounds) || wantedRounds < 1) throw new RangeError(`--rounds expected an integer >= 1`);
const everyPeer = Object.keys(peers).filter((name) => !["gradnoise", "roof", "philox"].includes(name));
const wanted = options.peers === "all" ? everyPeer : (options.peers?.split(",") ?? []);
for (const name of wanted)
  if (!everyPeer.includes(name)) throw new RangeError(`--peers: "${name}" is none of ${everyPeer.join(", ")}`);
const every = [...Object.keys(workloads).slice(0, 5), "W6", "W7", "host", "zero", "noise", "heap", "memory"];
const only = options.only?.split(",") ?? every;
for (const name of only)
  if (!every.includes(name)) throw new RangeError(`--only: "${name}" is none of ${every.join(", ")}`);
const prefixes = options.case?.split(",") ?? [""];
const chosen = ({ name }) => prefixes.some((prefix) => name.startsWith(prefix));

function install() {
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const missing = wanted.filter(
    (name) => peers[name].package && !existsSync(join(folder, "node_modules", peers[name].package)),
  );
  if (missing.length === 0) return;
  console.error(`installing ${missing.join(", ")} into test/bench (450 MB)`);
  spawnSync("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund"], { stdio: ["ignore", 2, 2] });
}

const figures = [];
function add(figure) {
  figures.push(figure);
  if (options.json) console.log(jsonLine(figure));
}

/** Asks, and turns a failure into a remark: one broken case must not end a run of many minutes. */
async function attempt(what, f) {
  try {
    return await f();
  } catch (error) {
    console.error(`${what}: ${error.message}`);
    return undefined;
  }
}

async function openPrograms(open, workload, parameters) {
  const list = [];
  const variants = open.flatMap((peer) => {
    const plain = { peer, label: peer.name, parameters };
    const copies = peer.name === "gradnoise" && (workload === "W3" || workload === "W7");
    return copies ? [plain, { peer, label: "gradnoise-host", parameters: { ...parameters, host: true } }] : [plain];
  });
  for (const { peer, label, parameters: own } of variants) {
    if (peer.name === "roof" && !parameters.roof) continue;
    const program = await attempt(`${label} ${workload} ${parameters.name}`, () => peer.open(workload, own));
    if (program) list.push({ ...program, label });
  }
  return list;
}

/** All peers must do the same work: their losses before the first update agree with ours. */
function checkLosses(programs, workload, name) {
  const losses = programs.filter(({ label }) => label !== "roof");
  const reference = losses.find(({ label }) => label === "gradnoise") ?? losses[0];
  for (const { label, first } of losses)
    if (!(Math.abs(first - reference.first) <= 1e-4))
      throw new Error(
        `${workload} ${name}: ${label} starts at the loss ${first}, ${reference.label} at ${reference.first}: not the same work`,
      );
}

async function runCase(open, workload, parameters) {
  const { name, unit, value, sameLoss, flop, ...sent } = parameters;
  const programs = await openPrograms(open, workload, { name, ...sent });
  if (programs.length === 0 || programs.every(({ label }) => label === "roof")) return;
  if (sameLoss) checkLosses(programs, workload, name);
  const times = await rounds(programs, { rounds: wantedRounds, ms: workload === "W1" ? 5 : 20 });
  for (const program of programs) await program.close();
  const roof = times[programs.findIndex(({ label }) => label === "roof")];
  programs.forEach(({ label }, i) => {
    const us = median(times[i]);
    const common = { peer: label, workload, case: name, us, times: times[i] };
    if (label === "roof") {
      add({ ...common, value: flopPerStep / us / 1e3, unit: "GFLOP/s" });
      return;
    }
    const roofShare = roof && (pairedRatio(times[i], roof) * (flop ?? 2 * sent.m * sent.n * sent.k)) / flopPerStep;
    add({ ...common, value: value(us), unit, roofShare });
  });
}

const folder = mkdtempSync(join(tmpdir(), "gradnoise-bench-"));
const task = join(folder, "task.bin");
const open = [];
const say = (text) => options.json || console.log(text);
try {
  install();
  await writeTask(task);
  for (const name of ["gradnoise", "roof", ...wanted]) {
    const peer = await attempt(name, () => openPeer(name, task));
    if (peer) open.push(peer);
    else console.error(`${name} is not on this machine: left out`);
  }
  const names = open.map(({ name }) => name);
  say(
    `Node ${process.version}, ${cpus()[0]?.model}, one thread, ${wantedRounds} rounds, medians; ratios are medians over the rounds.`,
  );
  say(
    open
      .map(({ name, version }) => (name === "roof" ? "" : `${name} ${version}`))
      .filter(Boolean)
      .join(" · "),
  );
  for (const workload of only.filter((name) => name in workloads)) {
    const { title, cases } = workloads[workload];
    for (const parameters of cases.filter(chosen))
      await attempt(`${workload} ${parameters.name}`, () => runCase(open, workload, parameters));
    const own = figures.filter((f) => f.workload === workload);
    if (own.length > 0) say(workloadTable(`${workload}: ${title}`, own));
  }
  if (only.includes("W6")) {
    const cold = await coldStarts(
      names.filter((name) => name !== "roof" && name !== "plain-js"),
      task,
      wantedRounds,
    );
    for (const figure of cold) add({ ...figure, workload: "W6" });
    say(
      workloadTable(
        "W6: process start to the end of the first W2 step, batch 32",
        cold.map((f) => ({ ...f, lowerIsBetter: true })),
      ),
    );
    const size = { ...bundleSize(), workload: "W6" };
    add(size);
    say(`gradnoise, bundle with its WASM inlined, gzip: ${size.value.toFixed(1)} kB`);
  }
  const extras = {
    host: ["the host's share of a full step of W2", hostShare],
    zero: ["W2 full, batch 100, t < 500: zero start beside He start", zeroStart],
    noise: ["the noise of 88,210 parameters above a plain update", noiseCost],
    heap: ["the JavaScript heap", heapGrowth],
    memory: ["the peak of WebAssembly memory, parameters and slots included", peaks],
  };
  const [ours] = open;
  for (const name of only.filter((name) => name in extras)) {
    const [title, measure] = extras[name];
    const list = await attempt(name, () => measure(ours, { rounds: wantedRounds }, task));
    for (const figure of list ?? []) add({ ...figure, peer: "gradnoise", workload: name });
    const rows = (list ?? []).map((f) => [f.case, f.us ? `${f.us.toFixed(1)} us` : "", f.value.toFixed(2), f.unit]);
    say(`\n${title}\n${table(["case", "median", "value", "unit"], rows)}`);
  }
} finally {
  for (const peer of open) peer.stop();
  rmSync(folder, { recursive: true });
}
