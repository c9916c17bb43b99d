// What console.log and String show of a tensor, wherever it lives. The digits are pinned in test/golden/print.test.ts.
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { grad } from "../../src/autodiff/grad.js";
import { byteTensor, full, type Tensor, tensor, zeros } from "../../src/core/tensor.js";
import { relu } from "../../src/ops/elementwise/index.js";
import "../../src/ops/methods.js";
import { sgd } from "../../src/optim/index.js";
import { createTrainer } from "../../src/train/trainer.js";

describe("a tensor as text", () => {
  it("has its shape, its dtype and its values, in one line where they fit", () => {
    expect(String(full([3], 0.1))).toBe("tensor [3] float32 [0.1, 0.1, 0.1]");
    expect(String(tensor(5))).toBe("tensor [] float32 5.");
    expect(String(tensor([1, -2], { dtype: "int32" }))).toBe("tensor [2] int32 [ 1, -2]");
    expect(String(zeros([0, 3]))).toBe("tensor [0, 3] float32 []");
  });

  it("has a line for every row otherwise", () => {
    expect(
      String(
        tensor([
          [1, -2.5],
          [Number.NaN, 10],
        ]),
      ),
    ).toBe("tensor [2, 2] float32\n[[ 1. , -2.5],\n [ nan, 10. ]]");
  });

  it("is what Node's console prints, indented inside other things", () => {
    const t = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(inspect(t)).toBe(String(t));
    expect(inspect({ layer: { weight: t } }, { breakLength: 40, compact: false })).toBe(
      "{\n  layer: {\n    weight: tensor [2, 2] float32\n    [[1., 2.],\n     [3., 4.]]\n  }\n}",
    );
  });

  it("has shape, dtype and values as its first fields, which a page's console previews", () => {
    expect(Object.keys(tensor([1])).slice(0, 3)).toEqual(["shape", "dtype", "host"]);
  });

  it("reads bytes one by one: printing a set of images does not make floats of all of it", () => {
    const images = byteTensor(new Uint8Array(4000).fill(51), [50, 80], 255);
    expect(String(images)).toContain("[0.2, 0.2, 0.2, ..., 0.2, 0.2, 0.2]");
    expect(images.host).toBeUndefined();
  });

  it("prints the edges of eight axes", () => {
    expect(String(zeros([2, 2, 2, 2, 2, 2, 7, 7])).length).toBeGreaterThan(1000);
  });
});

describe("a tensor of a scope as text", () => {
  it("shows its values while the scope is open", () => {
    const seen: string[] = [];
    grad((x: Tensor) => {
      const y = relu(x);
      seen.push(String(x), inspect(y));
      return y.sum();
    })(tensor([-1, 2]));
    expect(seen).toEqual(["tensor [2] float32 [-1.,  2.]", "tensor [2] float32 [0., 2.]"]);
  });

  it("says that it is stale afterwards, and of which op and step", () => {
    let kept: Tensor | undefined;
    const trainer = createTrainer({
      params: { w: tensor([1, 2]) },
      loss: (p) => {
        kept = relu(p.w);
        return kept.sum();
      },
      optimizer: sgd(0.1),
    });
    trainer.step({});
    trainer.step({});
    expect(String(kept)).toBe("tensor [2] float32 (stale: the result of relu of step 1, which has ended)");
    expect(inspect(kept)).toBe(String(kept));
  });
});
