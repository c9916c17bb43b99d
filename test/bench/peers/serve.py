"""The process of a peer written in Python: JSON lines in and out, as worker.mjs does it for JavaScript.

serve(version, workloads): workloads[W](parameters) returns step(), which makes one step and returns its loss, or None.
"""
import json
import sys
import time

import numpy as np

SIZES = [784] + [50] * 20 + [10]


def read_task(path):
    """Layers [(weight [nIn, nOut], bias)], and x [256, 784], from the file of w2.mjs."""
    values = np.fromfile(path, dtype="<f4")
    at = 0
    layers = []
    for n_in, n_out in zip(SIZES, SIZES[1:]):
        weight = values[at : at + n_in * n_out].reshape(n_in, n_out)
        at += n_in * n_out
        layers.append((weight, values[at : at + n_out]))
        at += n_out
    return layers, values[at:].reshape(256, 784)


def fixed_values(count, scale=1.0):
    i = np.arange(1, count + 1, dtype=np.int64)
    return ((((i * 40503) % 65536) / 32768 - 1) * scale).astype(np.float32)


def noise_std(t):
    return (0.01 / (1 + t) ** 0.55) ** 0.5


def serve(version, workloads):
    def say(answer):
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()

    if sys.argv[2:] == ["--cold"]:
        say({"loss": workloads["W2"]({"batch": 32, "kind": "full"})()})
        return
    programs = {}
    say({"version": version})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            op, program = request["op"], request.get("id")
            if op == "open":
                make = workloads.get(request["workload"])
                step = make and make(request["parameters"])
                if step is None:
                    say({"missing": True})
                    continue
                programs[program] = step
                first = step()
                say({"first": first if isinstance(first, float) else None})
            elif op == "time":
                step = programs[program]
                start = time.perf_counter()
                for _ in range(request["count"]):
                    step()
                say({"us": (time.perf_counter() - start) * 1e6 / request["count"]})
            elif op == "close":
                programs.pop(program, None)
                say({})
        except Exception as error:  # the parent prints it and goes on without this case
            say({"error": repr(error)})
