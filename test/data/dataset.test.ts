// Datasets: batches as a pure function of (seed, step), byte columns, and what is refused.
import { describe, expect, it } from "vitest";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { type BatchOptions, dataset } from "../../src/data/dataset.js";
import { mul } from "../../src/ops/elementwise.js";

const SIZE = 23;
const rows = dataset({
  x: tensor(
    Float32Array.from({ length: SIZE * 2 }, (_, i) => i),
    [SIZE, 2],
  ),
  y: tensor(Int32Array.from({ length: SIZE }, (_, i) => i)),
});
/** Labels of every batch; a row's label is its number. */
const labels = (size: number, options?: BatchOptions): number[][] =>
  Array.from(rows.batches(size, options), ({ y }) => Array.from(y.data));
const sorted = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b);
const all = Array.from({ length: SIZE }, (_, i) => i);

describe("batches", () => {
  it("without a seed come in the order of the data", () => {
    expect(labels(7, { epochs: 1 })).toEqual([all.slice(0, 7), all.slice(7, 14), all.slice(14, 21)]);
  });

  it("keep the rows of all columns together", () => {
    for (const { x, y } of rows.batches(5, { seed: 1, epochs: 2 }))
      expect(Array.from(x.data)).toEqual(Array.from(y.data).flatMap((r) => [2 * r, 2 * r + 1]));
  });

  it("of one seed are the same again, of another seed others", () => {
    expect(labels(5, { seed: 1, steps: 9 })).toEqual(labels(5, { seed: 1, steps: 9 }));
    expect(labels(5, { seed: 1, steps: 9 })).not.toEqual(labels(5, { seed: 2, steps: 9 }));
  });

  it.each([1, 4, 5, 23])("of size %i hold every example once an epoch", (size) => {
    const perEpoch = Math.ceil(SIZE / size);
    const found = labels(size, { seed: 3, epochs: 3, dropLast: false });
    expect(found.length).toBe(3 * perEpoch);
    for (let epoch = 0; epoch < 3; epoch++)
      expect(sorted(found.slice(epoch * perEpoch, (epoch + 1) * perEpoch).flat())).toEqual(all);
  });

  it("are in another order in every epoch", () => {
    const orders = labels(23, { seed: 1, epochs: 20 }).map(String);
    expect(new Set(orders).size).toBe(20);
  });

  it("leave out the short last batch of an epoch, or keep it", () => {
    expect(labels(5, { seed: 1, epochs: 2 }).map((b) => b.length)).toEqual([5, 5, 5, 5, 5, 5, 5, 5]);
    expect(labels(5, { epochs: 2, dropLast: false }).map((b) => b.length)).toEqual([5, 5, 5, 5, 3, 5, 5, 5, 5, 3]);
  });

  it("never repeat an example within an epoch where the last batch is left out", () => {
    const first = labels(5, { seed: 4, epochs: 1 }).flat();
    expect(new Set(first).size).toBe(20);
  });

  it.each([true, false])("from any step on are the same as from the start: dropLast %s", (dropLast) => {
    const whole = labels(5, { seed: 2, steps: 17, dropLast });
    for (let from = 0; from <= 17; from++)
      expect(labels(5, { seed: 2, steps: 17, from, dropLast })).toEqual(whole.slice(from));
  });

  it("count steps and epochs from step 0, whichever ends first", () => {
    expect(labels(5, { epochs: 2, steps: 3 }).length).toBe(3);
    expect(labels(5, { epochs: 2, steps: 100 }).length).toBe(8);
    expect(labels(5, { epochs: 1, from: 3 }).length).toBe(1);
    expect(labels(5, { epochs: 1, from: 9 }).length).toBe(0);
    expect(labels(5, { epochs: 0 }).length).toBe(0);
  });

  it("are endless without epochs and steps", () => {
    let count = 0;
    for (const { y } of rows.batches(20, { seed: 1 })) {
      expect(y.size).toBe(20);
      if (++count === 50) break;
    }
    expect(count).toBe(50);
  });

  it("put every example at every place about equally often", () => {
    const counts = all.map(() => all.map(() => 0));
    const epochs = 4000;
    for (const order of labels(23, { seed: 1, epochs }))
      order.forEach((row, place) => {
        counts[place][row]++;
      });
    const expected = epochs / SIZE;
    const chi = counts.flat().reduce((s, c) => s + (c - expected) ** 2 / expected, 0);
    const freedom = (SIZE - 1) ** 2;
    expect(Math.abs(chi - freedom) / Math.sqrt(2 * freedom)).toBeLessThan(4.5);
  });

  it.each([
    [() => labels(0), 'batches: "size" expected an integer >= 1, got 0'],
    [() => labels(24), 'batches: "size" expected at most the 23 examples there are, got 24'],
    [() => labels(5, { from: -1 }), 'batches: "from" expected an integer >= 0, got -1'],
    [() => labels(5, { epochs: 1.5 }), 'batches: "epochs" expected an integer >= 0, got 1.5'],
    [() => labels(5, { seed: -1, steps: 1 }), '"seed" expected an integer >= 0, got -1'],
  ])("refuse wrong sizes: %#", (f, message) => {
    expect(f).toThrow(new RegExp(message.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
  });

  it("larger than the data are one short batch where that is allowed", () => {
    expect(labels(100, { epochs: 1, dropLast: false })).toEqual([all]);
  });
});

describe("take", () => {
  it("gives the first examples, and no more than there are", () => {
    expect(Array.from(rows.take(3).columns.y.data)).toEqual([0, 1, 2]);
    expect(rows.take(100).size).toBe(SIZE);
  });
});

describe("a byte column", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const images = dataset({ x: { bytes, shape: [64, 4], divisor: 255 } });
  const bitsOf = (t: Tensor): Uint32Array => new Uint32Array(t.data.slice().buffer);
  const exact = Float32Array.from(bytes, (v) => v / 255);

  it("holds the bytes divided by 255 in float32, bit for bit", () => {
    expect(bitsOf(images.columns.x)).toEqual(new Uint32Array(exact.buffer));
  });

  it("has the same bits where the kernel divides", () => {
    const { x } = dataset({ x: { bytes, shape: [64, 4], divisor: 255 } }).columns;
    expect(bitsOf(mul(x, 1))).toEqual(new Uint32Array(exact.buffer));
  });

  it("gives shuffled batches of the same rows as a column of floats", () => {
    const floats = dataset({ x: tensor(exact, [64, 4]) });
    const [a, b] = [images, floats].map((d) =>
      Array.from(d.batches(7, { seed: 1, epochs: 2 }), ({ x }) => [...bitsOf(x)]),
    );
    expect(a).toEqual(b);
  });

  it("of another length than its shape is refused", () => {
    expect(() => dataset({ x: { bytes, shape: [64, 5], divisor: 255 } })).toThrow(
      'dataset: column "x" of shape [64, 5] needs 320 bytes, got 256',
    );
  });

  it("with a divisor of 0 is refused", () => {
    expect(() => dataset({ x: { bytes, shape: [64, 4], divisor: 0 } })).toThrow(
      'dataset: column "x": "divisor" expected a number > 0, got 0',
    );
  });
});

describe("a dataset", () => {
  it("refuses columns of different lengths", () => {
    expect(() => dataset({ x: tensor([[1], [2]]), y: tensor([1], { dtype: "int32" }) })).toThrow(
      'dataset: column "y" has 1 examples, "x" has 2; every column needs one row per example',
    );
  });

  it("refuses NaN and infinities, naming example and position", () => {
    const x = tensor(Float32Array.of(1, 2, 3, 4, Number.NaN, 6), [2, 3]);
    expect(() => dataset({ x })).toThrow("dataset: x holds NaN in example 1 at position 1; replace or leave out");
    expect(() => dataset({ x: tensor([1, -Infinity]) })).toThrow(
      "dataset: x holds -Infinity in example 1 at position 0",
    );
  });

  it("refuses labels outside of the classes", () => {
    const y = (...values: number[]) => ({ y: tensor(values, { dtype: "int32" }) });
    expect(() => dataset(y(0, 9, 10), { classes: 10 })).toThrow(
      "dataset: y holds the label 10 at position 2, outside 0..9",
    );
    expect(() => dataset(y(0, -1), { classes: 10 })).toThrow(
      "dataset: y holds the label -1 at position 1, outside 0..9",
    );
    expect(dataset(y(0, 9), { classes: 10 }).size).toBe(2);
  });

  it("refuses to be empty", () => {
    expect(() => dataset({})).toThrow("dataset: there is no column");
    expect(() => dataset({ x: tensor(new Float32Array(0), [0, 3]) })).toThrow(
      'dataset: column "x" of shape [0, 3] holds no examples',
    );
  });
});
