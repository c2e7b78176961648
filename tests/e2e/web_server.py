"""An HTTP server on 127.0.0.1 for tests: files with ETags and ranges, answers to order, and what was sent to it."""
import hashlib
import http.server
import threading


class WebServer:
    """files: path -> bytes, or (status, headers, bytes), or a function of the handler that answers by itself."""

    def __init__(self):
        self.files = {}
        self.requests = []  # (method, path, headers, body)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                outer.requests.append((self.command, self.path, dict(self.headers), b""))
                outer.answer(self)

            def do_HEAD(self):
                self.do_GET()

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.requests.append((self.command, self.path, dict(self.headers), body))
                outer.answer(self)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler):
        found = self.files.get(handler.path.split("?")[0])
        if found is None:
            return self.send(handler, 404, {}, b"not here")
        if callable(found):
            return found(handler)
        if isinstance(found, tuple):
            return self.send(handler, *found)
        etag = '"%s"' % hashlib.sha256(found).hexdigest()[:16]
        if handler.headers.get("If-None-Match") == etag:
            return self.send(handler, 304, {"ETag": etag}, b"")
        wanted = handler.headers.get("Range")
        if wanted and handler.headers.get("If-Range") == etag:
            first = int(wanted.split("=")[1].split("-")[0])
            return self.send(handler, 206, {"ETag": etag, "Content-Range": f"bytes {first}-{len(found) - 1}/{len(found)}"}, found[first:])
        return self.send(handler, 200, {"ETag": etag}, found)

    @staticmethod
    def send(handler, status, headers, body):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if status != 304:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)
