// Chains that would climb, or in which one part undoes another, are refused: by `chain` where it can be seen there, by
// `checkOptimizer` with a block where masks and groups have to be looked through, by `applyUpdates` in loops of one's own.
import { describe, expect, it } from "vitest";
import { ParameterBlock } from "../../src/core/parameter-block.js";
import { checkOptimizer } from "../../src/optim/check.js";
import * as optim from "../../src/optim/index.js";
import { Runtime } from "../../src/wasm/runtime.js";
import { vector } from "./fixtures.js";

const { accumulate, adam, addNoise, chain, clipByGlobalNorm, ema, freeze, masked, momentum, partition, sgd } = optim;
const noise = () => addNoise({ eta: 1, seed: 1 });
const own: optim.GradientTransform = { description: "own", init: () => ({}), update: () => undefined };

const block = () => ParameterBlock.allocate(new Runtime(), { a: vector([1, 2]), b: vector([3]) });
const check = (optimizer: optim.GradientTransform) => () => checkOptimizer("createTrainer", optimizer, block());
const half = { a: vector([1, 0]), b: vector([1]) };
const rest = { a: vector([0, 1]), b: vector([0]) };

describe("an optimizer that makes no update", () => {
  const bad: optim.GradientTransform[] = [
    chain(),
    clipByGlobalNorm(10),
    momentum(0.9),
    ema(0.9),
    optim.weightDecay(0.1),
    noise(),
    optim.clipByNorm(1),
    optim.anticorrelatedNoise({ std: 1, seed: 1 }),
    chain(clipByGlobalNorm(10), noise()),
    chain(chain(clipByGlobalNorm(10)), ema(0.9)),
    accumulate(4, clipByGlobalNorm(1)),
    masked(noise(), "a"),
    partition({ "**": clipByGlobalNorm(1) }),
  ];
  it.each(bad.map((t) => [t.description, t] as const))("is refused: %s", (description, t) => {
    expect(check(t)).toThrow(
      `createTrainer: "optimizer" makes no update: ${description} leaves gradients, and to add these raises the loss. Append an optimizer: chain(`,
    );
    expect(() => checkOptimizer("createTrainer", t)).not.toThrow(/undefined/);
  });

  it("says which chain would make one", () => {
    expect(check(chain(clipByGlobalNorm(10), noise()))).toThrow(
      "Append an optimizer: chain(clipByGlobalNorm(10), addNoise(eta=1, gamma=0.55, seed=1), sgd(0.1))",
    );
    expect(check(chain())).toThrow("Append an optimizer: chain(sgd(0.1))");
    expect(check(momentum(0.9))).toThrow("Append an optimizer: chain(momentum(0.9), sgd(0.1))");
  });

  it("of a part of the parameters is refused, naming one", () => {
    const message = (path: string) => `"optimizer" makes no update of params.${path}:`;
    expect(check(masked(sgd(0.1), "b"))).toThrow(message("a"));
    expect(check(masked(sgd(0.1), half))).toThrow(message("a"));
    expect(check(freeze("a"))).toThrow(message("b"));
    expect(check(partition({ b: noise(), "**": sgd(0.1) }))).toThrow(message("b"));
    expect(check(chain(masked(sgd(0.1), "a"), masked(noise(), "b")))).toThrow(message("b"));
  });

  const good: optim.GradientTransform[] = [
    sgd(0.1),
    sgd(0),
    chain(clipByGlobalNorm(1), noise(), adam(0.1), ema(0.9)),
    chain(sgd(0.1), optim.anticorrelatedNoise({ std: 1, seed: 1 })),
    chain(sgd(0.1), clipByGlobalNorm(1), momentum(0.9)),
    chain(momentum(0.9), sgd(0.1)),
    accumulate(4, chain(noise(), sgd(0.1))),
    chain(clipByGlobalNorm(1), accumulate(4, sgd(0.1)), ema(0.5)),
    partition({ b: chain(noise(), sgd(1)), "**": adam(0.1) }),
    chain(partition({ b: noise(), "**": clipByGlobalNorm(1) }), sgd(0.1)),
    chain(masked(sgd(0.1), half), masked(adam(0.1), rest)),
    chain(masked(sgd(0.1), "a"), freeze("b")),
    chain(noise(), sgd(0.1), freeze("a")),
    chain(freeze("a"), clipByGlobalNorm(1), sgd(0.1, { momentum: 0.9 })),
    freeze("**"),
    own,
    chain(noise(), own),
    chain(sgd(0.1), own, sgd(0.1)),
    { ...own, update: (b, s, c) => sgd(0.1).update(b, s, c) },
  ];
  it.each(good.map((t) => [t.description, t] as const))("is none: %s", (_, t) => {
    expect(check(t)).not.toThrow();
    expect(() => checkOptimizer("createTrainer", t)).not.toThrow();
  });

  it("or no transform at all", () => {
    expect(check(0.1 as never)).toThrow('createTrainer: "optimizer" expected a gradient transform, got 0.1');
  });
});

