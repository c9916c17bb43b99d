// Interleaved rounds: warm every program up to the optimised tier, then let each in turn run a short burst, many times over.

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Doubles the steps of a burst until it lasts `ms`, and warms up on the way; the event loop turns between bursts. */
async function warmUp(program, ms) {
  let count = 1;
  let us = await program.time(count);
  while (us * count < ms * 1000 && count < 1 << 22) {
    count = Math.ceil(count * Math.min(2, Math.max(1.1, (ms * 1000) / (us * count))));
    us = await program.time(count);
  }
  for (let i = 0; i < 3 && us * count < 500_000; i++) {
    await pause(5);
    us = await program.time(count);
  }
  return Math.max(1, Math.round((ms * 1000) / us));
}

// A program whose single step takes long gets fewer rounds, so that its part ends within about this time.
const longest = 5e6; // us

/**
 * How many times as long b takes as a: the median of the quotients of each round. The speed of a shared machine changes
 * from second to second, and the two bursts of a round meet the same.
 */
export const pairedRatio = (a, b) => median(a.slice(0, b.length).map((us, r) => b[r] / us));

/** All the microseconds a step: for each program its bursts, in the order of the rounds. */
export async function rounds(programs, { rounds: wanted, ms }) {
  const counts = [];
  for (const program of programs) counts.push(await warmUp(program, ms));
  const times = programs.map(() => []);
  const spent = programs.map(() => 0);
  for (let r = 0; r < wanted; r++)
    for (let i = 0; i < programs.length; i++) {
      if (spent[i] > longest) continue;
      const us = await programs[i].time(counts[i]);
      times[i].push(us);
      spent[i] += us * counts[i];
    }
  return times;
}
