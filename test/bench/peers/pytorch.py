"""PyTorch, one thread, as a user writes it."""
import sys

import torch
from serve import fixed_values, noise_std, read_task, serve

torch.set_num_threads(1)
torch.manual_seed(1)
layers, images = read_task(sys.argv[1])


def matmul(p):
    m, k, n = p["m"], p["k"], p["n"]
    a = torch.from_numpy(fixed_values(m * k))
    b = torch.from_numpy(fixed_values(k * n))
    a = a.reshape(k, m).t() if p["form"] == "TN" else a.reshape(m, k)
    b = b.reshape(n, k).t() if p["form"] == "NT" else b.reshape(k, n)
    out = torch.empty(m, n)

    def step():
        torch.mm(a, b, out=out)

    return step


def mlp(p):
    modules = []
    for i, (weight, bias) in enumerate(layers):
        linear = torch.nn.Linear(*weight.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T.copy()))
            linear.bias.copy_(torch.from_numpy(bias.copy()))
        modules += [linear, torch.nn.ReLU()] if i < 20 else [linear]
    model = torch.nn.Sequential(*modules)
    x = torch.from_numpy(images[: p["batch"]].copy())
    y = torch.arange(p["batch"]) % 10
    return trainer(model.parameters(), lambda: torch.nn.functional.cross_entropy(model(x), y), p["kind"] == "full")


def trainer(parameters, loss_of, full=False):
    parameters = list(parameters)
    optimizer = torch.optim.SGD(parameters, lr=0.01)
    t = 0

    def step():
        nonlocal t
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        if full:
            torch.nn.utils.clip_grad_norm_(parameters, 10.0)
            std = noise_std(t)
            with torch.no_grad():
                for q in parameters:
                    q.grad.add_(torch.randn_like(q), alpha=std)
        optimizer.step()
        t += 1
        return loss.item()

    return step


def normals(p):
    out = torch.empty(p["count"])

    def step():
        out.normal_()

    return step


def elementwise(p):
    x = torch.from_numpy(fixed_values(1_000_000, 4.0)).reshape(1000, 1000)
    out = torch.empty_like(x)
    return {
        "relu": lambda: torch.clamp_min(x, 0, out=out),
        "add": lambda: torch.add(x, x, out=out),
        "exp": lambda: torch.exp(x, out=out),
        "tanh": lambda: torch.tanh(x, out=out),
        "softmax": lambda: torch._softmax(x, 1, False, out=out),
    }[p["name"]]


def lstm(p):
    cell = torch.nn.LSTM(32, 128, batch_first=True)
    dense = torch.nn.Linear(128, 10)
    # weights of the fixed values that the other peers take: input [32, 512], hidden [128, 512], dense [128, 10]
    with torch.no_grad():
        cell.weight_ih_l0.copy_(torch.from_numpy(fixed_values(32 * 512, 0.1).reshape(32, 512).T.copy()))
        cell.weight_hh_l0.copy_(torch.from_numpy(fixed_values(128 * 512, 0.1).reshape(128, 512).T.copy()))
        dense.weight.copy_(torch.from_numpy(fixed_values(128 * 10, 0.1).reshape(128, 10).T.copy()))
        for bias in (cell.bias_ih_l0, cell.bias_hh_l0, dense.bias):
            bias.zero_()
    x = torch.from_numpy(fixed_values(32 * 50 * 32)).reshape(32, 50, 32)
    y = torch.arange(32) % 10
    parameters = [*cell.parameters(), *dense.parameters()]
    return trainer(parameters, lambda: torch.nn.functional.cross_entropy(dense(cell(x)[0][:, -1]), y))


def convolution(p):
    if p["name"] == "cnn":
        nn = torch.nn
        model = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(784, 10),
        )  # fmt: skip
        x = torch.from_numpy(images[:32].copy()).reshape(32, 1, 28, 28)
        y = torch.arange(32) % 10
        return trainer(model.parameters(), lambda: nn.functional.cross_entropy(model(x), y))
    gates = [torch.nn.Conv2d(24, 24, 3, padding=1) for _ in range(3)]
    s0 = torch.from_numpy(fixed_values(32 * 24 * 20 * 4)).reshape(32, 24, 20, 4)

    def loss():
        s = s0
        for _ in range(20):
            u = torch.sigmoid(gates[0](s))
            r = torch.sigmoid(gates[1](s))
            s = u * s + (1 - u) * torch.tanh(gates[2](r * s))
        return (s * s).mean()

    return trainer([q for gate in gates for q in gate.parameters()], loss)


serve(
    torch.__version__,
    {"W1": matmul, "W2": mlp, "W3": normals, "W4": lstm, "W5": convolution, "W7": elementwise},
)
