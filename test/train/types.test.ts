// Types follow the tree of parameters: interfaces, tuples, nested records and optional fields come back as they went in.
// The type checker does the work (npm run typecheck); the calls run as well.
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  createTrainer,
  data,
  grad,
  load,
  nn,
  optim,
  type ParameterBlock,
  random,
  relu,
  type Slot,
  type StepResult,
  save,
  type Tensor,
  type Trainer,
  type TrainerOptions,
  tensor,
  valueAndGrad,
} from "../../src/index.js";

interface Cell {
  weight: Tensor;
  bias?: Tensor;
}
interface Model {
  readonly cells: [Cell, Cell];
  heads: { policy: Tensor; value: { w: Tensor } };
  list: readonly Tensor[];
}

const model = (): Model => ({
  cells: [{ weight: tensor([1, 2]), bias: tensor([0, 0]) }, { weight: tensor([3, 4]) }],
  heads: { policy: tensor([1]), value: { w: tensor([2]) } },
  list: [tensor([5])],
});
const loss = (p: Model): Tensor => p.cells[0].weight.mul(p.heads.value.w).sum();

describe("the type of the parameters", () => {
  it("is the type of their gradients", () => {
    expectTypeOf(grad(loss)).toEqualTypeOf<(params: Model) => Model>();
    const { value, gradients } = valueAndGrad(loss)(model());
    expectTypeOf(value).toEqualTypeOf<number>();
    expectTypeOf(gradients).toEqualTypeOf<Model>();
    expectTypeOf(gradients.cells).toEqualTypeOf<[Cell, Cell]>();
    expectTypeOf(gradients.cells[1].bias).toEqualTypeOf<Tensor | undefined>();
    // @ts-expect-error a tuple of two has no third
    gradients.cells[2];
    // @ts-expect-error no such parameter
    gradients.heads.critic;
    expect(gradients.cells[0].weight.toArray()).toEqual([2, 2]);
    expect(gradients.cells[1].bias).toBeUndefined();
  });

  it("is kept where the function takes more arguments, which keep theirs", () => {
    const f = valueAndGrad((p: [Tensor, { b: Tensor }], x: Tensor, options: { scale: number }) =>
      p[0].mul(p[1].b).mul(x).sum().mul(options.scale),
    );
    expectTypeOf(f).parameters.toEqualTypeOf<
      [params: [Tensor, { b: Tensor }], x: Tensor, options: { scale: number }]
    >();
    expectTypeOf(f).returns.toEqualTypeOf<{ value: number; gradients: [Tensor, { b: Tensor }] }>();
    expect(f([tensor(2), { b: tensor(3) }], tensor(1), { scale: 2 }).value).toBe(12);
  });

  it("is a tensor's own for one tensor", () => {
    expectTypeOf(grad((w: Tensor) => w.mul(w).sum())).returns.toEqualTypeOf<Tensor>();
  });

  it("is what a trainer gives back and takes", () => {
    const trainer = createTrainer({
      params: model(),
      loss: (p, batch: { x: Tensor }) => {
        expectTypeOf(p).toEqualTypeOf<Model>();
        return loss(p).mul(batch.x.sum());
      },
      predict: (p, x: Tensor) => p.heads.policy.mul(x),
      optimizer: optim.sgd(0.1),
    });
    expectTypeOf(trainer.params).toEqualTypeOf<Model>();
    expectTypeOf(trainer.setParams).parameters.toEqualTypeOf<[tree: Model]>();
    expectTypeOf(trainer.step).parameters.toEqualTypeOf<[batch: { x: Tensor }]>();
    expectTypeOf(trainer.step).returns.toEqualTypeOf<StepResult>();
    expectTypeOf(trainer.predict).parameters.toEqualTypeOf<[x: Tensor]>();
    // @ts-expect-error the batch has x
    expect(() => trainer.step({ y: tensor(1) })).toThrow();
    // @ts-expect-error heads are missing
    expect(() => trainer.setParams({ cells: model().cells, list: [] })).toThrow();
    trainer.setParams(trainer.params);
  });

  it("is that of a layer's parameters", () => {
    const mlp = nn.mlp([2, 3, 1]);
    const params = mlp.init(random.key(1));
    expectTypeOf(params).toEqualTypeOf<nn.MlpParams>();
    expectTypeOf(grad((p: nn.MlpParams) => mlp.apply(p, tensor([[1, 2]])).sum())(params)).toEqualTypeOf<nn.MlpParams>();
  });

  it("is that of the state beside them", () => {
    const trainer = createTrainer({
      params: { w: tensor([1]) },
      state: { seen: tensor([0]) },
      loss: (p, _: null, { state }) => {
        expectTypeOf(state).toEqualTypeOf<{ seen: Tensor }>();
        return { loss: p.w.sum(), state: { seen: state.seen.add(1) } };
      },
      optimizer: optim.sgd(0.1),
    });
    trainer.step(null);
  });

  it("is that of the updates, of what they are added to, and of what is loaded in their form", () => {
    const params = model();
    const optimizer = optim.adam(0.1);
    const { updates, state } = optim.update(optimizer, grad(loss)(params), optim.init(optimizer, params));
    expectTypeOf(updates).toEqualTypeOf<Model>();
    expectTypeOf(state).toEqualTypeOf<optim.OptimizerState>();
    expectTypeOf(optim.applyUpdates(params, updates)).toEqualTypeOf<Model>();
    const loaded = load(save(params), { like: params });
    expectTypeOf(loaded).toEqualTypeOf<Model>();
    expectTypeOf(load(save(params))).toEqualTypeOf<{ [name: string]: Tensor }>();
    expect(Object.keys(loaded)).toEqual(["cells", "heads", "list"]);
  });
});

