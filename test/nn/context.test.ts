// What layers are told of training, and the keys that a context gives out.
import { describe, expect, it } from "vitest";
import {
  add,
  createTrainer,
  digest,
  full,
  grad,
  type LossContext,
  nn,
  optim,
  random,
  relu,
  type Tensor,
  tensor,
} from "../../src/index.js";

const { key, foldIn, normal } = random;
const x = normal(key(2), [6, 4]);
const ones = full([1, 64], 1);
const maskOf = (t: Tensor): string => Array.from(t.data, (v) => (v === 0 ? 0 : 1)).join("");

/** What a loss of one parameter that calls `f` in a trainer gives: step, evaluate and predict. */
function trainerOf(f: (context: LossContext<any>) => Tensor, state?: unknown) {
  return createTrainer({
    params: { w: tensor([1]) },
    state,
    loss: (p, _: undefined, context) => add(p.w.sum(), f(context).sum()),
    predict: (p, _: undefined, context) => p.w.mul(f(context).sum()),
    optimizer: optim.sgd(0.1),
  });
}

describe("a forgotten context", () => {
  const norm = nn.batchNorm(4);
  const stack = nn.sequential(nn.linear(4, 8), relu, nn.dropout(0.9));
  const deep = nn.sequential(nn.sequential([nn.residual(nn.mlp([4, 4, 4], { dropout: 0.5 }))]));
  const mlp = nn.mlp([4, 8, 3], { dropout: 0.5 });
  const [stackParams, deepParams, mlpParams] = [stack, deep, mlp].map((model) => model.init(key(1)) as any);
  const normParams = norm.init(key(1));
  const cases: [string, (context?: LossContext<any>) => Tensor][] = [
    ["dropout", (context) => nn.dropout(0.5).apply({}, x, context)],
    ["dropout", (context) => stack.apply(stackParams, x, context)],
    ["mlp", (context) => mlp.apply(mlpParams, x, context)],
    ["mlp", (context) => deep.apply(deepParams, x, context)],
    ["batchNorm", (context) => norm.apply(normParams, x, norm.start(), context).output],
  ];

  it.each(cases)("in training is refused by %s, and by nothing else: %#", (name, f) => {
    const forgotten = trainerOf(() => f());
    const said = new RegExp(`^${name}: in training it needs the loss's context, got undefined. Pass it on: `);
    expect(() => forgotten.step(undefined)).toThrow(TypeError);
    expect(() => forgotten.step(undefined)).toThrow(said);
    expect(forgotten.params.w.data[0]).toBe(1);
    expect(() => grad((w: Tensor) => add(w.sum(), f().sum()))(tensor([1]))).toThrow(said);
    const evaluated = forgotten.evaluate(undefined).loss;
    const passed = trainerOf(f);
    expect(passed.evaluate(undefined).loss).toBe(evaluated);
    expect(passed.predict(undefined).item()).toBe(forgotten.predict(undefined).item());
    expect(passed.step(undefined).loss).not.toBe(evaluated);
    expect(trainerOf(() => f({ training: false } as LossContext)).step(undefined).loss).toBe(evaluated);
  });

  it("is no matter where nothing is dropped", () => {
    const f = () => nn.mlp([4, 3]).apply(nn.mlp([4, 3]).init(key(1)), nn.dropout(0).apply({}, x));
    expect(trainerOf(f).step(undefined).step).toBe(0);
  });

  it.each([
    [key(1), "an object { low, high }"],
    [true, "true"],
    [{ train: true }, "an object { train }"],
    [{ training: "yes" }, '{ training: "yes" }'],
    [{ layers: [] }, "an object { layers }"],
  ])("is told from what is none: %j", (context, got) => {
    expect(() => nn.dropout(0.5).apply({}, x, context as never)).toThrow(
      `dropout: "context" expected { training, key }, got ${got}. Pass the loss's context on: layer.apply(params, x, context)`,
    );
  });

  it("without a key says so, also of a copy of the loss's", () => {
    const said = "dropout: it needs a key in training; pass the loss's context on";
    expect(() => trainerOf((context) => nn.dropout(0.5).apply({}, x, { ...context })).step(undefined)).toThrow(said);
    const inside = nn.sequential(nn.dropout(0.5));
    expect(() => inside.apply({ layers: [{}] }, x, { training: true })).toThrow(said);
    expect(() => nn.dropout(0.5).apply({}, x, { training: true, key: 1 as never })).toThrow(
      "dropout: context.key: expected a key, got 1. Make one with random.key(1)",
    );
  });
});

