// Damaged, edited and misplaced checkpoints: each is refused, naming the file and what is wrong; nothing is changed then.
import { describe, expect, it } from "vitest";
import "../../src/ops/methods.js";
import { CheckpointError } from "../../src/base/errors.js";
import { ParameterBlock } from "../../src/core/parameter-block.js";
import { type Tensor, tensor, zeros } from "../../src/core/tensor.js";
import {
  annotateCheckpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  NUMERICS,
  openCheckpoint,
  type TrainerState,
} from "../../src/files/checkpoint.js";
import { decodeSafetensors, encodeSafetensors } from "../../src/files/safetensors.js";
import { load, loadMetadata } from "../../src/files/save.js";
import { encodeSealed } from "../../src/files/seal.js";
import * as optim from "../../src/optim/index.js";
import { createTrainer } from "../../src/train/trainer.js";
import { Runtime } from "../../src/wasm/runtime.js";

const { accumulate, adam, addNoise, chain, ema, sgd } = optim;

const make = (optimizer = accumulate(4, chain(adam(0.1), ema(0.9)))) =>
  createTrainer({
    params: { a: tensor([1, 2]), b: tensor([[3]]) },
    state: { seen: tensor([0], { dtype: "int32" }) },
    loss: (p, _: undefined, { state }) => ({
      loss: p.a.mul(p.a).sum().add(p.b.sum()),
      state: { seen: tensor([state.seen.item() + 1], { dtype: "int32" }) },
    }),
    optimizer,
  });
const good = (() => {
  const trainer = make();
  for (let i = 0; i < 5; i++) trainer.step(undefined);
  return trainer.checkpoint();
})();

/** The checkpoint with other metadata: sealed anew, or as an editor would leave it. */
function edited(change: (metadata: Record<string, string>) => void, encode = encodeSealed): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(good);
  change(metadata);
  return encode(tensors, metadata);
}
/** As the format before checksums was. */
const former = (change: (metadata: Record<string, string>) => void = () => {}): Uint8Array =>
  edited((m) => {
    m.format = "1";
    delete m.checksum;
    delete m.order;
    change(m);
  }, encodeSafetensors);
const counters = (change: (c: Record<string, unknown>) => void) => (m: Record<string, string>) => {
  const own = JSON.parse(m.counters);
  change(own);
  m.counters = JSON.stringify(own);
};
const each = (c: Record<string, unknown>, value: unknown): void => {
  for (const key in c) c[key] = value;
};

/** The message with which the bytes are refused; the trainer must be as it was. */
function refusal(bytes: Uint8Array): string {
  const trainer = make();
  trainer.step(undefined);
  const own = trainer.checkpoint();
  try {
    trainer.restore(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError);
    expect(trainer.checkpoint()).toEqual(own);
    return (error as Error).message;
  }
  throw new Error("the checkpoint was accepted");
}

