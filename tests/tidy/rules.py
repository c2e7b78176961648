"""Checks the rules of style that a program can check.

- No banned calls in src/: system(), popen(), exec through a shell, raw `new` outside a smart pointer's constructor.
- No file of src/ is longer than 400 lines, but for those in EXCUSED.
- Every x_test.cc is below a folder of src/ whose CMakeLists.txt builds it (ns_folder).

Usage: rules.py ROOT    exit status 0: fine; 1: one line per violation on stderr.
"""
import pathlib
import re
import sys

MAX_LINES = 400
# File (below src/): why it may be longer. Keep this list short.
EXCUSED = {}

BANNED = [
    (re.compile(r"(?<![\w.>:])(?:std::|::)?system\s*\("), "system() runs a shell; use base/subprocess.h"),
    (re.compile(r"(?<![\w.>])(?:::)?popen\s*\("), "popen() runs a shell; use base/subprocess.h"),
    (re.compile(r"\"(?:/bin/)?(?:ba)?sh\"\s*,\s*\"-c\""), "no command goes through a shell; use base/subprocess.h"),
]
NEW = re.compile(r"(?<![\w_])new\s+[A-Za-z_:(]")
# Placement, and a private constructor's object that goes into its smart pointer at once.
NEW_ALLOWED = re.compile(r"new\s*\(|(?:unique_ptr|shared_ptr)\s*<[^;]*>\s*(?:\w+\s*)?[({]\s*new\s|\.reset\(\s*new\s")


def strip_comments_and_strings(text):
    """Blanks out comments and literals but for their line breaks, so that words in them are not taken for code."""
    pattern = re.compile(r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*.*?\*/', re.S)

    def blank(match):
        found = match.group(0)
        return ('""' if found[0] in '"R' else "") + "\n" * found.count("\n")

    return pattern.sub(blank, text)


def check_text(name, text):
    """Returns the violations in one file, each one line."""
    bad = []
    lines = text.count("\n")
    if lines > MAX_LINES and name not in EXCUSED:
        bad.append(f"{name}: {lines} lines, at most {MAX_LINES} (split it, or add it to EXCUSED in tests/tidy/rules.py with the reason)")
    for number, line in enumerate(text.splitlines(), 1):
        if not name.endswith("_test.cc") and BANNED[2][0].search(line):  # a test may need a child that a shell makes
            bad.append(f"{name}:{number}: {BANNED[2][1]}")
    code = strip_comments_and_strings(text).splitlines()
    for number, line in enumerate(code, 1):
        for pattern, why in BANNED[:2]:
            if pattern.search(line):
                bad.append(f"{name}:{number}: {why}")
        # A smart pointer's name may stand on the line before.
        before = code[number - 2] if number >= 2 else ""
        if NEW.search(line) and not NEW_ALLOWED.search(line) and not NEW_ALLOWED.search(before.rstrip() + line.lstrip()):
            bad.append(f"{name}:{number}: raw new; use std::make_unique or a container")
    return bad


def check(source):
    """Returns the violations below src/."""
    bad = []
    for path in sorted(source.rglob("*")):
        if path.suffix not in (".h", ".cc") or not path.is_file():
            continue
        name = path.relative_to(source).as_posix()
        bad += check_text(name, path.read_text(encoding="utf-8"))
        if name.endswith("_test.cc"):
            build = source / name.split("/")[0] / "CMakeLists.txt"
            if not build.is_file() or not re.search(r"\bns_folder\s*\(\s*" + name.split("/")[0] + r"\b", build.read_text(encoding="utf-8")):
                bad.append(f"{name}: no CMakeLists.txt of its folder builds it")
    for name in EXCUSED:
        path = source / name
        if not path.is_file() or path.read_text(encoding="utf-8").count("\n") <= MAX_LINES:
            bad.append(f"{name}: is excused in tests/tidy/rules.py but need not be")
    return bad


def report(of):
    """Prints the violations that `of` finds below src/ of the ROOT on the command line; the exit status."""
    bad = of(pathlib.Path(sys.argv[1]) / "src")
    for line in bad:
        print(line, file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(report(check))
