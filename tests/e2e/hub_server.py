"""A server that answers as the Hugging Face hub does, with a storage of another address for the large files."""
import hashlib
import json

from web_server import WebServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class HubServer:
    """files: path -> bytes of the model `name`; a path in `large` is kept by the storage."""

    def __init__(self, name, files, large=(), token=None):
        self.name, self.token = name, token
        self.hub, self.storage = WebServer(), WebServer()
        self.model_files, self.large = files, set(large)
        self.hub.answer = self.answer
        self.storage.files = {"/" + path: files[path] for path in large}

    @property
    def endpoint(self):
        return self.hub.url("")

    def close(self):
        self.hub.close()
        self.storage.close()

    def answer(self, handler):
        if self.token and handler.headers.get("Authorization") != f"Bearer {self.token}":
            return WebServer.send(handler, 401, {"X-Error-Code": "RepoNotFound"}, b"{}")
        path = handler.path
        if path in (f"/api/models/{self.name}/revision/{revision}" for revision in ("main", COMMIT)):
            listing = {"id": self.name, "sha": COMMIT, "siblings": [{"rfilename": file} for file in self.model_files]}
            return WebServer.send(handler, 200, {"Content-Type": "application/json"}, json.dumps(listing).encode())
        starts = [f"/{self.name}/resolve/{revision}/" for revision in ("main", COMMIT)]
        file = next((path[len(start):] for start in starts if path.startswith(start)), None)
        if file not in self.model_files:
            return WebServer.send(handler, 404, {"X-Error-Code": "EntryNotFound" if file else "RepoNotFound"}, b"{}")
        content, headers = self.model_files[file], {"X-Repo-Commit": COMMIT}
        if file not in self.large:
            etag = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            return WebServer.send(handler, 200, {**headers, "ETag": f'"{etag}"'}, content)
        headers.update({"X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Linked-Size": str(len(content)), "Location": self.storage.url("/" + file)})
        return WebServer.send(handler, 302, headers, b"")
