"""Completion in real shells on a terminal, the manual page, the configuration file."""
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import time
import unittest

from harness import PROGRAM, ServiceTest


class Terminal:
    """A shell on a pseudo terminal: what is typed, and what it shows."""

    def __init__(self, *argv, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], list(argv), env)

    def type(self, text, until, seconds=20):
        os.write(self.fd, text.encode())
        seen, end = "", time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.1)[0]:
                seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r|\x07", "", os.read(self.fd, 65536).decode(errors="replace"))
                if re.search(until, seen):
                    return seen
        raise AssertionError(f"not shown within {seconds} s: {until!r}; shown: {seen!r}")

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


class CompletionTest(ServiceTest):
    def shell(self, *argv, setup):
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "neural_solution").symlink_to(PROGRAM)
        env = {"PATH": f"{folder}:/usr/bin:/bin", "TERM": "dumb", "HOME": str(self.folder), "PS1": "> ", "LC_ALL": "C.UTF-8"}
        terminal = Terminal(*argv, env=env)
        self.addCleanup(terminal.close)
        terminal.type(setup + "; echo re''ady\n", "ready")
        return terminal

    def check(self, terminal):
        terminal.type("neural_solution subm\t", r"neural_solution submit ")
        terminal.type("--idem\t", r"--idempotency")
        terminal.type("\x15neural_solution start --api_t\t", r"start --api_type[ =]")
        terminal.type("rest\t", r"restful")
        terminal.type("\x15neural_solution optimize --toler\t", r"--tolerable-loss")
        terminal.type("\x15neural_solution completion z\t", r"completion zsh")
        (self.folder / "a_model_of_mine.onnx").write_bytes(b"")
        terminal.type(f"\x15cd {self.folder}; echo in''side\n", "inside")
        terminal.type("neural_solution submit --model a_mod\t", r"a_model_of_mine\.onnx")
        terminal.type("\x15", "")

    def test_bash_completes_commands_options_values_and_files(self):
        script = self.run_program("completion", "bash")
        self.assertEqual(script.returncode, 0, script.stderr)
        self.check(self.shell("bash", "--norc", "--noprofile", "-i", setup="source <(neural_solution completion bash)"))

    def test_zsh_completes_commands_options_values_and_files(self):
        self.assertIsNotNone(shutil.which("zsh"), "zsh is missing: run scripts/setup")
        self.check(self.shell("zsh", "-f", "-i", setup="unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; source <(neural_solution completion zsh)"))

    def test_completion_values_after_an_equals_sign(self):
        script = self.folder / "completion.bash"
        script.write_text(self.run_program("completion", "bash").stdout)
        ask = f"source {script}; COMP_WORDS=(neural_solution start --api_type = gr); COMP_CWORD=4; _neural_solution; echo ${{COMPREPLY[@]}}"
        self.assertEqual(subprocess.run(["bash", "--norc", "-c", ask], capture_output=True, text=True).stdout, "grpc\n")

    def test_every_command_and_option_of_the_help_is_completed(self):
        commands = re.findall(r"^  ([a-z]+) ", self.run_program("--help").stdout, re.M)
        self.assertIn("optimize", commands)
        bash, zsh, man = self.run_program("completion", "bash").stdout, self.run_program("completion", "zsh").stdout, self.run_program("man").stdout
        for command in commands:
            block = re.search(rf"^    {command}\)\n      options='([^']*)'", bash, re.M)
            self.assertIsNotNone(block, command)
            for option in re.findall(r"(--[a-z_-]+)", " ".join(re.findall(r"^  (-.*?)(?:  |$)", self.run_program(command, "--help").stdout, re.M))):
                self.assertIn(option, block.group(1).split(), command)
                self.assertIn(option, zsh)
                if option != "--help":  # which each command has
                    self.assertIn(option.replace("-", "\\-"), man)

    def test_the_manual_page_renders_without_warnings(self):
        page = self.folder / "neural_solution.1"
        page.write_text(self.run_program("man").stdout)
        shown = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", page], capture_output=True, text=True,
                               env={**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8", "PAGER": "cat"})
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        text = re.sub(r".\x08|\x1b\[[0-9;]*m", "", shown.stdout)
        for words in ("NAME", "neural_solution submit", "--tolerable-loss", "NEURAL_SOLUTION_TOKEN", "EXIT STATUS"):
            self.assertIn(words, text)


class ConfigurationTest(ServiceTest):
    def write(self, text, name="my.conf"):
        path = self.folder / name
        path.write_text(text)
        return path

    def test_flag_goes_before_environment_before_file_before_default(self):
        file = self.write(f"# ours\nupload_path = \"{self.uploads}\"\ngrace = 7   # seconds\napi_type = restful\nworkspace = {self.workspace}\nrestful_api_port = 1\n")
        environment = {"NEURAL_SOLUTION_RESTFUL_API_PORT": "2", "NEURAL_SOLUTION_UPLOAD_PATH": "/nowhere"}
        result = self.run_program("start", "--config", file, "--restful_api_port", self.port, "--upload_path", self.uploads, env=environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("gRPC", result.stdout)
        self.assertEqual(self.get("/ping").status, 200)
        self.assertEqual(self.run_program("status", "--config", file).returncode, 0)
        self.assertEqual(self.run_program("stop", env={"NEURAL_SOLUTION_WORKSPACE": str(self.workspace)}).returncode, 0)

    def test_a_workspace_given_nearer_goes_before_an_address_given_farther(self):
        self.start()
        away = {"NEURAL_SOLUTION_URL": "http://127.0.0.1:9"}
        result = self.run_program("status", "--workspace", self.workspace, env=away)
        self.assertEqual((result.returncode, result.stdout), (0, f"http://127.0.0.1:{self.port}: running\n"))
        self.assertIn("http://127.0.0.1:9", self.run_program("status", env=away).stderr)
        result = self.run_program("status", env={"NEURAL_SOLUTION_WORKSPACE": str(self.workspace), "NEURAL_SOLUTION_CONFIG": str(self.write("url = http://127.0.0.1:9\n"))})
        self.assertEqual(result.returncode, 0, result.stderr)
        both = {**away, "NEURAL_SOLUTION_WORKSPACE": str(self.workspace)}
        self.assertIn("http://127.0.0.1:9", self.run_program("status", env=both).stderr)

    def test_wrong_files_and_variables_are_one_line_that_names_the_place(self):
        cases = [("restful_port = 8000\n", "my.conf:1: 'restful_port' is no option; did you mean 'restful_api_port'?"),
                 ("\n# x\nrestful_api_port = many\n", "my.conf:3: "), ("api_type = soap\n", "my.conf:1: "), ("grace 7\n", "my.conf:1: write \"name = value\""),
                 ("grace = 1\ngrace = 2\n", "my.conf:2: 'grace' stands in line 1 already"), ("model = x\n", "my.conf:1: 'model' is no option")]
        for text, words in cases:
            result = self.run_program("start", "--config", self.write(text), "--workspace", self.workspace)
            self.assertEqual(result.returncode, 2, text)
            self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
            self.assertIn(words, result.stderr)
        result = self.run_program("start", "--workspace", self.workspace, env={"NEURAL_SOLUTION_API_TYPE": "soap"})
        self.assertEqual(result.returncode, 2)
        self.assertIn("NEURAL_SOLUTION_API_TYPE: ", result.stderr)
        result = self.run_program("start", "--config", "none.conf", "--workspace", self.workspace)
        self.assertEqual(result.returncode, 2)
        self.assertIn("none.conf", result.stderr)
        self.assertFalse((self.workspace / "serve.json").exists())

    def test_the_file_of_the_user_is_found(self):
        (self.folder / "xdg").mkdir()
        self.write("api_type = soap\n", "xdg/neural_solution.conf")
        result = self.run_program("start", "--workspace", self.workspace, env={"NEURAL_SOLUTION_CONFIG": "", "XDG_CONFIG_HOME": str(self.folder / "xdg")})
        self.assertIn("xdg/neural_solution.conf:1", result.stderr)


if __name__ == "__main__":
    unittest.main()
