"""The installed tree, moved to another place: programs, libraries, what scripts import, manual and completions."""
import pathlib
import shutil
import subprocess

import harness
from harness import BIN, ROOT, ServiceTest


class InstallTest(ServiceTest):
    worker = None  # the installed one

    def setUp(self):
        super().setUp()
        made = self.folder / "made"
        subprocess.run(["cmake", "--install", BIN.parent, "--prefix", made], check=True, stdout=subprocess.DEVNULL)
        self.tree = made.rename(self.folder / "moved")
        program, harness.PROGRAM = harness.PROGRAM, self.tree / "bin/neural_solution"
        self.addCleanup(setattr, harness, "PROGRAM", program)
        self.addCleanup(lambda: self.run_program("stop", "--now", "--workspace", self.workspace))  # before that

    def test_models_and_scripts_run_with_it_alone(self):
        shutil.copytree(ROOT / "examples/image-classification", self.uploads / "images")
        (self.uploads / "script").mkdir()
        (self.uploads / "script/run.py").write_text(
            "import pathlib, sys\nimport neural_solution\nprint(neural_solution.__file__)\n"
            "pathlib.Path('out.onnx').write_bytes(b'x')\nneural_solution.report(model='out.onnx', accuracy=float(sys.argv[1]))\n")
        self.start()
        script = self.run_program("submit", "--workspace", self.workspace, "--script", "script", "--optimized", "--", 0.75).stdout.strip()
        result = self.run_program("submit", "--workspace", self.workspace, "--model", "images/model.onnx", "--data", "images/evaluation.npz",
                                  "--evaluation-samples", 64, "--approach", "dynamic", "--wait")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(self.await_state(script, "done", "failed")["optimized_result"]["accuracy"], "0.7500", self.get(f"/task/log/{script}").body)
        self.assertIn(str(self.tree / "lib/neural_solution/python"), self.get(f"/task/log/{script}").body.decode())
        libraries = subprocess.run(["ldd", self.tree / "bin/neural_solution_worker"], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("not found", libraries)
        self.assertNotIn(".deps", libraries)

    def test_manual_and_completions_are_those_of_the_program(self):
        for path, args in (("share/man/man1/neural_solution.1", ["man"]), ("share/bash-completion/completions/neural_solution", ["completion", "bash"]),
                           ("share/zsh/site-functions/_neural_solution", ["completion", "zsh"])):
            self.assertEqual((self.tree / path).read_text(), self.run_program(*args).stdout, path)
        page = subprocess.run(["man", "-M", self.tree / "share/man", "-w", "neural_solution"], capture_output=True, text=True)
        self.assertEqual(page.stdout.strip(), str(self.tree / "share/man/man1/neural_solution.1"), page.stderr)
        self.assertTrue(pathlib.Path(self.tree / "share/doc/neural_solution/LICENSE").is_file())
