"""PyTorch's side of step.mjs: reads "batch kind count" lines, answers microseconds a step. One thread, as a user writes it."""
import sys
import time

import torch

torch.set_num_threads(1)
torch.manual_seed(1)


def make(batch, kind):
    layers = []
    sizes = [784] + [50] * 20 + [10]
    for i in range(21):
        linear = torch.nn.Linear(sizes[i], sizes[i + 1])
        torch.nn.init.kaiming_normal_(linear.weight)
        torch.nn.init.zeros_(linear.bias)
        layers += [linear, torch.nn.ReLU()] if i < 20 else [linear]
    model = torch.nn.Sequential(*layers)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    x = torch.rand(batch, 784)
    y = torch.arange(batch) % 10
    loss_function = torch.nn.CrossEntropyLoss()
    state = {"t": 0}

    def step():
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        if kind == "full":
            torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            std = (0.01 / (1 + state["t"]) ** 0.55) ** 0.5
            with torch.no_grad():
                for p in model.parameters():
                    p.grad.add_(torch.randn_like(p), alpha=std)
        optimizer.step()
        state["t"] += 1
        return loss.item()

    return step


cache = {}
for line in sys.stdin:
    batch, kind, count = line.split()
    if (batch, kind) not in cache:
        cache[batch, kind] = make(int(batch), kind)
    step = cache[batch, kind]
    start = time.perf_counter()
    for _ in range(int(count)):
        step()
    print((time.perf_counter() - start) * 1e6 / int(count), flush=True)