describe("the type of a batch", () => {
  const { train } = data.digits({ train: 20, test: 10, seed: 1 });
  const net = nn.mlp([784, 10], { activation: relu, init: nn.init.zeros });
  const params = net.init(random.key(1));
  const optimizer = optim.chain(optim.clipByGlobalNorm(10), optim.addNoise({ eta: 0.03, seed: 1 }), optim.sgd(0.1));

  it("is tensors by name where nothing says more, and never any", () => {
    const trainer = createTrainer({
      params,
      loss: (p, batch) => {
        expectTypeOf(batch).toEqualTypeOf<data.Columns>();
        return nn.softmaxCrossEntropy(net.apply(p, batch.x), batch.y);
      },
      metrics: (p, { x, y }) => {
        expectTypeOf(x).toEqualTypeOf<Tensor>();
        return { accuracy: nn.accuracy(net.apply(p, x), y) };
      },
      predict: (p, x) => {
        expectTypeOf(x).toEqualTypeOf<Tensor>();
        return net.apply(p, x);
      },
      optimizer,
    });
    expectTypeOf(trainer).toEqualTypeOf<Trainer<nn.MlpParams, data.Columns, Tensor>>();
    for (const batch of train.batches(10, { seed: 1, epochs: 1 })) trainer.step(batch);
    expect(trainer.steps).toBe(2);
    // @ts-expect-error tensors are asked for
    expect(() => trainer.step({ x: "a" })).toThrow();
  });

  it("is what the loss says: a dataset's own, a list, one tensor, or none", () => {
    const loss = (p: nn.MlpParams, { x, y }: typeof train.columns) => nn.softmaxCrossEntropy(net.apply(p, x), y);
    expectTypeOf(createTrainer({ params, loss, optimizer }).step)
      .parameter(0)
      .toEqualTypeOf<{ x: Tensor; y: Tensor }>();
    const pair = createTrainer({
      params,
      loss: (p, [x, y]: [Tensor, Tensor]) => loss(p, { x, y }),
      metrics: (_, [x]) => ({ size: x.size }),
      optimizer,
    });
    expectTypeOf(pair).toEqualTypeOf<Trainer<nn.MlpParams, [Tensor, Tensor], Tensor>>();
    const one = createTrainer({ params, loss: (p, x: Tensor) => net.apply(p, x).sum(), optimizer });
    expectTypeOf(one.step).parameter(0).toEqualTypeOf<Tensor>();
    const none = createTrainer({ params, loss: (p, _: undefined) => p.layers[0].bias.sum(), optimizer });
    expect(none.step(undefined).step).toBe(0);
  });

  it("is said by the options where they are typed", () => {
    const options: TrainerOptions<nn.MlpParams> = {
      params,
      loss: (p, { x, y }) => nn.softmaxCrossEntropy(net.apply(p, x), y),
      optimizer,
    };
    expectTypeOf(createTrainer(options)).toEqualTypeOf<Trainer<nn.MlpParams, data.Columns, Tensor>>();
  });

  it("goes along into a run, and is checked there", async () => {
    const trainer = createTrainer({ params, loss: (p, { x }: { x: Tensor }) => net.apply(p, x).sum(), optimizer });
    await trainer.run(train.batches(10, { epochs: 1 }));
    // @ts-expect-error a batch has x
    await expect(trainer.run([{ y: tensor([1]) }])).rejects.toThrow();
  });
});

