"""LSTM, GRU and simple RNN as PyTorch computes them in float64: outputs, last states and the gradients of every input.

Writes the golden that test/golden/recurrent.test.ts pins:
    python3 test/golden/recurrent.py > test/golden/recurrent.json && npx biome format --write test/golden/recurrent.json

Weights as PyTorch has them: [gates * hidden, nIn], gates i f g o and r z n, two biases. The loss is the sum of all outputs
and last states, each times a fixed weight.
"""

import json

import torch

TIME, BATCH, N_IN, HIDDEN = 5, 3, 4, 6
generator = torch.Generator().manual_seed(1)


def draw(*shape, scale=1.0):
    # five decimals, so that the file holds them exactly
    return (torch.randn(*shape, generator=generator, dtype=torch.float64) * scale).mul(1e5).round().div(1e5)


def values(t):
    return {"shape": list(t.shape), "data": [round(v, 9) for v in t.detach().flatten().tolist()]}


def case(kind, module, states):
    module = module(N_IN, HIDDEN).double()
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(draw(*p.shape, scale=0.5))
    x = draw(TIME, BATCH, N_IN).requires_grad_()
    initial = [draw(1, BATCH, HIDDEN).requires_grad_() for _ in range(states)]
    outputs, last = module(x, tuple(initial) if states == 2 else initial[0])
    results = [outputs, *([last] if states == 1 else last)]
    upstream = [draw(*r.shape) for r in results]
    sum((r * u).sum() for r, u in zip(results, upstream)).backward()
    weights = dict(module.named_parameters())
    return {
        "kind": kind,
        "x": values(x),
        "initial": [values(s[0]) for s in initial],
        "weights": {name: values(p) for name, p in weights.items()},
        "results": [values(results[0]), *(values(r[0]) for r in results[1:])],
        "upstream": [values(upstream[0]), *(values(u[0]) for u in upstream[1:])],
        "gradients": {
            "x": values(x.grad),
            "initial": [values(s.grad[0]) for s in initial],
            **{name: values(p.grad) for name, p in weights.items()},
        },
    }


cases = [case("lstm", torch.nn.LSTM, 2), case("gru", torch.nn.GRU, 1), case("simpleRnn", torch.nn.RNN, 1)]
print(json.dumps({"source": f"PyTorch {torch.__version__}, float64", "cases": cases}))
