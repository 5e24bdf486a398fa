"""A small model server with KServe's V1 and V2 answers, for an InferenceService with a container of its own. Each request costs
CPU_MS of honest work, so that an autoscaler has something to see. It finishes what is under way before it ends.
"""

import json
import os
import signal
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CPU_SECONDS = float(os.environ.get("CPU_MS", "1")) / 1000
READY = {
    "/v1/models/iris": {"name": "iris", "ready": True},
    "/v2/health/live": {"live": True},
    "/v2/health/ready": {"ready": True},
    "/v2/models/iris/ready": {"name": "iris", "ready": True},
}


def classify(row):
    return 0 if row[2] < 2.5 else 1 if row[3] < 1.7 else 2


class Iris(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        known = READY.get(self.path)
        self.answer(200 if known else 404, known or {"error": "no such path or model"})

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path not in ("/v1/models/iris:predict", "/v2/models/iris/infer"):
            return self.answer(404, {"error": "no such path or model"})
        try:
            body, v2 = json.loads(raw), self.path.startswith("/v2")
            if v2:
                (tensor,) = body["inputs"]
                (count, width), flat = tensor["shape"], tensor["data"]
                rows = [flat[i * width:(i + 1) * width] for i in range(count)]
                if len(flat) != count * width:
                    raise ValueError("shape and data disagree")
            else:
                rows = body["instances"]
            if not rows or any(len(r) != 4 or any(type(x) not in (int, float) for x in r) for r in rows):
                raise ValueError("expected rows of 4 numbers")
        except (ValueError, KeyError, TypeError) as error:
            return self.answer(400, {"error": f"{type(error).__name__}: {error}"})
        end = time.thread_time() + CPU_SECONDS
        while time.thread_time() < end:
            pass
        classes = [classify(row) for row in rows]
        if v2:
            return self.answer(200, {"model_name": "iris", "outputs": [
                {"name": "class", "datatype": "INT64", "shape": [len(classes)], "data": classes}]})
        return self.answer(200, {"predictions": classes})

    def answer(self, code, body):
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def stop(*_):
    time.sleep(1)
    os._exit(0)


signal.signal(signal.SIGTERM, stop)
print("serving", flush=True)
ThreadingHTTPServer(("", 8080), Iris).serve_forever()
