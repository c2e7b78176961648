"""Script tasks: folders below the upload folder, each with one Python script."""
import io
import textwrap
import zipfile

from harness import ServiceTest


class ScriptTest(ServiceTest):
    worker = None  # the real one

    def script(self, text, name="script", files=None):
        """Makes the folder `name` with run.py, and further files: name -> text."""
        folder = self.uploads / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.py").write_text(textwrap.dedent(text))
        for path, content in (files or {}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
        return name

    def submit_script(self, text, files=None, name="script", **fields):
        request = {"script_url": self.script(text, name, files), "optimized": True, **fields}
        answer = self.request("POST", "/task/submit/", request)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["task_id"]

    def log(self, task):
        return self.get(f"/task/log/{task}").body.decode()

    def ended(self, task, state, seconds=120):
        status = self.await_state(task, "done", "failed", "cancelled", seconds=seconds)
        self.assertEqual(status["status"], state, f"{status['details']}\n{self.log(task)}")
        return status

    def run_script(self, text, state="done", **fields):
        """Submits, waits for the end, and returns the task's id and status."""
        task = self.submit_script(text, **fields)
        return task, self.ended(task, state)

    def downloaded(self, task):
        answer = self.get(f"/download/{task}")
        self.assertEqual(answer.status, 200, answer.body)
        with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
