// Checkpoints: resuming at any step gives the same bits, and what does not fit is refused before anything is changed.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import { CheckpointError } from "../../src/base/errors.js";
import { foldIn, key, normal } from "../../src/core/random.js";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { decodeSafetensors } from "../../src/files/safetensors.js";
import { save } from "../../src/files/save.js";
import { encodeSealed } from "../../src/files/seal.js";
import { mlp } from "../../src/nn/layers.js";
import { softmaxCrossEntropy } from "../../src/ops/loss/softmax.js";
import * as optim from "../../src/optim/index.js";
import { createTrainer } from "../../src/train/trainer.js";

const { accumulate, adam, addNoise, chain, clipByGlobalNorm, partition, sgd } = optim;

const batchAt = (step: number) => ({
  x: normal(foldIn(key(2), step), [6, 5]),
  y: tensor(Int32Array.from({ length: 6 }, (_, i) => (i * i + step) % 4)),
});
type Batch = ReturnType<typeof batchAt>;

interface Settings {
  optimizer?: optim.GradientTransform;
  sizes?: number[];
  seed?: number;
  state?: { mean: Tensor; count: Tensor };
}

/** Everything a step may depend on: dropout, noise, slots, and a state of the user's with a float and an int leaf. */
function make({
  optimizer = chain(clipByGlobalNorm(1), addNoise({ eta: 0.01, seed: 1 }), adam(0.01)),
  sizes = [5, 8, 8, 4],
  seed = 7,
  state = { mean: tensor([0, 0, 0, 0]), count: tensor(Int32Array.of(0)) },
}: Settings = {}) {
  const model = mlp(sizes, { dropout: 0.25 });
  return createTrainer({
    params: model.init(key(1)),
    loss: (params, { x, y }: Batch, context) => {
      const logits = model.apply(params, x, context);
      const { mean, count } = context.state;
      return {
        loss: softmaxCrossEntropy(logits, y),
        state: { mean: mean.mul(0.9).add(logits.mean({ axis: 0 })), count: tensor(Int32Array.of(count.item() + 1)) },
      };
    },
    optimizer,
    seed,
    state,
  });
}

const optimizers: [string, optim.GradientTransform][] = [
  ["noise and adam", chain(clipByGlobalNorm(1), addNoise({ eta: 0.01, seed: 1 }), adam(0.01))],
  ["noise and dampened momentum", chain(addNoise({ eta: 0.1, seed: 1 }), sgd(0.1, { momentum: 0.9, dampening: 0.5 }))],
  ["accumulation, stopped within a batch", accumulate(4, chain(addNoise({ eta: 0.1, seed: 1 }), adam(0.01)))],
  ["groups", partition({ "**.bias": sgd(0.1, { momentum: 0.5 }), "**": accumulate(2, adam(0.01)) })],
];

describe("resuming", () => {
  it.each(optimizers)("at any step gives the same bits: %s", (_, optimizer) => {
    const whole = make({ optimizer });
    const checkpoints = [whole.checkpoint()];
    const losses: number[] = [];
    for (let step = 0; step < 9; step++) {
      losses.push(whole.step(batchAt(step)).loss);
      checkpoints.push(whole.checkpoint());
    }
    for (const k of [0, 1, 3, 6]) {
      const resumed = make({ optimizer });
      resumed.restore(checkpoints[k]);
      expect(resumed.steps).toBe(k);
      for (let step = k; step < 9; step++) expect(resumed.step(batchAt(step)).loss).toBe(losses[step]);
      expect(resumed.checkpoint()).toEqual(checkpoints[9]);
    }
  });

  it("of a trainer that has trained elsewhere forgets all of it", () => {
    const [a, b] = [make(), make()];
    for (let step = 0; step < 3; step++) a.step(batchAt(step));
    for (let step = 0; step < 5; step++) b.step(batchAt(50 + step));
    b.restore(a.checkpoint());
    expect([b.step(batchAt(3)).loss, b.checkpoint()]).toEqual([a.step(batchAt(3)).loss, a.checkpoint()]);
  });

  it("goes on from bytes at an odd address, as a slice of a larger file has", () => {
    const a = make();
    a.step(batchAt(0));
    const bytes = a.checkpoint();
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const b = make();
    b.restore(shifted.subarray(3));
    expect(b.checkpoint()).toEqual(bytes);
  });

  it("restores the numbers that a transform of the user's own keeps, infinite ones too", () => {
    const lowest: optim.GradientTransform = {
      description: "lowest",
      init: () => ({ nested: { best: Number.POSITIVE_INFINITY }, third: 1 / 3 }),
      update(block, state) {
        const own = state.nested as { best: number };
        if (block.runtime.memory.base < 0) own.best = 0;
        return undefined;
      },
    };
    const [a, b] = [make({ optimizer: lowest }), make({ optimizer: lowest })];
    a.step(batchAt(0));
    b.restore(a.checkpoint());
    expect(b.checkpoint()).toEqual(a.checkpoint());
  });

  it("keeps the gradient's true digits: no value goes through text", () => {
    const a = make();
    for (let step = 0; step < 3; step++) a.step(batchAt(step));
    const { tensors } = decodeSafetensors(a.checkpoint());
    expect(tensors.get("params.layers[0].weight")!.data).toEqual(a.params.layers[0].weight.data);
  });
});

