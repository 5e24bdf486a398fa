"""What the small servers of this folder share: JSON in, JSON out, on 127.0.0.1."""

import http.server
import json
from collections.abc import Callable


def serve(port: int, answer: Callable[[str, str, object], object]) -> None:
    """Serves for ever: answer(method, path, body) gives the answer, None for an unknown path."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            try:
                body = json.loads(self.rfile.read(length) or b"{}")
            except ValueError:
                return self.reply(400, {"error": "the body is not JSON"})
            given = answer(self.command, self.path, body)
            self.reply(404 if given is None else 200, {"error": "no such path"} if given is None else given)

        do_GET = do_POST = handle_one

        def reply(self, status: int, given: object) -> None:
            text = json.dumps(given).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Nothing: the log is for what happens."""

    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
