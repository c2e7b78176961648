"""Checks that each folder of src/ includes only the folders that its row in layers.txt allows, and that no cycle exists.

Usage: layers.py ROOT    exit status 0: fine; 1: one line per violation on stderr.
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([a-z_0-9]+)/')


def read_rows(text, kind=""):
    """The rows "folder: allowed ...", or with kind "test " the rows "test folder: allowed ...", which add to a folder's *_test.cc and testing/."""
    rows = {}
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if line and line.startswith("test ") == (kind == "test "):
            folder, allowed = line.removeprefix(kind).split(":")
            rows[folder.strip()] = allowed.split()
    return rows


def cycles(rows):
    """Returns the folders that can reach themselves through the allowed includes."""
    found = []
    for start in rows:
        seen, todo = set(), list(rows[start])
        while todo:
            folder = todo.pop()
            if folder not in seen and folder in rows:
                seen.add(folder)
                todo.extend(rows[folder])
        if start in seen:
            found.append(start)
    return found


def check(source, rows, test_rows=None):
    """Returns a list of violations, each one line."""
    bad = [f"{folder}: allowed includes form a cycle" for folder in cycles(rows)]
    for path in sorted(source.rglob("*")):
        if path.suffix not in (".h", ".cc") or not path.is_file():
            continue
        folder = path.relative_to(source).parts[0]
        if folder not in rows:
            bad.append(f"{path}: folder '{folder}' has no row in tests/tidy/layers.txt")
            continue
        allowed = rows[folder]
        if path.name.endswith("_test.cc") or path.parent.name == "testing":
            allowed = allowed + (test_rows or {}).get(folder, [])
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            used = match.group(1)
            if used in rows and used != folder and "*" not in allowed and used not in allowed:
                bad.append(f"{path}:{number}: '{folder}' may not include '{used}' (tests/tidy/layers.txt)")
    return bad


def main():
    root = pathlib.Path(sys.argv[1])
    table = (root / "tests/tidy/layers.txt").read_text(encoding="utf-8")
    bad = check(root / "src", read_rows(table), read_rows(table, "test "))
    for line in bad:
        print(line, file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
