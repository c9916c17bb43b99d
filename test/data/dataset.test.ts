// Datasets: batches as a pure function of (seed, step), byte columns, and what is refused.
import { describe, expect, it } from "vitest";
import { type Tensor, tensor } from "../../src/core/tensor.js";
import { type BatchOptions, dataset } from "../../src/data/dataset.js";
import { mul } from "../../src/ops/elementwise/index.js";

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
    expect(labels(7, { epochs: 1 })).toEqual([all.slice(0, 7), all.slice(7, 14), all.slice(14, 21), all.slice(21)]);
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
    const found = labels(size, { seed: 3, epochs: 3 });
    expect(found.length).toBe(3 * perEpoch);
    for (let epoch = 0; epoch < 3; epoch++)
      expect(sorted(found.slice(epoch * perEpoch, (epoch + 1) * perEpoch).flat())).toEqual(all);
  });

  it("are in another order in every epoch", () => {
    const orders = labels(23, { seed: 1, epochs: 20 }).map(String);
    expect(new Set(orders).size).toBe(20);
  });

  it("keep the short last batch of an epoch, or leave it out where that is asked for", () => {
    const sizes = (options: BatchOptions) => labels(5, options).map((b) => b.length);
    expect(sizes({ epochs: 2 })).toEqual([5, 5, 5, 5, 3, 5, 5, 5, 5, 3]);
    expect(sizes({ seed: 1, epochs: 2, dropLast: true })).toEqual([5, 5, 5, 5, 5, 5, 5, 5]);
  });

  it("check what they are given at once, before the first is asked for", () => {
    expect(() => rows.batches(0)).toThrow(RangeError);
    expect(() => rows.batches({ size: 5 } as never)).toThrow(
      new TypeError('batches: "size" expected an integer >= 1, got an object { size }'),
    );
    expect(() => rows.batches(5, { shuffle: true } as never)).toThrow(
      'batches: there is no option "shuffle". Did you mean "seed"? There are: seed, epochs, steps, from, dropLast',
    );
    expect(() => rows.batches(5, 3 as never)).toThrow(
      "batches: expected options { seed, epochs, steps, from, dropLast }, got 3",
    );
    expect(() => rows.batches(5, { dropLast: 1 } as never)).toThrow(
      'batches: "dropLast" expected true or false, got 1',
    );
  });

  it("do not change with the options that they were given", () => {
    const options = { seed: 1, steps: 3 };
    const batches = rows.batches(5, options);
    options.seed = 2;
    options.steps = 1;
    expect(Array.from(batches, ({ y }) => Array.from(y.data))).toEqual(labels(5, { seed: 1, steps: 3 }));
  });

  it("never repeat an example within an epoch where the last batch is left out", () => {
    const first = labels(5, { seed: 4, epochs: 1, dropLast: true }).flat();
    expect(new Set(first).size).toBe(20);
  });

  it.each([true, false])("from any step on are the same as from the start: dropLast %s", (dropLast) => {
    const whole = labels(5, { seed: 2, steps: 17, dropLast });
    for (let from = 0; from <= 17; from++)
      expect(labels(5, { seed: 2, steps: 17, from, dropLast })).toEqual(whole.slice(from));
  });

  it("count steps and epochs from step 0, whichever ends first", () => {
    expect(labels(5, { epochs: 2, steps: 3 }).length).toBe(3);
    expect(labels(5, { epochs: 2, steps: 100 }).length).toBe(10);
    expect(labels(5, { epochs: 2, steps: 100, dropLast: true }).length).toBe(8);
    expect(labels(5, { epochs: 1, from: 3 }).length).toBe(2);
    expect(labels(5, { epochs: 1, from: 9 }).length).toBe(0);
    expect(labels(5, { epochs: 0 }).length).toBe(0);
  });

  it("are endless without epochs and steps", () => {
    let count = 0;
    for (const { y } of rows.batches(20, { seed: 1 })) {
      expect(y.size).toBe(count % 2 === 0 ? 20 : 3);
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
    [() => labels(24, { dropLast: true }), 'batches: "size" expected at most the 23 examples there are, got 24'],
    [() => labels(5, { from: -1 }), 'batches: "from" expected an integer >= 0, got -1'],
    [() => labels(5, { epochs: 1.5 }), 'batches: "epochs" expected an integer >= 0, got 1.5'],
    [() => labels(5, { seed: -1, steps: 1 }), '"seed" expected an integer >= 0, got -1'],
  ])("refuse wrong sizes: %#", (f, message) => {
    expect(f).toThrow(new RegExp(message.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
  });

  it("larger than the data are one short batch where that is allowed", () => {
    expect(labels(100, { epochs: 1 })).toEqual([all]);
  });
});

describe("rows", () => {
  const y = (...args: Parameters<typeof rows.rows>) => Array.from(rows.rows(...args).y.data);

  it("are those of the data, or of an order", () => {
    expect(y(20, 3)).toEqual([20, 21, 22]);
    expect(y(1, 2, Int32Array.of(9, 8, 7))).toEqual([8, 7]);
    expect(y(0, 3, [4, 4, 4])).toEqual([4, 4, 4]);
  });

  it.each([
    [() => y(20, 4), "rows: 20 to 23 are asked for, there are 23"],
    [() => y(0, 4, [1, 2, 3]), "rows: 0 to 3 are asked for, there are 3"],
    [() => y(0, 2, [0, 23]), 'rows: "order" holds 23 at position 1, outside 0..22'],
    [() => y(0, 2, [-1, 0]), 'rows: "order" holds -1 at position 0, outside 0..22'],
    [() => y(0, 1, [0.5]), 'rows: "order" holds 0.5 at position 0, outside 0..22'],
    [() => y(-1, 1), 'rows: "start" expected an integer >= 0, got -1'],
    [() => y(0, 0), 'rows: "count" expected an integer >= 1, got 0'],
    [() => y(0, 1, 7 as never), 'rows: "order" expected an array of row numbers, got 7'],
  ])("that there are not are refused: %#", (f, message) => {
    expect(f).toThrow(message);
  });
});

describe("split", () => {
  const y = (d: typeof rows) => Array.from(d.columns.y.data);

  it("makes two parts of all examples, each in the order of the data", () => {
    for (const seed of [undefined, 0, 1, 2, 99])
      for (const share of [0.01, 0.2, 0.5, 0.8, 0.99]) {
        const [a, b] = rows.split(share, { seed });
        expect([y(a), y(b)]).toEqual([sorted(y(a)), sorted(y(b))]);
        expect(sorted([...y(a), ...y(b)])).toEqual(all);
        expect(a.size + b.size).toBe(SIZE);
        for (const { x, y } of a.batches(5, { epochs: 1 }))
          expect(Array.from(x.data)).toEqual(Array.from(y.data).flatMap((r) => [2 * r, 2 * r + 1]));
      }
  });

  it("is the same again for a seed, and another for another", () => {
    expect(y(rows.split(0.5, { seed: 3 })[0])).toEqual(y(rows.split(0.5, { seed: 3 })[0]));
    const seen = Array.from({ length: 20 }, (_, seed) => y(rows.split(0.5, { seed })[0]).join());
    expect(new Set(seen).size).toBe(20);
    expect(y(rows.split(0.9, { seed: 1 })[1])).toEqual([7, 18]); // pinned: a validation set must stay what it was
  });

  it("without a seed takes the beginning", () => {
    expect(y(rows.split(0.25)[0])).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("rounds to the nearest, a half up, and leaves no part empty", () => {
    const sizes = (size: number, share: number) =>
      dataset({ y: tensor(new Float32Array(size)) })
        .split(share)
        .map((d) => d.size);
    expect(sizes(10, 0.25)).toEqual([3, 7]);
    expect(sizes(10, 0.24)).toEqual([2, 8]);
    expect(sizes(10, 0.7)).toEqual([7, 3]);
    expect(sizes(10, 0.001)).toEqual([1, 9]);
    expect(sizes(10, 0.999)).toEqual([9, 1]);
    expect(sizes(2, 0.9)).toEqual([1, 1]);
    expect(() => sizes(1, 0.5)).toThrow("split: there is only one example, and each part needs one");
  });

  it("takes each example about equally often", () => {
    const counts = all.map(() => 0);
    const rounds = 3000;
    for (let seed = 0; seed < rounds; seed++) for (const row of y(rows.split(0.3, { seed })[0])) counts[row]++;
    const mean = (rounds * 7) / SIZE;
    for (const count of counts) expect(Math.abs(count - mean)).toBeLessThan(5 * Math.sqrt(mean));
  });

  it("keeps bytes as bytes", () => {
    const images = dataset({ x: { bytes: Uint8Array.of(1, 2, 3, 4), shape: [4, 1], divisor: 255 } });
    expect([...images.split(0.5, { seed: 1 })[0].columns.x.source!.bytes]).toHaveLength(2);
  });

  it.each([
    [() => rows.split(0), 'split: "share" expected a number in 0 < share < 1, got 0'],
    [() => rows.split(100), "got 100. For a number of examples write count / dataset.size"],
    [() => rows.split(Number.NaN), 'split: "share" expected a number in 0 < share < 1, got NaN'],
    [
      () => rows.split({ share: 0.5 } as never),
      'split: "share" expected a number in 0 < share < 1, got an object { share }',
    ],
    [() => rows.split(0.5, { seed: -1 }), 'split: "seed" expected an integer >= 0, got -1'],
    [() => rows.split(0.5, 1 as never), "split: expected options { seed }, got 1. Write { seed: 1 }"],
  ])("is refused for what is no share: %#", (f, message) => {
    expect(f).toThrow(message);
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
