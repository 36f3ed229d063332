"""Serves the metrics as plain HTTP."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .metrics import Registry
from .watch import say


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A scraper that hangs up in the middle is not worth a page of log."""


def serve(registry: Registry, port: int) -> ThreadingHTTPServer:
    """Answers on /metrics in the background. Waits while another process, such as a dying agent, has the port."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 5  # A scraper that says nothing may not hold a thread.

        def do_GET(self) -> None:
            known = self.path.partition("?")[0] == "/metrics"
            body = registry.render().encode() if known else b"only /metrics is here\n"
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Scrapes are not worth a line."""

    while True:
        try:
            server = _Server(("", port), Handler)
            break
        except OSError as error:
            say(f"cannot listen on port {port}: {error}")
            time.sleep(5)
    threading.Thread(target=server.serve_forever, args=[0.5], name="http", daemon=True).start()
    return server
