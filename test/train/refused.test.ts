import { describe, expect, it } from "vitest";
import {
  accuracy,
  createTrainer,
  DivergenceError,
  digest,
  matmul,
  mean,
  mul,
  nn,
  optim,
  random,
  sum,
  type Tensor,
  tensor,
  zeros,
} from "../../src/index.js";

type W = { w: Tensor };
const make = (more: object = {}) =>
  createTrainer<W, undefined, number>({
    params: { w: tensor([1, 2]) },
    loss: (p: W) => sum(mul(p.w, p.w)),
    optimizer: optim.sgd(0.1),
    ...more,
  } as never);

describe("the options of a trainer", () => {
  it("are refused where they are misspelt or of another kind", () => {
    for (const [more, message] of [
      [{ optimiser: optim.sgd(0.1) }, 'createTrainer: there is no option "optimiser". Did you mean "optimizer"?'],
      [{ metric: () => ({}) }, 'no option "metric". Did you mean "metrics"?'],
      [{ seed: "1" }, 'createTrainer: "seed" expected an integer >= 0, got "1"'],
      [{ debug: 1 }, 'createTrainer: "debug" expected true or false, got 1'],
      [{ predict: 3 }, 'createTrainer: "predict" expected a function, got 3'],
      [{ optimizer: undefined }, 'createTrainer: "optimizer" expected a gradient transform, got undefined'],
      [{ params: 3 }, "params: expected a tensor, an array or a plain object, got 3"],
      [{ state: { n: 0 } }, "state.n: expected a tensor, an array or a plain object, got 0"],
    ] as const)
      expect(() => make(more)).toThrow(message);
    expect(() => createTrainer(undefined as never)).toThrow('createTrainer: "loss" expected a function, got undefined');
  });

  it("are the trainer's own: what is done to the object afterwards is nothing to it", () => {
    const settings: any = { params: { w: tensor([1]) }, loss: (p: W) => sum(p.w), optimizer: optim.sgd(0.1) };
    const rates = [0.1, 0.01, 0.001];
    const trainers = rates.map((rate) => {
      settings.optimizer = optim.sgd(rate);
      return createTrainer<W, undefined>(settings);
    });
    settings.loss = () => sum(tensor([0]));
    settings.params.more = tensor([3]);
    for (const trainer of trainers) trainer.step(undefined);
    expect(trainers.map((t) => Math.fround(1 - t.params.w.item()).toFixed(4))).toEqual(["0.1000", "0.0100", "0.0010"]);
    expect(trainers.map((t) => Object.keys(t.params).join())).toEqual(["w", "w", "w"]);
  });
});

describe("a loss that teaches nothing", () => {
  const model = nn.mlp([4, 8, 3]);
  const params = model.init(random.key(1));
  const x = random.normal(random.key(2), [6, 4]);
  const y = tensor([0, 1, 2, 0, 1, 2], { dtype: "int32" });
  type M = typeof params;
  const losses: { [name: string]: (p: M, batch: undefined) => Tensor } = {
    "of the tree outside": () => nn.softmaxCrossEntropy(model.apply(params, x), y),
    "of the accuracy": (p) => accuracy(model.apply(p, x), y),
    "through .item()": (p) => sum(tensor([nn.softmaxCrossEntropy(model.apply(p, x), y).item()])),
    "through .toArray()": (p) => nn.softmaxCrossEntropy(model.apply(p, x).toArray(), y),
    "of a number": () => mul(2, 3),
  };

  it.each(Object.entries(losses))("is refused: %s", (_, loss) => {
    const trainer = createTrainer({ params, loss, optimizer: optim.sgd(0.5) });
    expect(() => trainer.step(undefined)).toThrow(/^loss depends on no parameter, so nothing would be learnt/);
    expect(digest(trainer.params)).toBe(digest(params));
  });

  it("may be evaluated", () => {
    const trainer = createTrainer({ params, loss: losses["of the accuracy"], optimizer: optim.sgd(0.5) });
    expect(trainer.evaluate(undefined).loss).toBeGreaterThanOrEqual(0);
  });
});

