// Every public name is documented: a sentence each; for functions what they throw and an example, which is run; for what
// computes with tensors the shapes.
import { transformSync } from "esbuild";
import { describe, expect, it } from "vitest";
import * as library from "../../src/index.js";
import * as node from "../../src/node/index.js";
import * as onnx from "../../src/onnx/index.js";
import * as paper from "../../src/paper.js";
import { type PublicName, publicNames } from "./public-names.js";

const names = publicNames();
const functions = names.filter(({ kind }) => kind === "function");
const shaped = new Set(["ops", "nn", "autodiff"]);

const missing = (list: readonly PublicName[], mark: RegExp): string[] =>
  list.filter(({ doc }) => !mark.test(doc)).map(({ name }) => name);

/** The examples of a docstring: a fenced block, or code in backticks after "Example:", and after semicolons more of it. */
function examplesOf(doc: string): string[] {
  const block = /```ts\n([\s\S]*?)```/.exec(doc)?.[1];
  if (block !== undefined) return [block];
  const all = /Example:?\s*(`[^`]+`(?:;[^`]*`[^`]+`)*)/.exec(doc)?.[1] ?? "";
  return [...all.matchAll(/`([^`]+)`/g)].map((match) => match[1]);
}

const x = library.tensor([
  [1, -2, 3],
  [4, 5, -6],
]);
const params = { weight: library.random.normal(library.random.key(2), [3, 3]), bias: library.zeros([3]) };
const labels = library.tensor([0, 1], { dtype: "int32" });
const optimizer = library.optim.sgd(0.1);

/** What an example may use without making it: every public name, and a few small things of the names that users give them. */
const given: { readonly [name: string]: unknown } = {
  ...library,
  ...paper,
  ...node,
  ...onnx,
  x,
  y: library.tensor([
    [0.5, 1, -1],
    [2, 0, 1],
  ]),
  w: library.tensor([
    [1, 2],
    [3, 4],
    [5, 6],
  ]),
  ...params,
  params,
  labels,
  indices: labels,
  logits: x,
  key: library.random.key(1),
  context: { step: 0, key: library.random.key(1), training: true, state: undefined },
  optimizer,
  batch: { x, y: labels },
  bytes: library.save(params),
  trainer: library.createTrainer({
    params,
    loss: (p, batch: { x: library.Tensor; y: library.Tensor }) =>
      library.softmaxCrossEntropy(library.linear(batch.x, p.weight, p.bias), batch.y),
    predict: (p, input: library.Tensor) => library.linear(input, p.weight, p.bias),
    optimizer,
  }),
};

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;

/** Runs an example of `name`; those of optim and data may write their neighbours without the namespace, as the README does. */
async function execute(name: string, code: string): Promise<void> {
  const space = name.split(".")[0];
  const all = { ...given, ...(space === "optim" || space === "data" ? (given[space] as object) : {}) };
  const body = transformSync(code, { loader: "ts" }).code.replace(/^import .*$/gm, "");
  await new AsyncFunction(...Object.keys(all), `{ ${body} }`)(...Object.values(all));
}

describe("every public name", () => {
  it("has a docstring", () => {
    expect(missing(names, /\S/), "public, but without a docstring above its export").toEqual([]);
  });

  it("that is a function says what it throws", () => {
    expect(missing(functions, /\bThrows\b/), "its docstring does not say what it throws").toEqual([]);
  });

  it("that computes with tensors gives shapes", () => {
    expect(
      missing(
        functions.filter(({ folder }) => shaped.has(folder)),
        /\bShapes?:/,
      ),
    ).toEqual([]);
  });

  it("that is a function has an example", () => {
    expect(functions.filter(({ doc }) => examplesOf(doc).length === 0).map(({ name }) => name)).toEqual([]);
  });
});

// what reads a page or a folder, or writes a file, is only parsed
const outside = /\bfetch\(|FromFolder\(|writeFile/;

describe("the example of", () => {
  it.each(functions.flatMap(({ name, doc }) => examplesOf(doc).map((code) => [name, code])))(
    "%s runs: %s",
    async (name, code) => {
      if (outside.test(code)) transformSync(`async () => { ${code}\n}`, { loader: "ts" });
      else await execute(name, code);
    },
  );
});
