// Strict TypeScript as a stranger writes it: the README's programs compile as they stand, and a slip is named at once.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bundler, complaints, node } from "./consumer.js";

const text = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const programs = [...text.matchAll(/```(?:js|ts)\n([\s\S]*?)```/g)].map((match) => match[1]);

describe("the README's programs", () => {
  it.each([
    ["a bundler", bundler],
    ["Node", node],
  ])("compile as they stand where %s finds the package", (_, resolution) => {
    expect(programs.length).toBeGreaterThanOrEqual(3);
    expect(complaints(programs, resolution)).toEqual(programs.map(() => []));
  });
});

const head = `
  import { createTrainer, data, grad, nn, optim, random, tensor, type Tensor, type Trainer } from "gradnoise";
  const { train } = data.digits({ train: 100, test: 10 });
  const model = nn.mlp([784, 10]);
  const params = model.init(random.key(1));
  const optimizer = optim.sgd(0.1);
  const loss = (p: nn.MlpParams, { x, y }: typeof train.columns) => nn.softmaxCrossEntropy(model.apply(p, x), y);
`;

// what is written, and how the only complaint about it begins
const slips: [string, string][] = [
  [
    "createTrainer({ params, loss: (p, { x, y }) => nn.softmaxCrossEntropy(x.rehsape([1, 10]), y), optimizer })",
    "Property 'rehsape' does not exist on type 'Tensor'. Did you mean 'reshape'?",
  ],
  [
    "createTrainer({ params, loss: (p, { x }) => model.apply(p, x).sum(), optimiser: optimizer })",
    "Object literal may only specify known properties, but 'optimiser' does not exist in type",
  ],
  [
    "createTrainer({ params, loss, optimiser: optimizer })",
    "Object literal may only specify known properties, but 'optimiser' does not exist in type",
  ],
  [
    "createTrainer({ params, los: loss, optimizer })",
    "Object literal may only specify known properties, but 'los' does",
  ],
  [
    "createTrainer({ params, loss, optimizer, metric: () => ({}) })",
    "Object literal may only specify known properties, but 'metric' does not exist in type",
  ],
  [
    "createTrainer({ params, loss: (p, { x }) => x.matmul(p.layres[0].weight).sum(), optimizer })",
    "Property 'layres' does not exist on type 'MlpParams'. Did you mean 'layers'?",
  ],
  ["createTrainer({ params, loss, optimizer: optim.sgd })", "Type '(learningRate: Schedule, options?: SgdOptions"],
  [
    "createTrainer({ params, loss: async (p, { x }) => model.apply(p, x).sum(), optimizer })",
    "Type 'Promise<Tensor>' is not assignable to type 'LossResult<undefined>'",
  ],
  [
    "createTrainer({ params, loss, optimizer }).step({ x: tensor([1]) })",
    "Argument of type '{ x: Tensor; }' is not assignable to parameter of type '{ x: Tensor; y: Tensor; }'",
  ],
  [
    "createTrainer({ params, loss, optimizer }).setParams({ layers: [] as Tensor[] })",
    "Type 'Tensor[]' is not assignable to type",
  ],
  [
    "const trainer: Trainer<{ w: Tensor }> = createTrainer({ params, loss, optimizer })",
    "Type 'Trainer<MlpParams, { x: Tensor; y: Tensor; }, Tensor>' is not assignable to type",
  ],
  [
    "createTrainer({ params, loss, optimizer, predict: (p, x) => model.apply(p, x) }).predict([1, 2])",
    "Argument of type 'number[]' is not assignable to parameter of type 'Tensor'",
  ],
  ["grad((w) => w.summ())", "Property 'summ' does not exist on type 'Tensor'. Did you mean 'sum'?"],
  [
    "optim.sgd(0.1, { momentom: 0.9 })",
    "Object literal may only specify known properties, but 'momentom' does not exist in type 'SgdOptions'",
  ],
  ["new data.Dataset({})", "Constructor of class 'Dataset<C>' is private"],
];

describe("a slip in a strict program", () => {
  const found = complaints(slips.map(([program]) => head + program));
  it.each(slips.map(([program, message], i) => ({ program, message, i })))("is named: $program", ({ message, i }) => {
    expect(found[i].map((complaint) => complaint.slice(0, message.length))).toEqual([message]);
  });
});
