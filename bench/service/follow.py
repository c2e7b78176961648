"""Many followers of one task while lines are written to it: are they all there, and how long after they were written."""
import base64
import datetime
import json
import os
import re
import selectors
import socket
import threading
import time


class LogWriter:
    """Appends to the task's log, as its worker does."""

    def __init__(self, service, task):
        self.file = open(service.workspace / "task_log" / f"task_{task}.txt", "a")

    def write(self, text):
        self.file.write(text + "\n")
        self.file.flush()


class EventWriter:
    """Appends notes to the task's events, as its worker does."""

    def __init__(self, service, task):
        path = service.workspace / "task_workspace" / task / "events.jsonl"
        self.seq = len(path.read_text().splitlines())
        self.file = open(path, "a")

    def write(self, text):
        self.seq += 1
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        self.file.write(json.dumps({"seq": self.seq, "time": now, "type": "note", "payload": {"text": text}}) + "\n")
        self.file.flush()


def connect(port, path):
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n" if "/screen/" in path else ""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{upgrade}\r\n".encode())
    return connection


def follow(port, path, writer, connections, rate, seconds):
    """Writes `rate` lines a second, each with its number and the time; counts what comes of them."""
    total = rate * seconds
    mark = re.compile(rb"<(\d+) (\d+)>")
    delays, delivered = [], 0
    rests = {connect(port, path): b"" for _ in range(connections)}
    time.sleep(0.5)

    def write():
        began = time.perf_counter()
        for number in range(total):
            time.sleep(max(0, began + number / rate - time.perf_counter()))
            writer.write(f"<{number} {time.monotonic_ns()}>")
    thread = threading.Thread(target=write)
    thread.start()
    began = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for connection in rests:
            selector.register(connection, selectors.EVENT_READ)
        while delivered < total * connections and time.perf_counter() - began < seconds + 20:
            for key, _ in selector.select(1):
                data = rests[key.fileobj] + key.fileobj.recv(1 << 18)
                now = time.monotonic_ns()
                rests[key.fileobj] = data[data.rfind(b"<"):] if data.rfind(b">") < data.rfind(b"<") else b""
                for _, written in mark.findall(data):
                    delays.append((now - int(written)) / 1e6)
                    delivered += 1
    took = time.perf_counter() - began
    thread.join()
    for connection in rests:
        connection.close()
    delays.sort()
    return {"delivered": delivered, "missing": total * connections - delivered, "seconds": took, "p50": delays[len(delays) // 2],
            "p99": delays[len(delays) * 99 // 100]}
