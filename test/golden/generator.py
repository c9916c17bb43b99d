"""Models the random generator, sigma_t and ten steps of plain training, from their descriptions and not from our code.

Pure Python (math, decimal, struct, json). Writes the goldens that test/golden/*.test.ts pin:
    python3 test/golden/generator.py > test/golden/generator.json && npx biome format --write test/golden/generator.json

Layout: a chunk is 1,024 values. Philox4x32-10 of the counter (chunk, lane, step, stream) and the key (seed) is the state
of lane 0..7 of xoshiro128++. Word i of a chunk is word i // 8 of lane i % 8. A block of 32 normals takes three words of
every lane: radius, radius, phases. Of eight values in a row the first four are cosines and the last four sines:
    values  0..7   lanes 0-3, first radius,  low half of the phases
    values  8..15  lanes 0-3, second radius, high half of the phases
    values 16..23  lanes 4-7, first radius,  low half of the phases
    values 24..31  lanes 4-7, second radius, high half of the phases
"""

import json
import math
import struct
import sys
from decimal import Decimal, getcontext

MASK = 0xFFFFFFFF
STREAM = {"init": 1, "data": 2, "dropout": 3, "noise": 4, "split": 5}


def philox(counter, key):
    """Salmon et al. 2011, Philox4x32-10."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & MASK, (p0 >> 32) ^ c3 ^ k1, p0 & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0, c1, c2, c3


def rotl(x, k):
    return ((x << k) | (x >> (32 - k))) & MASK


def xoshiro(state):
    """Blackman & Vigna 2019, xoshiro128++; yields words for ever."""
    s = list(state)
    while True:
        yield (rotl((s[0] + s[3]) & MASK, 7) + s[0]) & MASK
        t = (s[1] << 9) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 11)


def key_of(seed):
    return seed & MASK, seed >> 32


# What a key is derived for: a user's foldIn and initial weights, split, a step, a dropout of a context, a layer of a container
DOMAIN = {"fold": 0, "split": 1, "step": 2, "draw": 3, "layer": 4}


def derive(key, index, domain):
    return philox((index & MASK, index >> 32, DOMAIN[domain], STREAM["split"]), key)[:2]


def fold_in(key, index):
    return derive(key, index, "fold")


def chunk_words(key, step, stream, chunk, rounds=128):
    lanes = [xoshiro(philox((chunk, lane, step, stream), key)) for lane in range(8)]
    return [next(lanes[lane]) for _ in range(rounds) for lane in range(8)]


def words(key, step, stream, first, count):
    cache = {}
    out = []
    for i in range(first, first + count):
        chunk = i // 1024
        if chunk not in cache:
            cache[chunk] = chunk_words(key, step, stream, chunk)
        out.append(cache[chunk][i % 1024])
    return out


def permutation(key, count):
    """Durstenfeld 1964, over the words of step 1: those of step 0 make normal and uniform numbers."""
    order = list(range(count))
    draws = words(key, 1, STREAM["init"], 0, count)
    for i in range(count - 1, 0, -1):
        j = draws[i] * (i + 1) >> 32
        order[i], order[j] = order[j], order[i]
    return order


def kept(key, rate, count):
    """1 where dropout keeps an element."""
    return [int(w >= round(rate * 2**32)) for w in words(key, 0, STREAM["dropout"], 0, count)]


def f32(x):
    """Rounds to float32. One double operation on floats, rounded again, is the float operation (Figueroa 1995)."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


def bits(x):
    return "%08x" % struct.unpack("<I", struct.pack("<f", x))[0]


# The polynomials of assembly/random.ts, the only numbers taken from it: log2(m), cos(pi/2 x), sin(pi/2 x)
LOG2 = [-2.8003783226013184, 5.091709613800049, -3.5507915019989014, 1.6311477422714233, -0.41656333208084106,
        0.04487356171011925]
TWO_LN_2 = 1.3862797
COS = [0.9999933242797852, -1.2334845066070557, 0.2525802254676819, -0.019095735624432564]
SIN = [1.5707910060882568, -0.645892858505249, 0.0794343426823616, -0.004333095159381628]


def add(a, b):
    return f32(a + b)


def mul(a, b):
    return f32(a * b)


