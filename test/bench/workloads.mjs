// The workloads of the benchmark: every case with its sizes, and how microseconds become the figure that is quoted.
// W1 matrix products · W2 a step of the paper's network · W3 normals · W4 an LSTM step · W5 convolutions · W6 cold start ·
// W7 elementwise. gradnoise is timed on tensors in its memory, as in a step; "gradnoise-host" is the same op called outside
// a scope, which copies in and out.

const gigaflops = (flop) => ({ unit: "GFLOP/s", value: (us) => flop / us / 1e3 });
const millions = (count, of) => ({ unit: `M ${of}/s`, value: (us) => count / us });
const steps = { unit: "steps/s", value: (us) => 1e6 / us };

/** C = op(A) op(B), C [m, n], inner size k; form NN, TN (A is [k, m]) or NT (B is [n, k]). */
function product(form, m, k, n) {
  const square = m === k && k === n;
  return {
    name: `${form.toLowerCase()}-${square ? n : `${m}x${k}x${n}`}`,
    roof: true,
    form,
    m,
    k,
    n,
    ...gigaflops(2 * m * k * n),
  };
}

const sides = [32, 50, 64, 128, 256, 512, 1024];
/** Forward, weight gradient and input gradient of W2's three kinds of layer. */
const layerShapes = (batch) => [
  product("NN", batch, 784, 50),
  product("TN", 784, batch, 50),
  product("NN", batch, 50, 50),
  product("TN", 50, batch, 50),
  product("NT", batch, 50, 50),
  product("NN", batch, 50, 10),
];

/** Multiplications and additions of one W2 step: three products a layer, but no input gradient for the first. */
const stepFlop = (batch) => 2 * batch * (2 * 784 * 50 + 3 * (19 * 50 * 50 + 50 * 10));

const mlpCases = [1, 32, 100, 256].flatMap((batch) =>
  ["full", "plain"].map((kind) => ({
    name: `b${batch}-${kind}`,
    batch,
    kind,
    init: "he",
    roof: true,
    flop: stepFlop(batch),
    sameLoss: true,
    ...steps,
  })),
);

export const workloads = {
  W1: {
    title: "matrix products, float32",
    cases: [
      ...["NN", "TN", "NT"].flatMap((form) => sides.map((n) => product(form, n, n, n))),
      ...[100, 32, 1].flatMap(layerShapes),
    ],
  },
  W2: { title: "a training step of 784-20x50-10 (full: clip, noise, SGD; plain: SGD)", cases: mlpCases },
  W3: {
    title: "draws from N(0, 1), float32 (host: returned as a host tensor)",
    cases: [
      { name: "1M", count: 1e6, ...millions(1e6, "samples") },
      { name: "10M", count: 1e7, ...millions(1e7, "samples") },
    ],
  },
  W4: {
    title: "an LSTM step: batch 32, 50 time steps, 32 inputs, 128 units, SGD",
    cases: [{ name: "lstm", sameLoss: true, ...steps }],
  },
  W5: {
    title: "convolutions, SGD (cnn: 28x28, 8 and 16 maps, batch 32; cgru20: the Neural GPU's step)",
    cases: ["cnn", "cgru20"].map((name) => ({ name, ...steps })),
  },
  W7: {
    title: "elementwise over 1M floats; softmax of 1000 x 1000 (host: outside a scope, copied in and out)",
    cases: ["relu", "add", "exp", "tanh", "softmax"].map((name) => ({ name, ...millions(1e6, "elements") })),
  },
};

/**
 * Ours alone: a step beside the same step's kernel calls without the host. The clip never binds, so that every step makes
 * the same calls.
 */
export const hostCases = [1, 32, 100].map((batch) => ({
  name: `b${batch}`,
  batch,
  kind: "full",
  init: "he",
  clip: 1e9,
}));

/** Ours alone: from all-zero weights the backward signal is tiny. Does a step at t < 500 cost more? */
export const zeroCases = ["zeros", "he"].map((init) => ({ batch: 100, kind: "full", init, mode: "young", until: 500 }));

/** Ours alone: one noisy update against the plain one, over W2's parameters. */
export const noiseCase = { name: "noise", count: 88210 };
