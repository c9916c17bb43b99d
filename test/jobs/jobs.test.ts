// One run as messages: the loop by itself, and over a message port, with and without memory that is shared.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import type { Tensor } from "../../src/core/tensor.js";
import { digits } from "../../src/data/index.js";
import { deepMlp, type Run } from "../../src/experiments/index.js";
import { carryOut, type Job, type JobEvent, packData, sendJob, serveJobs, unpackData } from "../../src/jobs/index.js";

const data = digits({ train: 200, test: 50 });
const settings = { layers: 2, width: 8, batch: 20, steps: 60, init: "he", seed: 5 } as const;
const job: Job = { experiment: "deep-mlp", settings, data: packData(data) };

function whole(): Run {
  const run = deepMlp.start(data, settings);
  while (!run.finished) run.step();
  return run;
}

/** Runs `f` with both ends of a channel, one of them served. */
async function served<T>(f: (port: MessagePort) => Promise<T>): Promise<T> {
  const { port1, port2 } = new MessageChannel();
  const end = serveJobs(port2);
  try {
    return await f(port1);
  } finally {
    end();
    port1.close();
  }
}

describe("a job", () => {
  it("comes to what the run itself comes to, and tells all of it on the way", async () => {
    const events: JobEvent[] = [];
    const port = { emit: (event: JobEvent) => events.push(event), stopped: () => false };
    const result = await carryOut({ ...job, tickEvery: 0 }, port);
    const run = whole();
    expect(result.summary).toEqual(run.summary());
    expect(result.history).toEqual(run.history);
    expect(events[0]).toEqual({ type: "ready", step: 0, total: 60, history: [] });
    expect(events.flatMap((e) => (e.type === "evaluation" ? [e.evaluation] : []))).toEqual(run.history);
    expect(events.filter(({ type }) => type === "tick")).toHaveLength(60);
  });

  it("stopped after any step goes on from its checkpoint to the very same bits", async () => {
    let left = 23;
    const first = await carryOut(job, { emit: () => undefined, stopped: () => left-- === 0 });
    expect(first).toMatchObject({ step: 22, summary: undefined });
    const events: JobEvent[] = [];
    const port = { emit: (event: JobEvent) => events.push(event), stopped: () => false };
    const second = await carryOut({ ...job, checkpoint: first.checkpoint }, port);
    expect(events[0]).toMatchObject({ type: "ready", step: 22, history: first.history });
    expect(second.summary).toEqual(whole().summary());
    expect(second.history).toEqual(whole().history);
  });

  it("that is stopped before it begins makes nothing", async () => {
    expect(await carryOut(job, { emit: () => undefined, stopped: () => true })).toEqual({ step: 0, history: [] });
  });

  it("gives checkpoints on the way, the last of which goes on", async () => {
    const long = { ...job, settings: { ...settings, steps: 20_000 }, saveEvery: 1 };
    const saved: Uint8Array[] = [];
    const emit = (event: JobEvent): void => {
      if (event.type === "checkpoint") saved.push(event.bytes);
    };
    await carryOut(long, { emit, stopped: () => saved.length === 2 });
    const again = deepMlp.start(data, long.settings, saved[1]);
    expect(again.steps).toBeGreaterThan(0);
  });

  it.each([
    [{ experiment: "deep-mpl" }, 'job: there is no experiment "deep-mpl". There are: deep-mlp'],
    [{ data: "mnist" }, 'job: deep-mlp has no data "mnist" of its own. There are: digits'],
    [{ settings: { ...settings, batch: 500 } }, 'deepMlp: "batch" expected at most the 200 training examples'],
  ])("is refused for %o", async (change, sentence) => {
    await expect(carryOut({ ...job, ...change }, { emit: () => undefined, stopped: () => false })).rejects.toThrow(
      sentence,
    );
  });
});

describe("over a message port", () => {
  it("events and result come back, and the errors by name", async () => {
    await served(async (port) => {
      const events: JobEvent[] = [];
      const { result } = sendJob(port, job, (event) => events.push(event));
      expect((await result).summary).toEqual(whole().summary());
      expect(events.filter(({ type }) => type === "evaluation")).toHaveLength(20);
      const wrong = sendJob(port, { ...job, settings: { ...settings, eta: -1 } }).result;
      await expect(wrong).rejects.toMatchObject({ name: "RangeError", message: expect.stringContaining('"eta"') });
    });
  });

  it("a stop is a message: no memory is shared", async () => {
    await served(async (port) => {
      const sent = sendJob(port, { ...job, settings: { ...settings, steps: 1_000_000 } }, ({ type }) => {
        if (type === "tick") sent.stop();
      });
      const { step, summary, checkpoint } = await sent.result;
      expect(summary).toBe(undefined);
      expect(step).toBeLessThan(1_000_000);
      expect(deepMlp.start(data, { ...settings, steps: 1_000_000 }, checkpoint).steps).toBe(step);
    });
  });

  it("several jobs go on side by side, each with its own events", async () => {
    await served(async (port) => {
      const seeds = [1, 2, 3];
      const jobs = seeds.map((seed) => sendJob(port, { ...job, settings: { ...settings, seed } }).result);
      expect((await Promise.all(jobs)).map(({ summary }) => summary?.seed)).toEqual(seeds);
    });
  });
});

describe("data for a job", () => {
  it("are the same there, to every byte, through the form that is posted", () => {
    const posted = structuredClone(packData(data));
    const there = unpackData(posted) as typeof data;
    expect(deepMlp.data.digest(there)).toBe(deepMlp.data.digest(data));
    expect(there.train.columns.x.source!.bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it("are copied once, however often they are packed", () => {
    const once = unpackData(packData(data)) as typeof data;
    const twice = unpackData(packData(once)) as typeof data;
    expect(twice.train.columns.x.source!.bytes.buffer).toBe(once.train.columns.x.source!.bytes.buffer);
  });

  it("hold trees and plain values beside, and no function", () => {
    expect(unpackData(structuredClone(packData({ words: ["a", "b"], of: { n: 3 } })))).toEqual({
      words: ["a", "b"],
      of: { n: 3 },
    });
    const tensors = unpackData(structuredClone(packData({ all: [data.test.columns.y] }))) as { all: Tensor[] };
    expect(tensors.all[0].reshape([5, 10]).shape).toEqual([5, 10]);
    expect(() => packData({ of: new (class Words {})() })).toThrow("packData: a class instance cannot be sent");
    expect(() => packData({ f: () => 1 })).toThrow("packData: a function cannot be sent to a worker");
  });
});
