// The table of a model: pinned text, and everything it can be asked of.
import { describe, expect, it } from "vitest";
import { tensor, zeros } from "../../src/core/tensor.js";
import { summary } from "../../src/inspect/summary.js";
import * as nn from "../../src/nn/index.js";
import { sgd } from "../../src/optim/index.js";
import { createTrainer } from "../../src/train/trainer.js";
import "../../src/ops/methods.js";
import { key } from "../../src/core/random.js";

const table = `path              shape      parameters
---------------------------------------
layers[0].weight  [784, 50]      39,200
layers[0].bias    [50]               50
layers[1].weight  [50, 10]          500
layers[1].bias    [10]               10
---------------------------------------
total                            39,760  155.3 kB`;

describe("summary", () => {
  const model = nn.mlp([784, 50, 10]);

  it("is a table of paths, shapes and counts with a total", () => {
    expect(summary(model.init(key(1)))).toBe(table);
  });

  it("asks a layer for its parameters, and a trainer", () => {
    expect(summary(model)).toBe(table);
    const trainer = createTrainer({
      params: model.init(key(1)),
      loss: (p) => p.layers[0].bias.sum(),
      optimizer: sgd(0.1),
    });
    expect(summary(trainer)).toBe(table);
  });

  it("takes any tree, and one tensor", () => {
    expect(
      summary({ embedding: zeros([2000, 1000]), inner: [{ w: tensor(1) }], ids: tensor([1], { dtype: "int32" }) }),
    ).toBe(`path        shape         parameters
------------------------------------
embedding   [2000, 1000]   2,000,000
inner[0].w  []                     1
ids         [1]                    1  int32
------------------------------------
total                      2,000,002  7.6 MB`);
    expect(summary(zeros([2])).split("\n")[2]).toBe("(the tensor itself)  [2]             2");
  });

  it("refuses what holds no parameters", () => {
    expect(() => summary(7 as never)).toThrow(
      new TypeError("summary: expected parameters, a layer or a trainer, got 7"),
    );
    expect(() => summary({ w: "x" })).toThrow(
      new TypeError('summary: params.w: expected a tensor, an array or a plain object, got "x"'),
    );
    expect(() => summary(nn.linear as never)).toThrow(
      "summary: expected parameters, a layer or a trainer, got a function. Call it: a layer is what nn.linear(2, 3) returns",
    );
  });

  it("shows no name that would change a terminal, and a long one cut", () => {
    const table = summary({ "\u001b[2J\u202e": zeros([1]), ["x".repeat(5000)]: zeros([1]) });
    expect(table).toMatch(/^\\u001b\[2J\\u202e +\[1\]/m);
    expect(Math.max(...table.split("\n").map((line) => line.length))).toBeLessThan(180);
  });
});