describe("Trainer", () => {
  const w = { w: tensor([1]) };
  const optimizer = optim.sgd(0.1);

  it("needs no arguments, takes every trainer, and does not say what a loss is given", () => {
    const trainer: Trainer = createTrainer({
      params: w,
      loss: (p, { x }) => {
        expectTypeOf(x).toEqualTypeOf<Tensor>();
        return p.w.mul(x).sum();
      },
      optimizer,
    });
    const trainers: Trainer[] = [
      trainer,
      createTrainer({ params: [w, w], loss: (p, [x]: Tensor[]) => p[0].w.mul(x).sum(), optimizer }),
    ];
    expectTypeOf(trainer.params).toBeUnknown();
    for (const t of trainers) expectTypeOf(t.step).returns.toEqualTypeOf<StepResult>();
    trainer.step({ x: tensor([2]) });
  });

  it("with the parameters' type alone takes those of any batch, and no other parameters", () => {
    const loss = (p: typeof w, { x }: { x: Tensor }) => p.w.mul(x).sum();
    const trainer: Trainer<{ w: Tensor }> = createTrainer({ params: w, loss, optimizer });
    expectTypeOf(trainer.params).toEqualTypeOf<{ w: Tensor }>();
    // @ts-expect-error these parameters are others
    const other: Trainer<{ b: Tensor }> = createTrainer({ params: w, loss, optimizer });
    expect(other).not.toBe(trainer);
  });
});

describe("the gradient of one tensor", () => {
  it("needs no types said", () => {
    const { value, gradients } = valueAndGrad((w) => w.mul(w).sum())(tensor([1, -2]));
    expectTypeOf(value).toEqualTypeOf<number>();
    expectTypeOf(gradients).toEqualTypeOf<Tensor>();
    expectTypeOf(grad((w) => ({ value: w.sum(), aux: w }))).returns.toEqualTypeOf<Tensor>();
    expect(gradients.toArray()).toEqual([2, -4]);
  });
});

describe("a gradient transform of one's own", () => {
  it("needs no types of ours, only { description, init, update }", () => {
    const half = (factor: number) => ({
      description: "half",
      init: (block: ParameterBlock) => ({ seen: block.allocateSlot() }),
      update(block: ParameterBlock, { seen }: { seen: Slot }, { t }: { t: number }) {
        const { updates } = block;
        block.each((offset, length) => {
          for (let i = offset; i < offset + length; i++) {
            seen.data[i] += updates[i];
            updates[i] *= -factor / (t + 1);
          }
        });
      },
    });
    const params = { x: tensor([4]) };
    const { updates } = optim.update(optim.chain(half(0.5)), params, optim.init(optim.chain(half(0.5)), params));
    expect(updates.x.item()).toBe(-2);
  });
});