def radius(word):
    """(exact float32 arithmetic of the kernel, double arithmetic of the definition)"""
    u = add(f32(word >> 1), 0.5)
    m, e = math.frexp(u)
    m, e = 2 * m, e - 1
    m2 = mul(m, m)
    c = LOG2
    p = add(c[4], mul(c[5], m))
    p = add(add(c[2], mul(c[3], m)), mul(m2, p))
    p = add(add(c[0], mul(c[1], m)), mul(m2, p))
    minus_log = add(f32(31 - e), -p)
    r = f32(math.sqrt(mul(minus_log, f32(TWO_LN_2))))
    return r, math.sqrt(-2 * math.log(min(1.0, ((word >> 1) + 0.5) / 2**31)))


def pair(radius_word, phase16):
    """Two normals, exact and by definition: +-r (cos, sin)(pi/2 x), x symmetric about 0 in (-1, 1)."""
    r, true_r = radius(radius_word)
    if phase16 >> 15:
        r, true_r = -r, -true_r
    low = phase16 & 0x7FFF
    x = ((low - 0x8000 if low >= 0x4000 else low) + 0.5) / 2**14
    x2 = mul(x, x)
    x4 = mul(x2, x2)
    c = add(add(COS[0], mul(COS[1], x2)), mul(x4, add(COS[2], mul(COS[3], x2))))
    s = mul(x, add(add(SIN[0], mul(SIN[1], x2)), mul(x4, add(SIN[2], mul(SIN[3], x2)))))
    return (mul(r, c), true_r * math.cos(math.pi / 2 * x)), (mul(r, s), true_r * math.sin(math.pi / 2 * x))


def chunk_normals(key, step, stream, chunk):
    w = chunk_words(key, step, stream, chunk, 96)
    out = []
    for block in range(32):
        rounds = [w[24 * block + 8 * r : 24 * block + 8 * r + 8] for r in range(3)]
        for half in (0, 4):  # lanes 0-3, then 4-7
            for which in (0, 1):  # first radius with low phases, second with high
                pairs = [
                    pair(rounds[which][half + lane], (rounds[2][half + lane] >> (16 * which)) & 0xFFFF)
                    for lane in range(4)
                ]
                out += [p[0] for p in pairs] + [p[1] for p in pairs]
    return out


def normals(key, step, stream, first, count):
    """[(float32 of the kernel, double by definition)]"""
    cache = {}
    out = []
    for i in range(first, first + count):
        chunk = i // 1024
        if chunk not in cache:
            cache[chunk] = chunk_normals(key, step, stream, chunk)
        out.append(cache[chunk][i % 1024])
    return out


def sigma(eta, gamma, t):
    """sqrt(eta / (1 + t)^gamma) of the doubles eta and gamma, to 50 digits, then rounded to float32."""
    getcontext().prec = 50
    value = (Decimal(eta) / Decimal(1 + t) ** Decimal(gamma)).sqrt()
    return f32(float(value))


# Ten steps of the plain part of test/golden/training.test.ts in double precision: clip 1, SGD 0.2, no noise.
SIZES = [6, 8, 8, 3]
EXAMPLES, BATCH, STEPS, CLIP, RATE = 40, 8, 10, 1.0, 0.2


def training_losses():
    x = [v for v, _ in normals(key_of(7), 0, STREAM["init"], 0, EXAMPLES * 6)]
    y = [int((w >> 8) / 2**24 * 3) for w in words(key_of(8), 0, STREAM["init"], 0, EXAMPLES)]
    weights, biases = [], []
    for i, (n_in, n_out) in enumerate(zip(SIZES, SIZES[1:])):
        draws = normals(fold_in(key_of(1), i), 0, STREAM["init"], 0, n_in * n_out)
        std = math.sqrt(2 / n_in)
        weights.append([[draws[r * n_out + c][0] * std for c in range(n_out)] for r in range(n_in)])
        biases.append([0.1] * n_out)
    losses = []
    for step in range(STEPS):
        start = (step * BATCH) % EXAMPLES
        grads_w = [[[0.0] * len(row) for row in w] for w in weights]
        grads_b = [[0.0] * len(b) for b in biases]
        loss = 0.0
        for n in range(start, start + BATCH):
            layers = [x[n * 6 : n * 6 + 6]]
            for i, (w, b) in enumerate(zip(weights, biases)):
                z = [b[c] + sum(layers[-1][r] * w[r][c] for r in range(len(w))) for c in range(len(b))]
                layers.append(z if i == 2 else [max(0.0, v) for v in z])
            top = max(layers[-1])
            exps = [math.exp(v - top) for v in layers[-1]]
            total = sum(exps)
            loss -= (layers[-1][y[n]] - top - math.log(total)) / BATCH
            delta = [(e / total - (c == y[n])) / BATCH for c, e in enumerate(exps)]
            for i in (2, 1, 0):
                for r, a in enumerate(layers[i]):
                    for c, d in enumerate(delta):
                        grads_w[i][r][c] += a * d
                for c, d in enumerate(delta):
                    grads_b[i][c] += d
                delta = [
                    sum(weights[i][r][c] * d for c, d in enumerate(delta)) * (layers[i][r] > 0)
                    for r in range(len(weights[i]))
                ]
        norm = math.sqrt(
            sum(v * v for w in grads_w for row in w for v in row) + sum(v * v for b in grads_b for v in b)
        )
        rate = RATE * min(1.0, CLIP / norm)
        for i in range(3):
            for r, row in enumerate(grads_w[i]):
                for c, g in enumerate(row):
                    weights[i][r][c] -= rate * g
            for c, g in enumerate(grads_b[i]):
                biases[i][c] -= rate * g
        losses.append(loss)
    return losses