describe("one context", () => {
  const drop = nn.dropout(0.5);
  const block = () => nn.residual(nn.sequential(nn.linear(64, 64, { init: nn.init.zeros, bias: 1 }), drop));
  const mlp = nn.mlp([64, 64, 64], { dropout: 0.5 });
  const eye = {
    weight: tensor(
      Float32Array.from({ length: 4096 }, (_, i) => (i % 65 === 0 ? 1 : 0)),
      [64, 64],
    ),
    bias: full([64], 0),
  };
  const users: [string, (context: nn.LayerContext) => Tensor][] = [
    ["a dropout", (context) => drop.apply({}, ones, context)],
    ["a sequence", (context) => nn.sequential(drop).apply({ layers: [{}] }, ones, context)],
    [
      "a dropout in two sequences",
      (c) => nn.sequential([nn.sequential(drop)]).apply({ layers: [{ layers: [{}] }] }, ones, c),
    ],
    ["a residual block", (c) => block().apply(block().init(key(1)), full([1, 64], 0), c)],
    ["an MLP", (context) => mlp.apply({ layers: [eye, eye] }, ones, context)],
  ];

  it.each(users)("given twice to %s drops other units, and again the same in a second run", (_, f) => {
    const run = (): string[] => {
      const context = { training: true, key: key(5) };
      return [maskOf(f(context)), maskOf(f(context)), maskOf(f(context))];
    };
    expect(new Set(run()).size).toBe(3);
    expect(run()).toEqual(run());
  });

  it("given to layers of every kind drops other units in each", () => {
    const context = { training: true, key: key(5) };
    expect(new Set(users.map(([, f]) => maskOf(f(context)))).size).toBe(users.length);
  });

  it("of a step counts from 0 again, so that a step is a function of its number", () => {
    const masksOf = (from: number): string[] => {
      const found: string[] = [];
      const trainer = trainerOf((context) => {
        for (const [, f] of users) found.push(maskOf(f(context)));
        return ones;
      });
      for (let t = 0; t < from; t++) trainer.step(undefined);
      const checkpoint = trainer.checkpoint();
      found.length = 0;
      trainer.restore(checkpoint);
      for (let t = from; t < 3; t++) trainer.step(undefined);
      return found;
    };
    const all = masksOf(0);
    expect(new Set(all).size).toBe(3 * users.length);
    expect(masksOf(2)).toEqual(all.slice(-users.length));
  });

  it("with a key folded in by hand draws by that key", () => {
    const context = { training: true, key: key(5) };
    const by = (i: number) => maskOf(drop.apply({}, ones, { ...context, key: foldIn(context.key, i) }));
    expect(new Set([by(0), by(1), by(2), maskOf(drop.apply({}, ones, context))]).size).toBe(4);
    expect(by(1)).toBe(by(1));
  });

  it("is not asked for a key where no layer draws", () => {
    let asked = 0;
    const context = {
      training: true,
      get key() {
        asked++;
        return key(1);
      },
    };
    const model = nn.sequential(nn.linear(4, 4), nn.residual(nn.linear(4, 4)), nn.mlp([4, 4, 2]));
    model.apply(model.init(key(1)), x, context);
    expect(asked).toBe(0);
  });
});

describe("batch norm", () => {
  const model = nn.sequential(nn.linear(4, 8), nn.batchNorm(8), relu);
  const [params, state] = [model.init(key(1)), model.start()];
  const norm = nn.batchNorm(4);
  const own = norm.init(key(1));
  const call =
    (layer: any, ...args: unknown[]) =>
    () =>
      layer.apply(...args);
  const way =
    "The trainer is made with { state: model.start() }, and the loss writes model.apply(params, x, context.state, context)";

  it.each([
    [call(norm, own, x), `batchNorm: expected its state { mean, variance } third, got undefined. ${way}`],
    [call(norm, own, x, { training: true, key: key(1) }), "third, got a context"],
    [call(norm, own, x, { training: true }, norm.start()), "third, got a context"],
    [call(norm, own, x, state), "batchNorm: expected its state { mean, variance } third, got an object { layers }"],
    [call(model, params, x), `sequential: expected its state { layers } third, got undefined. ${way}`],
    [
      call(model, params, x, { training: true }, state),
      "sequential: expected its state { layers } third, got a context",
    ],
    [
      call(model, params, x, norm.start()),
      "sequential: expected its state { layers } third, got an object { mean, var",
    ],
    [
      call(model, params, x, { layers: [{}] }),
      'sequential: "state.layers" expected an array of 3, got one of 1. Pass what this model\'s own start() made',
    ],
    [call(model, params, x, { layers: [{}, {}, {}] }), "batchNorm: expected its state { mean, variance } third"],
    [call(nn.residual(norm), own, x), "batchNorm: expected its state { mean, variance } third, got undefined"],
  ])("says where its state is missing or misplaced: %#", (f, message) => {
    expect(f).toThrow(TypeError);
    expect(f).toThrow(message);
  });

  it("says what became of output and state where both are taken for a tensor", () => {
    const both = model.apply(params, x, state) as never;
    expect(call(nn.linear(8, 2), nn.linear(8, 2).init(key(1)), both)).toThrow("got an object { output, state }");
    expect(call(nn.dropout(0.5), {}, both)).toThrow("got an object { output, state }. Pass its output on");
    expect(digest(model.apply(params, x, state).output)).toBe(digest(model.apply(params, x, state, {}).output));
  });
});
