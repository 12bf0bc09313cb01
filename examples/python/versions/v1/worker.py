#!/usr/bin/env python3
"""A version in Python: it listens on PROXY_PORT, and that is all there is to it."""
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open between requests

    def do_GET(self):
        body = f"Hello from Python, process {os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass  # the gateway keeps the access log


# The gateway has drained this worker before it sends SIGTERM.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PROXY_PORT", 3000))), Handler).serve_forever()
