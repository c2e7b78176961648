"""A virtual environment for each tool, made when it is missing, of exactly the packages of requirements/NAME.txt."""
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
DEBIANS_PACKAGES_TOO = ("olive",)  # for its PyTorch


def python(name):
    """Python with the packages of `name`. neural_compressor's is made by scripts/setup."""
    if name == "neural_compressor":
        return ROOT / ".deps/neural_compressor/bin/python"
    wanted = (HERE / f"requirements/{name}.txt").read_text(encoding="utf-8")
    folder = ROOT / "build/bench/tune/environments" / name
    stamp = folder / "made-of.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        system = pathlib.Path("/usr/bin/python3")
        options = ["--system-site-packages"] if name in DEBIANS_PACKAGES_TOO else []
        subprocess.run([system if system.exists() else "python3", "-m", "venv", *options, folder], check=True)
        subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps",
                        "--only-binary=:all:", "--ignore-installed", "-r", HERE / f"requirements/{name}.txt"], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return folder / "bin/python"
