#!/usr/bin/env python3
"""serve.py --port N [--model NAME]...: the real KServe model server with a small classifier of irises, on loopback unless
--address says otherwise, as in a pod.

It speaks V1 and V2, explains (V1), and refuses what is no iris: a row is four numbers. Variables change it:

    LAB_FAULT       breaks it, so that specs have something to notice: one of FAULTS below
    LAB_SERVICE_MS  every request takes this long, one after another: a model bound by something it waits for, which does as
                    many of them on a busy machine as on an idle one
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import sys
import time

FAULTS = {
    "slow": "every tenth request takes 300 ms longer",
    "stall": "at every fiftieth request the whole server stands still for 2 s",
    "garbage": "rows that are no irises are answered too",
    "failing": "every fiftieth request for an iris is answered with an error (500)",
    "wrong": "the predictions of two kinds are exchanged",
}
COLUMNS = 4


def main() -> None:
    parser = argparse.ArgumentParser(prog="serve.py")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", action="append", help="its name; iris without it. Several are several models")
    parser.add_argument("--address", default="127.0.0.1", help="what it listens on")
    own = parser.parse_args()
    fault = os.environ.get("LAB_FAULT", "")
    if fault and fault not in FAULTS:
        sys.exit(f"serve.py: LAB_FAULT={fault} is unknown; it can be {', '.join(FAULTS)}")
    try:
        service = float(os.environ.get("LAB_SERVICE_MS", "0")) / 1000
    except ValueError:
        sys.exit("serve.py: LAB_SERVICE_MS is no number")
    # The server has options of its own and would read ours.
    sys.argv = [sys.argv[0], "--http_port", str(own.port), "--workers", "1", "--enable_grpc", "false"]
    listen_on(own.address)
    serve(own.model or ["iris"], fault, service)


def serve(names: list[str], fault: str, service: float) -> None:
    import numpy as np
    from kserve import InferRequest, Model, ModelServer
    from kserve.errors import InferenceError, InvalidInput
    from kserve.utils.utils import get_predict_response
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    rows, kinds = load_iris(return_X_y=True)
    classifier = LogisticRegression(max_iter=1000).fit(rows, kinds)
    # When what the models wait for is free again. One process is one worker: models in it take turns.
    free = 0.0
    counter = itertools.count(1)

    async def turn() -> None:
        """Waits for it. Whoever wakes up late on a busy machine does not make the next one late."""
        nonlocal free
        now = asyncio.get_running_loop().time()
        free = max(free, now) + service
        await asyncio.sleep(free - now)

    def refused(why: str) -> InvalidInput:
        return InvalidInput(f"a row is {COLUMNS} numbers: {why}")

    def features(payload) -> np.ndarray:
        """The rows of a request, or InvalidInput, which the server answers with 400."""
        try:
            if isinstance(payload, InferRequest):
                found = payload.inputs[0].as_numpy().astype(float)
            else:
                found = np.array(payload["instances"], dtype=float)
        except Exception as e:  # whatever a stranger sends
            raise refused(str(e)) from e
        if found.ndim != 2 or found.shape[1] != COLUMNS:
            raise refused(f"the shape is {list(found.shape)}")
        if not np.isfinite(found).all():
            raise refused("one is missing or not finite")
        return found

    class Iris(Model):
        def load(self) -> bool:
            self.ready = True
            return self.ready

        def get_input_types(self) -> list[dict]:
            return [{"name": "input-0", "datatype": "FP64", "shape": [-1, COLUMNS]}]

        def get_output_types(self) -> list[dict]:
            return [{"name": "output-0", "datatype": "INT64", "shape": [-1]}]

        async def predict(self, payload, headers=None, response_headers=None):
            try:
                asked = features(payload)
            except InvalidInput:
                if fault != "garbage":
                    raise
                asked = np.zeros((1, COLUMNS))
            number = next(counter)
            if service:
                await turn()
            if fault == "slow" and number % 10 == 0:
                await asyncio.sleep(0.3)
            if fault == "stall" and number % 50 == 0:
                time.sleep(2)  # no await: nothing else is served meanwhile
            if fault == "failing" and number % 50 == 0:
                raise InferenceError("an injected failure")
            found = classifier.predict(asked)
            if fault == "wrong":
                found = np.array([1, 0, 2])[found]
            return get_predict_response(payload, found, self.name)

        async def explain(self, payload, headers=None):
            """How much each column speaks for the kind that is predicted: coefficient times distance from the mean."""
            asked = features(payload)
            weights = classifier.coef_[classifier.predict(asked)]
            return {"explanations": (weights * (asked - rows.mean(axis=0))).tolist()}

    models = [Iris(name) for name in names]
    for model in models:
        model.load()
    ModelServer().start(models)


def listen_on(address: str) -> None:
    """KServe binds every interface and has no option against it; a lab is nobody else's business."""
    import uvicorn

    original = uvicorn.Config.__init__

    def init(self, *args, **kwargs):
        kwargs["host"] = address
        original(self, *args, **kwargs)

    uvicorn.Config.__init__ = init


if __name__ == "__main__":
    main()
