// A peer is a process of its own that answers JSON lines, so that no peer's garbage or globals reach another.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
/** The environment of every peer. */
export const oneThread = {
  ...process.env,
  OPENBLAS_NUM_THREADS: "1",
  OMP_NUM_THREADS: "1",
  MKL_NUM_THREADS: "1",
  PYTHONDONTWRITEBYTECODE: "1",
};

/** How each peer is started. */
export const peers = {
  gradnoise: { node: true },
  roof: { node: true },
  philox: { node: true },
  tfjs: { node: true, package: "@tensorflow/tfjs-backend-wasm" },
  "jax-js": { node: true, package: "@jax-js/jax" },
  onnxruntime: { node: true, package: "onnxruntime-web" },
  convnetjs: { node: true, package: "convnetjs" },
  "plain-js": { node: true },
  pytorch: { python: "torch", script: "pytorch.py" },
  numpy: { python: "numpy", script: "numpy_by_hand.py" },
};

/**
 * An OpenBLAS older than the processor may not know it and take kernels without AVX, a third as fast (seen: Debian 12's on
 * a new Xeon): such a win would be no win. Then it is told to take the 256-bit ones. OPENBLAS_CORETYPE overrides.
 */
function helpBlas(python) {
  const cpu = existsSync("/proc/cpuinfo") ? readFileSync("/proc/cpuinfo", "utf8") : "";
  if (oneThread.OPENBLAS_CORETYPE || !/\bavx2\b/.test(cpu)) return;
  const env = { ...oneThread, OPENBLAS_VERBOSE: "2" };
  const { stderr, stdout } = spawnSync(python, ["-c", "import numpy; numpy.ones((2, 2)) @ numpy.ones((2, 2))"], {
    env,
  });
  const core = /Core: (\w+)/.exec(`${stdout}${stderr}`)?.[1];
  if (!/^(Prescott|Core2|Nehalem|Generic)$/i.test(core ?? "")) return;
  oneThread.OPENBLAS_CORETYPE = "Haswell";
  console.error(`OpenBLAS took ${core} for this processor and is told to take Haswell: it would be slow otherwise`);
}

/** The command line of a peer, or undefined where python has not the module. */
export function commandOf(name, extra = []) {
  const { python, script } = peers[name];
  if (!python) return [process.execPath, [here("worker.mjs"), name, ...extra]];
  const found = ["/usr/bin/python3", "python3"].find(
    (command) => spawnSync(command, ["-c", `import ${python}`], { env: oneThread }).status === 0,
  );
  if (!found) return undefined;
  helpBlas(found);
  return [found, [here(`peers/${script}`), ...extra]];
}

/** Starts a peer. Throws when it ends early; undefined where it cannot be had on this machine. */
export async function openPeer(name, task) {
  const command = commandOf(name, [task]);
  if (!command) return undefined;
  const child = spawn(...command, { stdio: ["pipe", "pipe", "inherit"], env: oneThread });
  const waiting = [];
  let ended;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const answer = JSON.parse(line);
    const { resolve, reject } = waiting.shift();
    if (answer.error) reject(new Error(`${name}: ${answer.error}`));
    else resolve(answer);
  });
  child.on("exit", (code) => {
    ended = new Error(`${name} ended with code ${code}`);
    for (const { reject } of waiting.splice(0)) reject(ended);
  });
  const answer = () =>
    new Promise((resolve, reject) => {
      if (ended) reject(ended);
      else waiting.push({ resolve, reject });
    });
  const ask = (question) => {
    const promise = answer();
    if (!ended) child.stdin.write(`${JSON.stringify(question)}\n`);
    return promise;
  };
  const { version } = await answer();
  let programs = 0;
  return {
    name,
    version,
    ask,
    /** A program for a case, or undefined where the peer has none; `first` is what its first step returned. */
    async open(workload, parameters) {
      const id = programs++;
      const { missing, first } = await ask({ op: "open", id, workload, parameters });
      if (missing) return undefined;
      return {
        peer: name,
        first,
        /** Microseconds a step, over `count` steps. */
        time: async (count) => (await ask({ op: "time", id, count })).us,
        close: () => ask({ op: "close", id }),
      };
    },
    stop: () => child.stdin.end(),
  };
}
