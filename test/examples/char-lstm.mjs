// A character LSTM: it reads a short text again and again, learns which letter comes next, and then writes by itself.
//
//   npm run example:char-lstm                (or: node test/examples/char-lstm.mjs --steps 100 --temperature 1 --seed 2)
//
// Prints the loss in bits a letter, beside that of letters in any order, and at the end what the network writes when it is
// given the first letters: the text nearly word for word, as it is short enough to be learnt by heart.
import { parseArgs } from "node:util";
import { createTrainer, nn, oneHot, optim, random, scalar, softmax, tensor } from "gradnoise";

const text = [
  "a network that learns walks down a hill in the fog. it feels the slope under its feet and takes a step, and then",
  "another, and the hill it walks on is the error that it makes. where the ground is flat the slope says nothing, and",
  "the walker stands still. so we shake the ground a little. every step is pushed aside by chance, at first by much and",
  "then by less and less, and the walker leaves the flat place that held it. noise is no harm to one who learns: it is",
  "a way out. when the noise has faded the walker stands in a valley that is deep and wide, and what it has learned",
  "stays with it.",
].join(" ");

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "400" },
    seed: { type: "string", default: "1" },
    temperature: { type: "string", default: "0.5" }, // of the writing: 0.1 is sure of itself, 1 is bold
    letters: { type: "string", default: "300" },
  },
});
const [steps, seed, temperature, letters] = [values.steps, values.seed, values.temperature, values.letters].map(Number);

const alphabet = [...new Set(text)].sort();
const codes = Array.from(text, (letter) => alphabet.indexOf(letter));
const [length, count, hidden] = [50, 16, 96]; // letters a piece, pieces a batch, size of the memory

const memory = nn.lstm(alphabet.length, hidden);
const readout = nn.linear(hidden, alphabet.length);
const [memoryKey, readoutKey, placesKey, drawsKey] = random.split(random.key(seed), 4);

/** Letters [time, count] -> logits of the letter that follows each, [time, count, alphabet], and the state at the end. */
function follow(params, x, state) {
  const { outputs, state: next } = memory.run(params.memory, oneHot(x, alphabet.length), state);
  return { logits: readout.apply(params.readout, outputs), state: next };
}

/** `count` pieces of the text, letter by letter, and the same a letter later; time first. */
function pieces(step) {
  const places = random.uniform(random.foldIn(placesKey, step), [count]).data;
  const piece = (later) =>
    Array.from({ length }, (_, t) =>
      Array.from(places, (place) => codes[Math.floor(place * (text.length - length)) + t + later]),
    );
  return { x: tensor(piece(0), { dtype: "int32" }), y: tensor(piece(1), { dtype: "int32" }) };
}

const trainer = createTrainer({
  params: { memory: memory.init(memoryKey), readout: readout.init(readoutKey) },
  loss: (params, { x, y }) => nn.softmaxCrossEntropy(follow(params, x).logits, y),
  optimizer: optim.chain(optim.clipByGlobalNorm(1), optim.adam(optim.cosine(0.01, { steps }))),
});
const bits = (loss) => (loss / scalar.log(2)).toFixed(2);
console.log(
  `${text.length} letters, ${alphabet.length} different ones: ${bits(scalar.log(alphabet.length))} bits a letter by chance`,
);
for (let step = 1; step <= steps; step++) {
  const { loss } = trainer.step(pieces(step));
  if (step % 100 === 0) console.log(`step ${step}  ${bits(loss)} bits a letter`);
}

// Writing: the same layer one letter at a time, outside of the trainer; what is kept from letter to letter is plain data.
const { params } = trainer;
const letter = (code) => tensor([[code]], { dtype: "int32" });
const draws = random.uniform(drawsKey, [letters]).data;
let written = "the walker ";
let next = { state: memory.start(1) };
for (const sign of written) next = follow(params, letter(alphabet.indexOf(sign)), next.state);
for (let i = 0; i < letters; i++) {
  const chances = softmax(next.logits.div(temperature)).data;
  let code = 0;
  for (let sum = chances[0]; sum <= draws[i] && code < alphabet.length - 1; sum += chances[code]) code++;
  written += alphabet[code];
  next = follow(params, letter(code), next.state);
}
console.log(written);