DRAWS = [  # (seed, step, stream, first, count)
    (0, 0, 1, 0, 32),
    (1, 0, 4, 0, 40),
    (1, 1, 4, 0, 8),
    (2, 0, 4, 0, 8),
    (1, 0, 2, 0, 8),
    (1, 7, 4, 1000, 48),  # across a chunk's border
    (1, 7, 4, 1024, 8),
    (123456789012345, 100000, 4, 5, 1),
    (9007199254740991, 2147483648, 3, 3070, 5),
    (4294967296, 3, 4, 1048575, 2),
    (1, 0, 4, 2047, 1026),  # all of a chunk, and one value either side
]

golden = {"words": [], "normals": [], "sigma": [], "foldIn": [], "losses": training_losses()}
for seed, step, stream, first, count in DRAWS:
    name = {"seed": seed, "step": step, "stream": stream, "first": first, "count": count}
    w = words(key_of(seed), step, stream, first, count)
    n = normals(key_of(seed), step, stream, first, count)
    shown = list(range(count)) if count <= 48 else [0, 1, 2, 511, 512, 1023, 1024, 1025]
    total = 0
    for v in w:
        total = (total * 31 + v) & MASK
    golden["words"].append({**name, "at": shown, "hex": " ".join("%08x" % w[i] for i in shown), "hash": total})
    total = 0
    for v, _ in n:
        total = (total * 31 + int(bits(v), 16)) & MASK
    golden["normals"].append(
        {
            **name,
            "at": shown,
            "hex": " ".join(bits(n[i][0]) for i in shown),
            "true": [round(n[i][1], 9) for i in shown],
            "hash": total,
        }
    )
for eta in (0.01, 0.03, 0.3, 1.0):
    times = [0, 1, 2, 10, 100, 1000, 10000, 100000]
    golden["sigma"].append({"eta": eta, "gamma": 0.55, "t": times, "hex": [bits(sigma(eta, 0.55, t)) for t in times]})
for seed, index in ((0, 0), (1, 0), (1, 1), (1, 4294967296), (9007199254740991, 12)):
    low, high = fold_in(key_of(seed), index)
    golden["foldIn"].append({"seed": seed, "index": index, "hex": "%08x %08x" % (low, high)})
golden["derive"] = []
for seed, index, domain in (
    (0, 0, "split"),
    (1, 0, "split"),
    (1, 1, "split"),
    (1, 0, "step"),
    (1, 4294967297, "step"),
    (9007199254740991, 12, "draw"),
    (1, 3, "layer"),
):
    low, high = derive(key_of(seed), index, domain)
    golden["derive"].append({"seed": seed, "index": index, "domain": domain, "hex": "%08x %08x" % (low, high)})
golden["permutation"] = {"seed": 3, "count": 1100, "order": permutation(key_of(3), 1100)}
# the key of step 7 of the trainer's seed 5: two dropouts of that context, and layer 2 of the container that asks third
at = derive(key_of(5), 7, "step")
inside = derive(derive(derive(at, 2, "draw"), 2, "layer"), 0, "draw")
golden["kept"] = {
    "seed": 5,
    "step": 7,
    "rate": 0.25,
    "masks": ["".join(map(str, kept(k, 0.25, 96))) for k in (derive(at, 0, "draw"), derive(at, 1, "draw"), inside)],
}
assert philox((0, 0, 0, 0), (0, 0)) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
json.dump(golden, sys.stdout, indent=1)
print()
