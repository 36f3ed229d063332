"""Serves the metrics as plain HTTP."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .metrics import Registry
from .watch import say


def serve(registry: Registry, port: int, stop: threading.Event) -> ThreadingHTTPServer:
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
            server = ThreadingHTTPServer(("", port), Handler)
            break
        except OSError as error:
            say(f"cannot listen on port {port}: {error}")
            if stop.wait(5):
                raise
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=[0.5], name="http", daemon=True).start()
    return server
