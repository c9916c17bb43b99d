// Measurements of gradnoise alone: the host's share of a step, a zero start, the noise, the heap.
import { race } from "./measure.mjs";
import { hostCases, noiseCase, zeroCases } from "./workloads.mjs";

async function withPrograms(peer, workload, list, options) {
  const programs = [];
  for (const parameters of list) programs.push(await peer.open(workload, parameters));
  const times = await race(programs, options);
  for (const program of programs) await program.close();
  return times;
}

/** Step time minus the time of the same kernel calls, replayed without the host. */
export async function hostShare(peer, options) {
  const figures = [];
  for (const { name, ...parameters } of hostCases) {
    const list = [parameters, { ...parameters, replay: true }];
    const [step, kernels] = await withPrograms(peer, "W2", list, { ...options, ms: 4 });
    figures.push({ case: name, us: step - kernels, value: (100 * (step - kernels)) / step, unit: "% of a step" });
    figures.push({ case: `${name}-step`, us: step, value: 1e6 / step, unit: "steps/s" });
    figures.push({ case: `${name}-kernels`, us: kernels, value: 1e6 / kernels, unit: "steps/s" });
  }
  return figures;
}

/** Steps at t < 500 from all-zero weights, beside those from He weights. */
export async function zeroStart(peer, options) {
  const [zero, he] = await withPrograms(peer, "W2", zeroCases, { ...options, ms: 60 });
  return [
    { case: "zero-start", us: zero, value: zero / he, unit: "x a step from He" },
    { case: "he-start", us: he, value: 1, unit: "x a step from He" },
  ];
}

/** What the noise adds to a plain update of W2's parameters. */
export async function noiseCost(peer, options) {
  const { count } = noiseCase;
  const list = [{ count, noise: true }, { count }];
  const [noisy, plain] = await withPrograms(peer, "update", list, { ...options, ms: 10 });
  const figure = (name, us) => ({ case: name, us, value: (us * 1000) / count, unit: "ns/parameter" });
  return [figure("noise", noisy - plain), figure("noisy-update", noisy), figure("plain-update", plain)];
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
