"""The text that numpy gives arrays: (numpy 2.4)

python3 test/golden/print.py > test/golden/print.json && npx biome format --write test/golden/print.json
"""

import json

import numpy as np

rng = np.random.default_rng(1)
f = np.float32
cases = {}


def case(name, array):
    array = np.asarray(array)
    assert array.dtype in (np.float32, np.int32), name
    bits = array.reshape(-1).view("<u4")
    cases[name] = {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "hex": "".join(f"{b:08x}" for b in bits) if array.size <= 64 else "ramp",
        "text": np.array2string(array, separator=", "),
    }


def ramp(*shape):
    """Too long to list; the test computes it as well."""
    return ((np.arange(np.prod(shape)) * 37 % 1001 - 500) / 8).astype(f).reshape(shape)


case("scalar", f(0.1))
case("negative zero", f(-0.0))
case("scalar nan", f(np.nan))
case("whole numbers", f([[1, -2, 3], [4, 5, -60]]))
case("mixed lengths", f([[1, 0.5, 0.25], [100, -0.125, 3]]))
case("one third", f([1 / 3, 2 / 3, 1]))
case("small beside large", f([1000.5, 0.001, 2]))
case("tiny", f([1e-5, 2e-5]))
case("denormals", f([1e-45, -3e-39, 0]))
case("huge", f([1e8, -3.4e38, 0]))
case("just below the switch", f([99999992, 1e5]))
case("just above 0.0001", f([0.0001, 0.00011, 0.05]))
case("a tie at the last digit", f([2.0**-9, 3 * 2.0**-9, 5 * 2.0**-9, 2.0**-10]))
case("a tie before an exponent", f([1 + 2.0**-9, 1.2345678e-7, 3 + 2.0**-9, 0]))
case("no digits before an exponent", f([1e10, -2e20]))
case("digits that carry", f([0.01, 0.0001, 1.0000001e-05, 1000]))
case("zeros", np.zeros((2, 3), f))
case("specials", f([[1.5, np.nan], [np.inf, -np.inf]]))
case("specials alone", f([np.nan, np.inf]))
case("specials and minus infinity alone", f([np.nan, -np.inf]))
case("specials beside whole numbers", f([np.nan, 1, 2]))
case("specials beside exponents", f([np.nan, 1e10, -np.inf, 1e-3]))
case("empty", np.zeros((0,), f))
case("empty with axes", np.zeros((2, 0, 3), f))
case("a column", f([[0.5], [-1.25]]))
case("three axes", np.arange(24, dtype=f).reshape(2, 3, 4) / f(8))
case("four axes", np.arange(16, dtype=f).reshape(2, 2, 2, 2))
case("a long row", rng.standard_normal(40).astype(f))
case("rows that wrap", rng.standard_normal((3, 17)).astype(f))
case("a thousand", ramp(1000))
case("over a thousand", ramp(1001))
case("a large matrix", ramp(40, 50))
case("a tall matrix", ramp(600, 2))
case("a large block", ramp(8, 7, 30))
case("a narrow block", ramp(300, 2, 2))
case("eight axes", ramp(2, 2, 2, 2, 2, 2, 2, 2))
case("int32", np.int32([[1, -20], [300, 4]]))
case("int32 extremes", np.int32([2147483647, -2147483648, 0]))
case("int32 scalar", np.int32(-7))
case("int32 long", ramp(2030).astype(np.int32))
case("int32 wraps", np.arange(60, dtype=np.int32) * 1001)
for i in range(20):
    bits = rng.integers(0, 2**32, 7, dtype=np.uint64).astype("<u4")
    case(f"random bits {i}", bits.view("<f4"))
for i in range(20):
    scale = f(10.0 ** rng.integers(-4, 8))
    case(f"random values {i}", (rng.standard_normal((2, 5)).astype(f) * scale).round(rng.integers(0, 6)))

print("{\n" + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in cases.items()) + "\n}")
