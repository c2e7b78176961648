"""Checks that no two files of src/ define types of one name in one namespace.

Of two such types the linker keeps one's functions for both as soon as they meet in a program, without a word.

Usage: names.py ROOT    exit status 0: fine; 1: one line per pair on stderr.
"""
import re
import sys

from rules import report, strip_comments_and_strings

TOKEN = re.compile(r"""
    \bnamespace\s+(?P<namespace>[\w:]*)\s*\{
  | \b(?:class|struct|union|enum(?:\s+(?:class|struct))?)\s+(?:\[\[[^\]]*\]\]\s*|alignas\([^)]*\)\s*)*(?P<type>\w+)(?:\s+final)?\s*(?::(?!:)[^;{]*)?\{
  | \busing\s+(?P<alias>\w+)\s*=
  | (?P<open>\{) | (?P<close>\})""", re.X)


def types(text):
    """(line, name) of what others could meet: "ns::Thing", but nothing of an unnamed namespace, and nothing inside of a type or function."""
    code = strip_comments_and_strings(text)
    scopes, found = [], []  # of a scope: its namespace, "" without a name; None: anything else
    for token in TOKEN.finditer(code):
        if token["close"]:
            scopes.pop()
            continue
        name = token["type"] or token["alias"]
        if name and all(scopes):
            found.append((code.count("\n", 0, token.start()) + 1, "::".join([*scopes, name])))
        if not token["alias"]:
            scopes.append(token["namespace"])
    return found


def check(source):
    """Returns a line for each definition of a name that another file has defined."""
    first, bad = {}, []
    for path in sorted(path for path in source.rglob("*") if path.suffix in (".h", ".cc")):
        name = path.relative_to(source).as_posix()
        for line, type_name in types(path.read_text(encoding="utf-8")):
            other = first.setdefault(type_name, name)
            if other != name:
                bad.append(f"{name}:{line}: {type_name} is defined in {other}, too; give one of them another name")
    return bad


if __name__ == "__main__":
    sys.exit(report(check))
