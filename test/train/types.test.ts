// Types follow the tree of parameters: interfaces, tuples, nested records and optional fields come back as they went in.
// The type checker does the work (npm run typecheck); the calls run as well.
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  createTrainer,
  grad,
  load,
  nn,
  optim,
  type ParameterBlock,
  random,
  type Slot,
  type StepResult,
  save,
  type Tensor,
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
