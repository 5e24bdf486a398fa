"""Users who mostly send irises and sometimes something else; the names of the requests tell them apart."""

import itertools

from locust import FastHttpUser, constant_throughput, task

URL = "/v2/models/iris/infer"


def body(shape, data, datatype="FP64"):
    return {"inputs": [{"name": "input-0", "shape": shape, "datatype": datatype, "data": data}]}


VALID = itertools.cycle([
    body([1, 4], [5.1, 3.5, 1.4, 0.2]),
    body([1, 4], [6.0, 2.9, 4.5, 1.5]),
    body([1, 4], [6.7, 3.0, 5.2, 2.3]),
])
INVALID = itertools.cycle([
    body([1, 3], [5.1, 3.5, 1.4]),
    body([1, 4], [5.1, 3.5, 1.4]),
    body([1, 4], ["a", "b", "c", "d"], "BYTES"),
    body([1, 4], [5.1, None, 1.4, 0.2]),
    {"inputs": []},
    {},
])


class Florist(FastHttpUser):
    wait_time = constant_throughput(10)

    @task(4)
    def valid(self):
        self.client.post(URL, json=next(VALID), name="valid")

    @task(1)
    def invalid(self):
        with self.client.post(URL, json=next(INVALID), name="invalid", catch_response=True) as answer:
            if 400 <= answer.status_code < 500:
                answer.success()
            else:
                answer.failure(f"not refused: {answer.status_code}")
