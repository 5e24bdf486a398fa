"""make.py FOLDER: the model files here, and what numpy says their hashes are.

Needs numpy, safetensors, onnx, scikit-learn, skops and joblib. Run twice, in two processes, for the pairs -a and -b: skops
and ONNX write addresses, times and names of their own into a file, so the two differ though the models are equal.
"""

import hashlib
import json
import os
import pickle
import sys

import joblib
import numpy as np
import skops.io
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

folder, pair = sys.argv[1], sys.argv[2]
random = np.random.default_rng(7)
tensors = {
    "bias": random.normal(size=3),
    "embed.weight": random.normal(size=(4, 3)).astype(np.float32),
    "steps": np.arange(6, dtype=np.int64).reshape(2, 3),
    "mask": np.array([True, False, True]),
    "scale": np.array(0.5, dtype=np.float16),
}
weight = tensors["embed.weight"]


def lines(named):
    def one(name):
        array = named[name]
        shape = ",".join(map(str, array.shape))
        return f"{name}\t{array.dtype.name}\t{shape}\t{hashlib.sha256(array.tobytes()).hexdigest()}\n"

    return "".join(one(name) for name in sorted(named))


np.savez(f"{folder}/weights.npz", **tensors)
np.savez_compressed(f"{folder}/compressed.npz", **tensors)
save_file(tensors, f"{folder}/weights.safetensors", metadata={"format": "np"})
np.save(f"{folder}/one.npy", weight)
np.save(f"{folder}/fortran.npy", np.asfortranarray(weight))
np.save(f"{folder}/big-endian.npy", weight.astype(">f4"))
np.save(f"{folder}/objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
with open(f"{folder}/numpy.json", "w") as f:
    whole = {"weights": tensors, "one": {"array": weight}}
    json.dump({name: {"lines": lines(t), "sha256": hashlib.sha256(lines(t).encode()).hexdigest()}
               for name, t in whole.items()}, f, indent=1)

x = random.normal(size=(60, 3))
y = (x[:, 0] + x[:, 1] > 0).astype(int)
linear = LogisticRegression().fit(x, y)
forest = RandomForestClassifier(n_estimators=2, max_depth=1, random_state=1).fit(x, y)
skops.io.dump(linear, f"{folder}/linear-{pair}.skops")
skops.io.dump(forest, f"{folder}/forest-{pair}.skops")
with open(f"{folder}/linear.pkl", "wb") as f:
    pickle.dump(linear, f)
joblib.dump(linear, f"{folder}/linear.joblib", compress=3)

chance = os.urandom(4).hex()
graph = helper.make_graph(
    [
        helper.make_node("MatMul", ["x", "w"], [f"mid-{chance}"]),
        helper.make_node("Scaler", [f"mid-{chance}"], ["y"], domain="ai.onnx.ml", scale=[1.5, 2.5, 3.5]),
    ],
    f"graph-{chance}",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
    [
        numpy_helper.from_array(weight, "w"),
        helper.make_tensor("b", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0]),
        helper.make_tensor("i", TensorProto.INT8, [2], [-1, 5]),
    ],
)
with open(f"{folder}/graph-{pair}.onnx", "wb") as f:
    f.write(helper.make_model(graph, producer_version=chance).SerializeToString())