describe("a checkpoint", () => {
  it("with any one bit flipped is refused", () => {
    const trainer = make();
    for (let bit = 0; bit < good.length * 8; bit++) {
      const damaged = good.slice();
      damaged[bit >> 3] ^= 1 << (bit & 7);
      expect(() => trainer.restore(damaged), `bit ${bit}`).toThrow(CheckpointError);
    }
  });

  it("with any byte of its data changed is not loaded as weights either", () => {
    const like = make().params;
    const damaged = good.slice();
    damaged[good.length - 2] ^= 0x40;
    expect(() => load(damaged, { like, name: "run.safetensors" })).toThrow(
      new CheckpointError(
        "run.safetensors: its contents are not those that its checksum was made of: the file has been damaged or changed. Take an earlier checkpoint",
      ),
    );
  });

  it("that has lost its checksum is refused", () => {
    const bare = edited((m) => {
      delete m.checksum;
    }, encodeSafetensors);
    expect(refusal(bare)).toContain("checkpoint: it has lost its checksum: the file has been damaged or changed");
  });

  it("edited without the checksum is refused, edited with it is read", () => {
    const step = (m: Record<string, string>): void => {
      m.step = "7";
    };
    expect(refusal(edited(step, encodeSafetensors))).toContain(
      "its contents are not those that its checksum was made of",
    );
    const trainer = make();
    trainer.restore(edited(step));
    expect(trainer.steps).toBe(7);
  });

  it("keeps its checksum when its tensors are laid out in another order", () => {
    const { tensors, metadata } = decodeSafetensors(good);
    const trainer = make();
    trainer.restore(encodeSafetensors(new Map([...tensors].reverse()), metadata));
    expect(trainer.checkpoint()).toEqual(good);
  });

  it("can be given notes, which the seal covers", () => {
    const noted = annotateCheckpoint(good, { note: "mine" });
    expect(openCheckpoint(noted).metadata.note).toBe("mine");
    expect(loadMetadata(noted).note).toBe("mine");
    const at = Buffer.from(noted).indexOf('"mine"');
    noted[at + 1] ^= 2;
    expect(() => openCheckpoint(noted, "b.safetensors")).toThrow(/^b\.safetensors: its contents are not those/);
  });

  it("gives its weights to load, under the names of the tree", () => {
    const { a } = load(good, { like: { a: zeros([2]) } });
    expect(a.data).toEqual(decodeSafetensors(good).tensors.get("params.a")!.data);
    expect(load(good)["params.a"].data).toEqual(a.data);
    const whole = createTrainer({ params: tensor([3]), loss: (p) => p.sum(), optimizer: sgd(0.1) });
    expect(load(whole.checkpoint(), { like: zeros([1]) }).data).toEqual(Float32Array.of(3));
  });
});

