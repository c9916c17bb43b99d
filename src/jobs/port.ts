// Jobs over a message port: of a web worker, a worker thread or a MessageChannel. Each job brings a channel of its own, on
// which its events come back and the wish to stop goes out: no memory needs to be shared, and several go on side by side.
import { pause } from "../base/pause.js";
import type { Experiment } from "../experiments/index.js";
import { carryOut } from "./carry-out.js";
import type { Job, JobEvent, JobResult } from "./job.js";

/** What a job is sent to: a worker, or a port. */
export interface JobTarget {
  postMessage(message: unknown, transfer: any[]): void;
}

/** Where jobs come in: a worker's own global scope, its parentPort, or a port. */
export interface JobInlet {
  addEventListener(type: "message", listener: (event: any) => void): void;
  removeEventListener(type: "message", listener: (event: any) => void): void;
  start?(): void;
}

/** What is used of a MessagePort. */
interface Port extends JobInlet, JobTarget {
  close(): void;
}

interface Request {
  readonly gradnoise: "job";
  readonly job: Job;
  readonly port: Port;
}

type Reply =
  | { readonly event: JobEvent }
  | { readonly result: JobResult }
  | { readonly error: { readonly name: string; readonly message: string } };

/**
 * Answers jobs that come in at `inlet`. Returns a function that ends it; jobs under way go on to their end.
 *
 * Throws nothing: what goes wrong goes back to who sent the job.
 * Example:
 * ```ts
 * const { port1, port2 } = new MessageChannel(); // a web worker writes serveJobs(self)
 * const end = serveJobs(port2);
 * end();
 * port1.close();
 * ```
 */
export function serveJobs(inlet: JobInlet, known?: readonly Experiment[]): () => void {
  const listen = async ({ data }: { data: Request | undefined }): Promise<void> => {
    if (data?.gradnoise !== "job") return;
    const { job, port } = data;
    let stop = false;
    port.addEventListener("message", () => {
      stop = true;
    });
    port.start?.();
    const reply = (content: Reply): void => port.postMessage(content, []);
    try {
      const emit = (event: JobEvent): void => reply({ event });
      reply({ result: await carryOut(job, { emit, stopped: () => stop, turn: pause }, known) });
    } catch (error) {
      const { name, message } = error as Error;
      reply({ error: { name, message } });
    }
    port.close();
  };
  inlet.addEventListener("message", listen);
  inlet.start?.();
  return () => inlet.removeEventListener("message", listen);
}

/** A job under way. */
export interface SentJob {
  /** What it came to. Rejects with an error of the name and message of what was thrown over there. */
  readonly result: Promise<JobResult>;
  /** Asks for an end after the step at hand: the result then has a checkpoint, and no summary. */
  stop(): void;
}

/**
 * Sends a job to whoever serves at `target`.
 *
 * Throws what `postMessage` throws for what cannot be cloned; the rest comes by `result`.
 * Example:
 * ```ts
 * const { port1, port2 } = new MessageChannel();
 * const end = serveJobs(port2);
 * const job = { experiment: "deep-mlp", settings: { steps: 0 }, data: "digits" };
 * await sendJob(port1, job).result.catch(({ message }) => message);
 * end();
 * port1.close();
 * ```
 */
export function sendJob(target: JobTarget, job: Job, on?: (event: JobEvent) => void): SentJob {
  const { port1, port2 } = new MessageChannel();
  const port = port1 as unknown as Port;
  const result = new Promise<JobResult>((resolve, reject) => {
    port.addEventListener("message", ({ data }: { data: Reply }) => {
      if ("event" in data) return on?.(data.event);
      port.close();
      if ("result" in data) resolve(data.result);
      else reject(Object.assign(new Error(data.error.message), { name: data.error.name }));
    });
  });
  port.start?.();
  target.postMessage({ gradnoise: "job", job, port: port2 }, [port2]);
  return { result, stop: () => port.postMessage("stop", []) };
}
