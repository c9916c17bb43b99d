// Reinforcement learning at batch 1: an actor and a critic learn to balance a pole on a cart, one update per time step.
//
//   npm run example:actor-critic             (or: node test/examples/actor-critic.mjs --episodes 100 --seed 2)
//
// Actor and critic are one tree of parameters under one loss, each with an optimizer of its own: `optim.partition`.
// Prints, for every 50 episodes, how many time steps the pole stayed up on average; an episode ends at 500. It learns
// within some hundred episodes, with falls on the way; how soon depends on the seed.
import { parseArgs } from "node:util";
import { createTrainer, logSoftmax, nn, optim, random, scalar, softmax, stopGradient, tanh, tensor } from "gradnoise";

const { values } = parseArgs({
  options: { episodes: { type: "string", default: "400" }, seed: { type: "string", default: "1" } },
});
const [episodes, seed] = [Number(values.episodes), Number(values.seed)];
const limit = 500; // time steps
const discount = 0.99;

/**
 * The state of cart and pole a fiftieth of a second later. Source: Barto, Sutton & Anderson 1983, as Gymnasium's CartPole.
 * Only + - * / and the library's own sine and cosine: the same on every machine.
 */
function push([x, speed, angle, turning], right) {
  const [sin, cos] = [scalar.sin(angle), scalar.cos(angle)];
  const force = ((right ? 10 : -10) + 0.05 * turning * turning * sin) / 1.1;
  const turn = (9.8 * sin - cos * force) / (0.5 * (4 / 3 - (0.1 * cos * cos) / 1.1));
  const push = force - (0.05 * turn * cos) / 1.1;
  return [x + 0.02 * speed, speed + 0.02 * push, angle + 0.02 * turning, turning + 0.02 * turn];
}
const fallen = ([x, , angle]) => Math.abs(x) > 2.4 || Math.abs(angle) > Math.PI / 15;
const observe = ([x, speed, angle, turning]) => tensor([[x / 2.4, speed / 2, angle * 5, turning / 2]]); // about -1..1

const actor = nn.mlp([4, 64, 2], { activation: tanh });
const critic = nn.mlp([4, 64, 1], { activation: tanh });
const [drawKey, actorKey, criticKey] = random.split(random.key(seed), 3);

// SGD and no Adam: where gradients are nearly 0 Adam still makes steps of full size, and a good actor soon unlearns.
const stepOf = (rate) => optim.chain(optim.clipByGlobalNorm(1), optim.sgd(rate));

const trainer = createTrainer({
  params: { actor: actor.init(actorKey), critic: critic.init(criticKey) },
  optimizer: optim.partition({ "actor.**": stepOf(0.03), "critic.**": stepOf(0.1) }),
  predict: (params, state) => softmax(actor.apply(params.actor, state)),
  loss(params, { state, action, next, reward, over }) {
    // The critic's value of a state is the discounted reward to come; what it did not expect drives both.
    const value = critic.apply(params.critic, state).reshape([]);
    const later = over ? 0 : critic.apply(params.critic, next).reshape([]).mul(discount);
    const surprise = stopGradient(value.neg().add(later).add(reward));
    const criticLoss = value.sub(stopGradient(value).add(surprise));
    const logits = logSoftmax(actor.apply(params.actor, state));
    const actorLoss = logits.slice([0, action], [1, 1]).reshape([]).mul(surprise).neg();
    const entropy = softmax(logits).mul(logits).sum().neg(); // a little of it keeps the actor trying
    return criticLoss.mul(criticLoss).add(actorLoss).sub(entropy.mul(0.003));
  },
});

let total = 0;
for (let episode = 1; episode <= episodes; episode++) {
  const draws = random.uniform(random.foldIn(drawKey, episode), [limit + 4]).data;
  let state = Array.from(draws.subarray(limit), (draw) => 0.1 * draw - 0.05);
  let time = 0;
  for (let over = false; !over && time < limit; time++) {
    const before = observe(state);
    const action = draws[time] < trainer.predict(before).data[1] ? 1 : 0;
    state = push(state, action === 1);
    over = fallen(state);
    trainer.step({ state: before, action, next: observe(state), reward: over ? -1 : 0, over });
  }
  total += time;
  if (episode % 50 > 0 && episode < episodes) continue;
  console.log(`episode ${episode}  the pole stayed up for ${(total / (((episode - 1) % 50) + 1)).toFixed(1)} steps`);
  total = 0;
}
