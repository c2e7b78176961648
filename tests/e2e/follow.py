"""Clients that follow a task: a WebSocket (RFC 6455) and server-sent events, by hand."""
import base64
import hashlib
import io
import os
import selectors
import socket
import struct
import time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Refused(Exception):
    """The answer to a handshake that was not taken: status, body."""


def read_head(stream):
    """Status and headers (names in lower case) of an answer."""
    status = int(stream.readline().split()[1])
    headers = {}
    for line in iter(stream.readline, b"\r\n"):
        name, value = line.decode().split(":", 1)
        headers[name.lower()] = value.strip()
    return status, headers


class WebSocket:
    def __init__(self, port, path, headers=(), wrap=lambda s: s, timeout=30):
        self.socket = wrap(socket.create_connection(("127.0.0.1", port), timeout=timeout))
        self.stream = self.socket.makefile("rb")
        key = base64.b64encode(os.urandom(16))
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
                 "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key.decode()}", *headers]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        status, answer = read_head(self.stream)
        if status != 101:
            body = self.stream.read(int(answer.get("content-length", 0)))
            self.close()
            raise Refused(status, body)
        assert answer["sec-websocket-accept"] == base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        self.close_code = None
        self.pongs = []

    def frame(self):
        """The next frame: (fin, opcode, payload)."""
        first, second = self.stream.read(2)
        assert second & 0x80 == 0, "a server does not mask"
        size = second & 0x7F
        if size == 126:
            size, = struct.unpack("!H", self.stream.read(2))
        elif size == 127:
            size, = struct.unpack("!Q", self.stream.read(8))
        return first & 0x80 != 0, first & 0x0F, self.stream.read(size)

    def send(self, opcode, payload=b""):
        mask = os.urandom(4)
        assert len(payload) < 126
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.socket.sendall(bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + masked)

    def message(self):
        """The next text message; None when the server has closed (close_code says how)."""
        text = b""
        while True:
            fin, opcode, payload = self.frame()
            if opcode == 8:
                self.close_code, = struct.unpack("!H", payload[:2])
                self.send(8, payload[:2])
                return None
            if opcode == 9:
                self.send(10, payload)
            elif opcode == 10:
                self.pongs.append(payload)
            else:
                text += payload
                if fin:
                    return text.decode()

    def lines(self):
        """Every line to the end, as they come."""
        while (message := self.message()) is not None:
            yield from message.split("\n")

    def close(self):
        self.stream.close()
        self.socket.close()


class Chunks:
    """The body of an answer in chunks, as a stream of lines."""

    def __init__(self, stream):
        self.stream = stream
        self.text = b""
        self.ended = False

    def line(self):
        while b"\n" not in self.text and not self.ended:
            size = int(self.stream.readline(), 16)
            self.text += self.stream.read(size)
            assert self.stream.read(2) == b"\r\n"
            self.ended = size == 0
        line, _, self.text = self.text.partition(b"\n")
        return line.decode()


def follow_many(port, path, count, timeout=120):
    """`count` connections that read one stream at the same time, to its end: the body of each, as it stood in its chunks."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
    parts = {}
    end = time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), timeout=timeout)
            connection.sendall(request)
            selector.register(connection, selectors.EVENT_READ)
            parts[connection] = []
        while selector.get_map():
            ready = selector.select(1)
            assert time.monotonic() < end, f"{len(selector.get_map())} of {count} have not ended after {timeout} s"
            for key, _ in ready:
                data = key.fileobj.recv(1 << 18)
                parts[key.fileobj].append(data)
                if not data:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
    return [unchunked(b"".join(pieces)) for pieces in parts.values()]


def unchunked(answer):
    stream = io.BytesIO(answer)
    status, headers = read_head(stream)
    assert (status, headers["transfer-encoding"]) == (200, "chunked"), (status, headers)
    body = []
    while size := int(stream.readline(), 16):
        body.append(stream.read(size))
        assert stream.read(2) == b"\r\n"
    assert stream.read() == b"\r\n", "there is something after the last chunk"
    return b"".join(body)


class EventSource:
    """`status` and `headers` of the answer; iterating gives (id, event, data) to the end. Comments are counted."""

    def __init__(self, port, path, headers=(), timeout=30):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.stream = self.socket.makefile("rb")
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: text/event-stream", *headers]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.status, self.headers = read_head(self.stream)
        self.comments = 0

    def __iter__(self):
        body = Chunks(self.stream)
        fields = {}
        while True:
            line = body.line()
            if line.startswith(":"):
                self.comments += 1
            elif line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif fields:
                yield int(fields["id"]), fields["event"], fields["data"]
                fields = {}
            elif body.ended:
                return

    def close(self):
        self.stream.close()
        self.socket.close()