describe("an order that does harm", () => {
  it("two optimizers in a row are refused by chain", () => {
    const message = (second: string, first: string) =>
      `chain: ${second} stands behind ${first}: it takes an update for a gradient, and the sign turns around. Take one of them`;
    expect(() => chain(sgd(0.2), sgd(0.1))).toThrow(message("sgd(0.1)", "sgd(0.2)"));
    expect(() => chain(sgd(0.2), clipByGlobalNorm(1), accumulate(2, sgd(0.1)))).toThrow(
      message("sgd(0.1)", "sgd(0.2)"),
    );
    expect(() => chain(chain(noise(), sgd(0.2)), chain(sgd(0.1)))).toThrow(message("sgd(0.1)", "sgd(0.2)"));
    expect(() => chain(sgd(0.2), masked(sgd(0.1), "a"))).toThrow(message("sgd(0.1)", "sgd(0.2)"));
    expect(() => chain(sgd(0.2), optim.sgld(0.1, { seed: 1 }))).toThrow(
      "sgld(0.1, temperature=1, seed=1) stands behind",
    );
  });

  it("on the same elements under masks are found with the block", () => {
    expect(check(chain(masked(sgd(0.2), half), sgd(0.1)))).toThrow("createTrainer: sgd(0.1) stands behind sgd(0.2)");
    expect(check(chain(partition({ "**": sgd(0.2) }), sgd(0.1)))).toThrow("sgd(0.1) stands behind sgd(0.2)");
  });

  it("weight decay behind the optimizer, where parameters would grow", () => {
    expect(() => chain(sgd(0.1), optim.weightDecay(0.01))).toThrow(
      "chain: weightDecay(0.01) stands behind sgd(0.1): there the parameters are added to what is added to them, and grow. Put it before, or take adamw",
    );
  });

  it("what moves frozen parameters", () => {
    const message = "createTrainer: addNoise(eta=1, gamma=0.55, seed=1) (params.a) stands behind freeze(a) and moves";
    expect(check(chain(freeze("a"), noise(), sgd(0.1)))).toThrow(message);
    expect(check(chain(sgd(0.1), freeze("a"), masked(noise(), "b")))).not.toThrow();
    expect(check(chain(freeze("a"), optim.adamw(0.1)))).toThrow("stands behind freeze(a) and moves what is frozen");
    expect(check(chain(freeze("a"), optim.adamw(0.1, { weightDecay: 0 })))).not.toThrow();
  });

  it("noise in front of accumulate, which would be added to every micro-batch", () => {
    expect(() => chain(noise(), accumulate(4, sgd(0.1)))).toThrow(
      "chain: addNoise(eta=1, gamma=0.55, seed=1) stands in front of accumulate(4, sgd(0.1)): it would be added to every micro-batch, and not once an update. Put it inside: accumulate(count, chain(noise, optimizer))",
    );
    expect(() => chain(chain(masked(noise(), "a")), partition({ "**": accumulate(4, sgd(0.1)) }))).toThrow(
      "in front of",
    );
  });

  it("is refused by optim.init too", () => {
    expect(() => optim.init(chain(masked(sgd(0.2), "a"), sgd(0.1)), { a: vector([1]) })).toThrow(
      "optim.init: sgd(0.1) stands behind sgd(0.2)",
    );
  });
});

describe("a partition", () => {
  it("with a pattern that is left without parameters is refused", () => {
    expect(check(partition({ "**": sgd(1), b: sgd(2) }))).toThrow(
      'partition: all that "b" matches goes to "**": the first pattern that matches has a parameter. Put it first',
    );
    expect(check(partition({ bias: sgd(1), "**": sgd(2) }))).toThrow(
      'partition: the pattern "bias" matches no parameter. There are: a, b',
    );
  });

  it("names the pattern that was meant", () => {
    expect(() => optim.init(freeze("bias"), { layers: [{ bias: vector([1]) }] })).toThrow(
      'freeze: the pattern "bias" matches no parameter. There are: layers[0].bias. Did you mean "**.bias"?',
    );
  });
});

describe("updates that are still gradients", () => {
  const params = { a: vector([1, 2]), b: vector([3]) };
  const updates = (optimizer: optim.GradientTransform) =>
    optim.update(optimizer, params, optim.init(optimizer, params)).updates;

  it("may be looked at, and are not applied", () => {
    const u = updates(clipByGlobalNorm(100));
    expect(Array.from(u.a.data)).toEqual([1, 2]);
    expect(() => optim.applyUpdates(params, u)).toThrow(
      "applyUpdates: the update of a is still a gradient: clipByGlobalNorm(100) makes no update of it",
    );
  });

  it("of a part of the parameters are not either, and all others are", () => {
    expect(() => optim.applyUpdates(params, updates(masked(sgd(1), half)))).toThrow(
      "the update of a is still a gradient",
    );
    expect(() => optim.applyUpdates(params, updates(masked(sgd(1), "a")))).toThrow(
      "the update of b is still a gradient",
    );
    expect(() => optim.applyUpdates(params, updates(chain(noise(), own)))).not.toThrow();
  });

  it("that one scales oneself are updates", () => {
    const u = updates(clipByGlobalNorm(100));
    const scaled = { a: vector(u.a.data.map((v) => -0.5 * v)), b: vector(u.b.data.map((v) => -0.5 * v)) };
    expect(Array.from(optim.applyUpdates(params, scaled).a.data)).toEqual([0.5, 1]);
  });
});
