// Measurements of gradnoise alone: the host's share of a step, a zero start, the noise, the heap.
import { median, rounds } from "./measure.mjs";
import { openPeer } from "./remote.mjs";
import { hostCases, noiseCase, zeroCases } from "./workloads.mjs";

/** Median microseconds of two programs, and of what `compare` makes of the two bursts of each round. */
async function pair(opening, options, compare) {
  const programs = [];
  for (const program of opening) programs.push(await program);
  const [a, b] = await rounds(programs, options);
  for (const program of programs) await program.close();
  return [median(a), median(b), median(a.slice(0, b.length).map((us, r) => compare(us, b[r])))];
}

/** Step time minus the time of the same kernel calls, replayed without the host. */
export async function hostShare(peer, options) {
  const figures = [];
  for (const { name, ...parameters } of hostCases) {
    const list = ["hosted", "replay"].map((mode) => peer.open("W2", { ...parameters, mode }));
    const short = { rounds: 4 * options.rounds, ms: 4 };
    const [step, kernels, share] = await pair(list, short, (s, k) => (s - k) / s);
    figures.push({ case: name, us: share * step, value: 100 * share, unit: "% of a step" });
    figures.push({ case: `${name}-step`, us: step, value: 1e6 / step, unit: "steps/s" });
    figures.push({ case: `${name}-kernels`, us: kernels, value: 1e6 / kernels, unit: "steps/s" });
  }
  return figures;
}

/** Steps at t < 500 from all-zero weights, beside those from He weights. */
export async function zeroStart(peer, options) {
  const list = zeroCases.map((parameters) => peer.open("W2", parameters));
  const [zero, he, ratio] = await pair(list, { ...options, ms: 60 }, (z, h) => z / h);
  return [
    { case: "zero-start", us: zero, value: ratio, unit: "x a step from He" },
    { case: "he-start", us: he, value: 1, unit: "x a step from He" },
  ];
}

/** What the noise adds to a plain update of W2's parameters, and addNormal beside the same from Philox-10 words. */
export async function noiseCost(peer, options, task) {
  const { count } = noiseCase;
  const figure = (name, us) => ({ case: name, us, value: (us * 1000) / count, unit: "ns/parameter" });
  const short = { rounds: 2 * options.rounds, ms: 5 };
  const update = [peer.open("update", { count }), peer.open("update", { count, noise: false })];
  const [noisy, plain, added] = await pair(update, short, (n, p) => n - p);
  const figures = [figure("added-by-noise", added), figure("noisy-update", noisy), figure("plain-update", plain)];
  const philox = await openPeer("philox", task);
  try {
    const programs = [peer.open("update", { count, plain: false }), philox.open("update", { count })];
    const [ours, other, ratio] = await pair(programs, short, (a, b) => a / b);
    figures.push(figure("noise-alone", ours), figure("noise-alone-philox-10", other));
    figures.push({ case: "of-philox-10", us: ours, value: ratio, unit: "x the Philox-10 path" });
  } catch (error) {
    console.error(`noise: ${error.message}`);
  } finally {
    philox.stop();
  }
  return figures;
}

/** Growth of the JavaScript heap over 1,000 steps. */
export async function heapGrowth(peer) {
  const figures = [];
  for (const { name, ...parameters } of hostCases.slice(0, 2)) {
    const { growth, garbagePerStep } = await peer.ask({ op: "heap", parameters: { ...parameters, steps: 1000 } });
    figures.push({ case: `${name}-growth`, us: 0, value: growth, unit: "bytes/1000 steps" });
    figures.push({ case: `${name}-garbage`, us: 0, value: garbagePerStep, unit: "bytes/step" });
  }
  return figures;
}