describe("a checkpoint that does not fit", () => {
  const trained = (settings: Settings = {}): Uint8Array => {
    const trainer = make(settings);
    for (let step = 0; step < 3; step++) trainer.step(batchAt(step));
    return trainer.checkpoint();
  };
  const rewritten = (change: (file: ReturnType<typeof decodeSafetensors>) => void): Uint8Array => {
    const file = decodeSafetensors(trained());
    change(file);
    return encodeSealed(file.tensors, file.metadata);
  };
  const whole = trained();

  const cases: [string, () => Uint8Array, string | RegExp][] = [
    [
      "of another optimizer",
      () => trained({ optimizer: sgd(0.1) }),
      /optimizer is sgd\(0.1\), the trainer's is chain\(/,
    ],
    [
      "of another noise seed",
      () => trained({ optimizer: chain(clipByGlobalNorm(1), addNoise({ eta: 0.01, seed: 2 }), adam(0.01)) }),
      /optimizer is .*seed=2.*the trainer's is .*seed=1/,
    ],
    ["of another seed", () => trained({ seed: 8 }), "checkpoint: seed is 8, the trainer's is 7"],
    [
      "of another width",
      () => trained({ sizes: [5, 9, 8, 4] }),
      "params.layers[0].weight: expected shape [5, 8], checkpoint has [5, 9]",
    ],
    [
      "of fewer layers",
      () => trained({ sizes: [5, 8, 4] }),
      "params.layers[1].weight: expected shape [8, 8], checkpoint has [8, 4]",
    ],
    [
      "with a parameter more",
      () =>
        rewritten(({ tensors }) =>
          tensors.set("params.layers[9].bias", { shape: [1], dtype: "float32", data: Float32Array.of(1) }),
        ),
      "params.layers[9].bias: the checkpoint has it, the trainer has not. Make the trainer with the parameters and the optimizer of the checkpoint",
    ],
    [
      "without a slot",
      () => rewritten(({ tensors }) => tensors.delete("optimizer.parts.2.firstMoment")),
      "optimizer.parts.2.firstMoment: expected shape [156], the checkpoint has no such tensor",
    ],
    [
      "with a parameter of whole numbers",
      () =>
        rewritten(({ tensors }) =>
          tensors.set("params.layers[2].bias", { shape: [4], dtype: "int32", data: Int32Array.of(1, 2, 3, 4) }),
        ),
      "params.layers[2].bias: expected float32, checkpoint has int32",
    ],
    [
      "without a counter",
      () =>
        rewritten(({ metadata }) => {
          metadata.counters = "{}";
        }),
      "checkpoint: it has no counter parts.2.updates",
    ],
    [
      "with a broken step",
      () =>
        rewritten(({ metadata }) => {
          metadata.step = "-1";
        }),
      "checkpoint: step is -1, expected an integer >= 0",
    ],
    [
      "of other numerics",
      () =>
        rewritten(({ metadata }) => {
          metadata.numerics = "0";
        }),
      /made by another version of gradnoise, whose steps have other bits \(numerics 0, here \d+\): .* Its weights alone: trainer\.setParams\(load\(bytes, \{ like: trainer\.params \}\)\)/,
    ],
    [
      "of bare parameters",
      () => save(make().params),
      'checkpoint: its metadata hold no "format": this is no checkpoint',
    ],
    ["of other bytes", () => new TextEncoder().encode("PK\u0003\u0004 this is a zip file, not a model"), "checkpoint"],
    ["of no bytes", () => new Uint8Array(0), "checkpoint"],
  ];
  it.each(cases)("%s is a CheckpointError, and the trainer stays as it was", (_, bytes, message) => {
    const trainer = make();
    trainer.step(batchAt(0));
    const before = trainer.checkpoint();
    const attempt = () => trainer.restore(bytes());
    expect(attempt).toThrow(CheckpointError);
    expect(attempt).toThrow(message);
    expect(trainer.checkpoint()).toEqual(before);
    expect(trainer.step(batchAt(1)).step).toBe(1);
  });

  it("cut off anywhere is a CheckpointError, and the trainer stays as it was", () => {
    const trainer = make();
    const before = trainer.checkpoint();
    for (let length = 0; length < whole.length; length += 97)
      expect(() => trainer.restore(whole.slice(0, length)), `${length} bytes`).toThrow(CheckpointError);
    expect(trainer.checkpoint()).toEqual(before);
  });

  it("with a state, given to a trainer without one, is refused rather than dropped", () => {
    const model = mlp([5, 8, 8, 4], { dropout: 0.25 });
    const bare = createTrainer({
      params: model.init(key(1)),
      loss: (params, { x, y }: Batch) => softmaxCrossEntropy(model.apply(params, x), y),
      optimizer: chain(clipByGlobalNorm(1), addNoise({ eta: 0.01, seed: 1 }), adam(0.01)),
      seed: 7,
    });
    expect(() => bare.restore(whole)).toThrow(
      "state.mean: the checkpoint has it, the trainer has not. Make the trainer with a state of the checkpoint's form",
    );
  });

  it("cannot be made of a transform's state that is neither slot nor number", () => {
    const odd: optim.GradientTransform = {
      description: "odd",
      init: () => ({ on: true }),
      update: () => undefined,
    };
    expect(() => make({ optimizer: odd })).toThrow(
      "createTrainer: the optimizer's state on is true; a transform may keep slots (block.allocateSlot()), numbers and objects of them",
    );
  });
});
