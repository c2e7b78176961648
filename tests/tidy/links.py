"""Checks what the programs link: the service tower no ONNX and no ONNX Runtime, the optimizer tower no SQLite and no Beast,
and what is started for every attempt neither gRPC nor SQLite.

Shared libraries are read from the ELF header, static ones from the program's symbols.
Usage: links.py BIN_FOLDER    exit status 0: fine; 1: one line per violation on stderr.
"""
import pathlib
import re
import subprocess
import sys

# Program -> what it must not hold: name, shared library, a symbol that only it defines.
RULES = {
    "neural_solution": [
        ("ONNX Runtime", re.compile(r"libonnxruntime"), re.compile(r"\bOrtGetApiBase\b")),
        ("ONNX", re.compile(r"libonnx\b|libonnx_proto|libprotobuf"), re.compile(r"\b(?:ns_)?onnx::ModelProto::")),
        ("tree-sitter", re.compile(r"libtree-sitter"), re.compile(r"\bts_parser_new\b")),
    ],
    "neural_solution_supervisor": [
        ("gRPC", re.compile(r"libgrpc"), re.compile(r"\bgrpc_init\b")),
        ("SQLite", re.compile(r"libsqlite3"), re.compile(r"\bsqlite3_open_v2\b")),
    ],
    "neural_solution_worker": [
        ("SQLite", re.compile(r"libsqlite3"), re.compile(r"\bsqlite3_open_v2\b")),
        ("Beast", re.compile(r"libboost_"), re.compile(r"\bboost::beast::")),
    ],
}


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def violations(program, needed, symbols):
    """`needed`: text of the dynamic section; `symbols`: demangled symbols, undefined ones too."""
    bad = []
    for name, library, symbol in RULES[program]:
        found = library.search(needed) or symbol.search(symbols)
        if found:
            bad.append(f"{program} links {name} ({found.group(0)})")
    return bad


def main():
    bad = []
    for program in RULES:
        path = pathlib.Path(sys.argv[1]) / program
        if not path.exists():
            bad.append(f"{path} is not there: build it first")
            continue
        bad += violations(program, output("readelf", "--dynamic", "--wide", str(path)), output("nm", "--demangle", str(path)))
    for line in bad:
        print(line, file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
