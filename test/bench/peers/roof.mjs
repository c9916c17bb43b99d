// The roof beside the peers: the peak kernel of peak.mjs, in microseconds a million operations.
import { flopPerTurn, openPeak } from "../peak.mjs";

export async function open() {
  const run = openPeak();
  const turns = Math.round(1e6 / flopPerTurn);
  const program = () => ({ step: () => run(turns) });
  return { version: process.version, workloads: { W1: program, W2: program } };
}

export const flopPerStep = Math.round(1e6 / flopPerTurn) * flopPerTurn;