describe("what the functions of a trainer return", () => {
  it("is refused by name where it is nothing to report", () => {
    for (const [loss, message] of [
      [
        (p: W) => ({ loss: sum(p.w), metrics: { x: undefined } }),
        'metrics: "x" expected a number or a tensor of one element, got undefined',
      ],
      [
        (p: W) => ({ loss: sum(p.w), metrics: { x: p.w } }),
        'metrics: "x" expected a number or a tensor of one element, got shape [2]',
      ],
      [(p: W) => ({ loss: sum(p.w), metrics: [1] }), "metrics: expected an object of scalars by name, got [1]"],
      [(p: W) => ({ loss: sum(p.w), metric: {} }), 'loss: there is no option "metric". Did you mean "metrics"?'],
      [
        (p: W) => ({ value: sum(p.w) }),
        'loss returned an object of "value"; return a scalar tensor or { loss, metrics, state }',
      ],
      [() => 3, "loss returned 3; return a scalar tensor"],
      [() => undefined, "loss returned undefined; return a scalar tensor"],
    ] as const)
      expect(() => make({ loss }).step(undefined)).toThrow(message);
  });

  it("is a Promise of nobody's: it is refused, and its failure does not end the process", async () => {
    const failing = async () => {
      throw new Error("user");
    };
    for (const f of [
      () => make({ loss: failing }).step(undefined),
      () => make({ predict: failing }).predict(0),
      () => make({ metrics: failing }).evaluate(undefined),
    ])
      expect(f).toThrow(/^(loss|predict|metrics) returned a Promise: a \1 must be synchronous/);
    await new Promise((resolve) => setTimeout(resolve, 20)); // an unhandled rejection would fail the run
  });

  it("names the batch that is none, or empty", () => {
    const trainer = createTrainer({
      params: { w: zeros([2, 1]) },
      loss: (p, { x }: { x: Tensor }) => mean(matmul(x, p.w)),
      optimizer: optim.sgd(0.1),
    });
    expect(() => trainer.step(undefined as never)).toThrow(/^step: the loss was given undefined for a batch/);
    expect(() => trainer.evaluate(null as never)).toThrow(/^evaluate: the loss was given null for a batch/);
    expect(() => trainer.step({ x: zeros([0, 2]) })).toThrow(/batch\.x is empty, of shape \[0, 2\]/);
  });
});

describe("the state of a loss", () => {
  const stateful = (loss: (p: W, batch: Tensor, state: any) => unknown, state?: unknown) =>
    createTrainer<W, Tensor>({
      params: { w: tensor([1]) },
      loss: (p: W, b: Tensor, c: any) => ({ loss: sum(mul(p.w, b)), state: loss(p, b, c.state) }),
      optimizer: optim.sgd(0.1),
      state,
    } as never);

  it("is refused at the step where no checkpoint could be restored", () => {
    const h = { h: zeros([2]) };
    for (const [trainer, message] of [
      [stateful((p) => ({ h: p.w })), /^loss returned a state \(state\.h\), but the trainer was made without one/],
      [stateful((_, b) => ({ h: b }), h), /^loss: state\.h was float32 \[2\], the loss returned float32 \[3\]/],
      [stateful(() => ({ g: zeros([2]) }), h), /^loss: state\.h is state\.g in the state that it returned/],
      [stateful(() => ({}), h), /^loss: state\.h is missing in the state that it returned/],
      [stateful((_, __, s) => ({ ...s, more: zeros([1]) }), h), /^loss: state\.more is new in the state/],
      [
        stateful(() => ({ h: tensor([1, 2], { dtype: "int32" }) }), h),
        /state\.h was float32 \[2\], the loss returned int32/,
      ],
    ] as const) {
      const before = digest(trainer.params);
      expect(() => trainer.step(tensor([1, 2, 3]))).toThrow(message);
      expect([digest(trainer.params), trainer.steps]).toEqual([before, 0]);
    }
  });

  it("is a copy, at the start and for the loss to write to", () => {
    const start = { n: tensor([0]) };
    const seen: number[] = [];
    const trainer = stateful((_, __, s) => {
      seen.push(s.n.item());
      const n = tensor([s.n.item() + 1]);
      s.n = tensor([100]);
      return { n };
    }, start);
    start.n.data[0] = 7;
    for (let i = 0; i < 3; i++) trainer.step(tensor([1]));
    expect(seen).toEqual([0, 1, 2]);
  });

  it("of batch norm must be returned", () => {
    const norm = nn.batchNorm(2);
    const trainer = createTrainer({
      params: norm.init(random.key(1)),
      state: norm.start(),
      loss: (p, x: Tensor, c) => sum(norm.apply(p, x, c.state, c).output),
      optimizer: optim.sgd(0.1),
    });
    expect(() => trainer.step(zeros([3, 2]))).toThrow(/^loss returned no state, but batchStatistics computed/);
  });
});