describe("every field is checked:", () => {
  const fields: [string, (m: Record<string, string>) => void, RegExp][] = [
    ...["", " 0x10 ", "-1", "1.5", "1e3", "05", "abc", "NaN", "Infinity", "9007199254740991", "-0"].map(
      (step): [string, (m: Record<string, string>) => void, RegExp] => [
        `step "${step}"`,
        (m) => {
          m.step = step;
        },
        /^checkpoint: step is .+, expected (a number|an integer >= 0)$/,
      ],
    ),
    ["no step", (m) => delete m.step, /^checkpoint: step is undefined, expected a number$/],
    [
      "a loss that is no number",
      (m) => {
        m.lastFiniteLoss = "low";
      },
      /lastFiniteLoss is "low", expected a number/,
    ],
    [
      "an infinite loss",
      (m) => {
        m.lastFiniteLoss = "Infinity";
      },
      /lastFiniteLoss is Infinity, expected a finite number or NaN/,
    ],
    ["no loss", (m) => delete m.lastFiniteLoss, /lastFiniteLoss is undefined/],
    [
      "a seed of another spelling",
      (m) => {
        m.seed = "00";
      },
      /seed is 00, the trainer's is 0/,
    ],
    ["no seed", (m) => delete m.seed, /seed is missing, the trainer's is 0/],
    ["no numerics", (m) => delete m.numerics, /another version of gradnoise, .*numerics undefined/],
    [
      "a format to come",
      (m) => {
        m.format = "3";
      },
      /another version of gradnoise \(format 3, this one reads 1 and 2\)/,
    ],
    ["no optimizer", (m) => delete m.optimizer, /its metadata hold no "optimizer": this is no checkpoint/],
    ["no counters", (m) => delete m.counters, /its metadata hold no "counters": this is no checkpoint/],
    [
      "counters null",
      (m) => {
        m.counters = "null";
      },
      /counters are null, expected an object/,
    ],
    [
      "counters that are a list",
      (m) => {
        m.counters = "[1]";
      },
      /counters are \[1\], expected an object/,
    ],
    [
      "counters that are no JSON",
      (m) => {
        m.counters = "{";
      },
      /its counters are no JSON/,
    ],
    ["counters abc", counters((c) => each(c, "abc")), /counter [\w.]+ is "abc", expected a number/],
    ["counters that are empty", counters((c) => each(c, "")), /counter [\w.]+ is "", expected a number/],
    ["counters in hexadecimal", counters((c) => each(c, "0x1")), /counter [\w.]+ is "0x1", expected a number/],
    ["counters null each", counters((c) => each(c, null)), /counter [\w.]+ is null, expected a number/],
    ["counters as numbers", counters((c) => each(c, 1)), /counter [\w.]+ is 1, expected a number/],
    [
      "a counter too many",
      counters((c) => {
        c.more = "1";
      }),
      /it has a counter more, the trainer has none/,
    ],
    ["a counter too few", counters((c) => delete c.updates), /it has no counter updates/],
    [
      "an order that is no list",
      (m) => {
        m.order = '"a"';
      },
      /its order of the parameters is "a", expected an array/,
    ],
    [
      "an order of numbers",
      (m) => {
        m.order = "[1]";
      },
      /its order of the parameters is \[1\], expected an array/,
    ],
  ];
  it.each(fields)("%s", (_, change, message) => {
    expect(refusal(edited(change))).toMatch(message);
  });
});

describe("a checkpoint of the format before checksums", () => {
  const state = (): TrainerState => {
    const block = ParameterBlock.allocate(new Runtime(), { a: tensor([1, 2]), b: tensor([[3]]) });
    const optimizer = accumulate(4, chain(adam(0.1), ema(0.9)));
    return {
      step: 0,
      lastFiniteLoss: Number.NaN,
      seed: 0,
      optimizer: optimizer.description,
      block,
      optimizerState: optimizer.init(block),
      userState: { seen: tensor([0], { dtype: "int32" }) },
    };
  };

  it("is read, with a sentence that says what it lacks", () => {
    const s = state();
    expect(decodeCheckpoint(former(), s, "old.safetensors")).toBe(
      "old.safetensors: it is of an earlier version and has no checksum, so that damage to it would not have been seen",
    );
    expect(encodeCheckpoint(s)).toEqual(good);
    expect(decodeCheckpoint(good, s)).toBe(undefined);
  });

  it("is refused where the library's own counters cannot be", () => {
    for (const value of ["-7", "0.5", "NaN", "Infinity"])
      expect(
        refusal(
          former(
            counters((c) => {
              c.gathered = value;
            }),
          ),
        ),
      ).toBe(`checkpoint: counter gathered is ${value}, expected an integer >= 0`);
  });

  it("of other numerics tells how to have the weights, and they can be had so", () => {
    const old = former((m) => {
      m.numerics = "1";
    });
    expect(refusal(old)).toBe(
      `checkpoint: it was made by another version of gradnoise, whose steps have other bits (numerics 1, here ${NUMERICS}): it cannot be resumed to the same result. Its weights alone: trainer.setParams(load(bytes, { like: trainer.params }))`,
    );
    const trainer = make();
    trainer.setParams(load(old, { like: trainer.params }));
    expect(trainer.params.a.data).toEqual(decodeSafetensors(good).tensors.get("params.a")!.data);
  });
});

describe("the parameters' order", () => {
  const model = (params: { weight: Tensor; bias: Tensor }, optimizer: optim.GradientTransform) =>
    createTrainer({ params, loss: (p, _: undefined) => p.weight.sum().add(p.bias.sum()), optimizer });
  const weight = tensor([[0.5], [-0.5]]);
  const bias = tensor([0.1]);

  const optimizers: [string, () => optim.GradientTransform][] = [
    ["adam", () => adam(0.1)],
    ["noise", () => chain(addNoise({ eta: 0.1, seed: 1 }), sgd(0.1))],
    ["an average", () => chain(sgd(0.1), ema(0.9))],
    ["plain steps", () => sgd(0.1)],
  ];
  it.each(optimizers)("that differs is refused, naming the first that does: %s", (_, optimizer) => {
    const a = model({ weight, bias }, optimizer());
    a.step(undefined);
    const b = model({ bias, weight }, optimizer());
    for (const bytes of [
      a.checkpoint(),
      encodeSealed(
        new Map([...decodeSafetensors(a.checkpoint()).tensors].reverse()),
        decodeSafetensors(a.checkpoint()).metadata,
      ),
    ])
      expect(() => b.restore(bytes)).toThrow(
        new CheckpointError(
          "checkpoint: its parameters are in another order: params.weight stands where the trainer has params.bias. The optimizer's state and the noise go by that order: write the keys of params as the checkpoint has them: params.weight, params.bias",
        ),
      );
    const c = model({ weight, bias }, optimizer());
    c.restore(a.checkpoint());
    expect(c.checkpoint()).toEqual(a.checkpoint());
  });

  it("is that of the data in a file that does not tell it", () => {
    const a = model({ weight, bias }, sgd(0.1));
    const { tensors, metadata } = decodeSafetensors(a.checkpoint());
    metadata.format = "1";
    delete metadata.order;
    delete metadata.checksum;
    expect(() => model({ bias, weight }, sgd(0.1)).restore(encodeSafetensors(tensors, metadata))).toThrow(
      "its parameters are in another order",
    );
    model({ weight, bias }, sgd(0.1)).restore(encodeSafetensors(tensors, metadata));
  });
});

describe("what restore takes", () => {
  it("is a buffer or any view", () => {
    for (const bytes of [good.slice().buffer, new DataView(good.slice().buffer), Buffer.from(good)]) {
      const trainer = make();
      trainer.restore(bytes as Uint8Array);
      expect(trainer.checkpoint()).toEqual(good);
    }
  });

  it("is told to whoever gives something else", () => {
    const restore = (value: unknown) => () => make().restore(value as Uint8Array);
    expect(restore("run.safetensors")).toThrow(
      new TypeError(
        'checkpoint: expected bytes (Uint8Array, ArrayBuffer), got the path "run.safetensors". First read the file: restore(await readFile(path)) in Node, restore(await (await fetch(path)).arrayBuffer()) in a page',
      ),
    );
    expect(restore(new Blob([]))).toThrow("got a Blob. Write restore(await blob.arrayBuffer())");
    expect(restore(undefined)).toThrow("got undefined");
  });

  it("names the file where it is known", () => {
    const { optimizerState, ...rest } = {
      optimizerState: {},
      step: 0,
      lastFiniteLoss: 0,
      seed: 0,
      userState: undefined,
    };
    const block = ParameterBlock.allocate(new Runtime(), { a: tensor([1, 2, 3]), b: tensor([[3]]) });
    const s = { ...rest, optimizerState, block, optimizer: decodeSafetensors(good).metadata.optimizer };
    expect(() => decodeCheckpoint(good, s, "d/run.safetensors")).toThrow(
      "d/run.safetensors: params.a: expected shape [3], checkpoint has [2]",
    );
    expect(() => decodeCheckpoint(good.subarray(0, 50), s, "d/run.safetensors")).toThrow(
      /^d\/run\.safetensors: expected /,
    );
  });

  it("has a state of the trainer's form, or says what to do", () => {
    const other = (state: unknown) =>
      createTrainer({
        params: { a: tensor([1, 2]), b: tensor([[3]]) },
        state: state as { seen: Tensor },
        loss: (p) => p.a.sum(),
        optimizer: accumulate(4, chain(adam(0.1), ema(0.9))),
      });
    const hint = ". Make the trainer with a state of the checkpoint's form";
    expect(() => other({}).restore(good)).toThrow(`state.seen: the checkpoint has it, the trainer has not${hint}`);
    expect(() => other({ seen: zeros([1]) }).restore(good)).toThrow(
      `state.seen: expected float32, checkpoint has int32${hint}`,
    );
    expect(() => other({ seen: tensor([0, 0], { dtype: "int32" }) }).restore(good)).toThrow(
      `state.seen: expected shape [2], checkpoint has [1]${hint}`,
    );
    const more = { seen: tensor([0], { dtype: "int32" }), more: zeros([1]) };
    expect(() => other(more).restore(good)).toThrow(
      `state.more: expected shape [1], the checkpoint has no such tensor${hint}`,
    );
  });
});
