"""Valid rows and rows that are no irises, told apart by their names."""

from locust import FastHttpUser, constant_throughput, task

URL = "/v1/models/iris:predict"


class Florist(FastHttpUser):
    wait_time = constant_throughput(20)

    @task(4)
    def valid(self):
        self.client.post(URL, json={"instances": [[5.1, 3.5, 1.4, 0.2]]}, name="valid")

    @task(1)
    def invalid(self):
        body = {"instances": [[5.1, 3.5]]}
        with self.client.post(URL, json=body, name="invalid", catch_response=True) as answer:
            if answer.status_code == 400:
                answer.success()
            else:
                answer.failure(f"not refused: {answer.status_code}")