describe("an update that is not finite", () => {
  const bad = (value: number): optim.GradientTransform => ({
    description: "mine",
    init: () => ({}),
    update(block) {
      block.updates[1] = value;
    },
  });

  it("is refused before it is added, and the next step is as if it never happened", () => {
    let value = Number.NaN;
    const mine: optim.GradientTransform = { ...bad(0), update: (block, s, c) => bad(value).update(block, s, c) };
    const trainer = make({ optimizer: mine });
    for (value of [Number.NaN, Infinity]) {
      expect(() => trainer.step(undefined)).toThrow(DivergenceError);
      expect(() => trainer.step(undefined)).toThrow(
        new RegExp(`^step 0: mine made the update of params\\.w ${value} at position 1`),
      );
    }
    expect(trainer.params.w.data).toEqual(Float32Array.of(1, 2));
    value = -1;
    trainer.step(undefined);
    expect(trainer.params.w.data[1]).toBe(1);
  });

  it("halts a trainer whose optimizer has moved, until a checkpoint is restored", () => {
    let value = 0;
    const mine: optim.GradientTransform = { ...bad(0), update: (block, s, c) => bad(value).update(block, s, c) };
    const trainer = make({ optimizer: optim.chain(optim.momentum(0.9), optim.sgd(0.1), mine) });
    trainer.step(undefined);
    const checkpoint = trainer.checkpoint();
    const { data } = trainer.params.w;
    value = Number.NaN;
    expect(() => trainer.step(undefined)).toThrow(DivergenceError);
    value = 0;
    expect(() => trainer.step(undefined)).toThrow(/^step 1: the state of chain\(.*\) had moved when step 1 failed/);
    expect(trainer.params.w.data).toEqual(data);
    expect(trainer.evaluate(undefined).loss).toBeGreaterThan(0);
    trainer.restore(checkpoint);
    expect(trainer.step(undefined).step).toBe(1);
  });
});

describe("a trainer inside its own loss", () => {
  it("refuses to be stepped, restored or given other parameters", () => {
    let act: () => unknown = () => undefined;
    const trainer = make({
      loss: (p: W) => {
        act();
        return sum(mul(p.w, p.w));
      },
    });
    const before = trainer.checkpoint();
    for (const [f, message] of [
      [() => trainer.setParams({ w: tensor([9, 9]) }), /^setParams: the trainer is inside its own loss/],
      [() => trainer.restore(before), /^restore: the trainer is inside its own loss/],
      [() => trainer.step(undefined), /is already inside a scope/],
    ] as const) {
      act = f;
      expect(() => trainer.step(undefined)).toThrow(message);
    }
    act = () => undefined;
    const other = make();
    expect(trainer.step(undefined)).toEqual(other.step(undefined));
    expect(trainer.params).toEqual(other.params);
  });
});

describe("setParams", () => {
  it("takes the keys in any order, and is all or nothing", () => {
    const trainer = createTrainer({
      params: { a: tensor([1]), b: tensor([2]) },
      loss: (p) => sum(mul(p.a, p.b)),
      optimizer: optim.sgd(0.1),
    });
    trainer.setParams({ b: tensor([20]), a: tensor([10]) });
    expect([trainer.params.a.item(), trainer.params.b.item()]).toEqual([10, 20]);
    expect(() => trainer.setParams({ a: tensor([1]), b: tensor([1, 2]) })).toThrow();
    expect(trainer.params.a.item()).toBe(10);
  });
});

describe("run", () => {
  it("names what is no iterable of batches, and unknown options", async () => {
    for (const batches of [undefined, 3, {}, tensor([1]), "ab", () => []])
      await expect(make().run(batches as never)).rejects.toThrow(
        /^run: "batches" expected an iterable of batches, got /,
      );
    await expect(make().run([], { onStep: () => 1 } as never)).rejects.toThrow('no option "onStep"');
    await expect(make().run([], { signal: {} } as never)).rejects.toThrow('run: "signal" expected an AbortSignal');
    await expect(make().run([], { yieldEveryMs: -1 })).rejects.toThrow('"yieldEveryMs" expected milliseconds >= 0');
  });

  it("waits for what onProgress returns, and passes on its failure", async () => {
    const order: string[] = [];
    await make().run([1, 2] as never[], {
      onProgress: async ({ step }) => {
        await null;
        order.push(`told ${step}`);
      },
    });
    expect(order).toEqual(["told 0", "told 1"]);
    await expect(
      make().run([1] as never[], {
        onProgress: async () => {
          throw new Error("user");
        },
      }),
    ).rejects.toThrow("user");
  });
});
