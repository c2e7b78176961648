"""The rules check itself: it must refuse what it is there to refuse, and nothing else."""
import pathlib
import tempfile
import unittest

import rules


class RulesTest(unittest.TestCase):
    def bad(self, code):
        return rules.check_text("base/a.cc", code)

    def test_refuses_shells(self):
        for code in ('system("ls");', "std::system(command);", 'FILE* f = popen("ls", "r");', '  ::popen(a, b);', 'Spawn({"/bin/sh", "-c", text});'):
            self.assertEqual(len(self.bad(code)), 1, code)

    def test_refuses_raw_new(self):
        for code in ("auto* x = new Thing();", "return new int[3];", "Take(new Thing);"):
            self.assertEqual(len(self.bad(code)), 1, code)

    def test_accepts_factories_and_placement(self):
        for code in ("return std::unique_ptr<Thing>(new Thing(1));", "std::unique_ptr<Thing> x(new Thing(1));", "new (memory) Thing();",
                     "return std::unique_ptr<Thing>(\n    new Thing(1));", "x.reset(new Thing);", "auto y = std::make_unique<Thing>();"):
            self.assertEqual(self.bad(code), [], code)

    def test_words_in_comments_strings_and_other_names_are_no_calls(self):
        for code in ("// a new file system (ext4)", '"no new file, system(x)"', "file_system(path);", "other.system(1);", "std::chrono::system_clock::now();",
                     'R"(system("x"))";'):
            self.assertEqual(self.bad(code), [], code)

    def test_refuses_a_long_file(self):
        self.assertEqual(self.bad("\n" * 400), [])
        self.assertEqual(len(self.bad("\n" * 401)), 1)

    def test_refuses_a_test_that_nothing_builds(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder)
            for name in ("base", "other"):
                (source / name).mkdir()
                (source / name / "a_test.cc").write_text("\n")
            (source / "base" / "CMakeLists.txt").write_text("ns_folder(base\n  WRAPS x)\n")
            self.assertEqual(rules.check(source), ["other/a_test.cc: no CMakeLists.txt of its folder builds it"])


if __name__ == "__main__":
    unittest.main()
