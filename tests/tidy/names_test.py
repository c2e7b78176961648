"""The rule of one name checks itself."""
import pathlib
import tempfile
import unittest

import names


class NamesTest(unittest.TestCase):
    def test_finds_what_is_defined_and_where(self):
        text = """// struct Comment {};
namespace ns {
class Ahead;
class Thing final : public std::vector<Other> {
  struct Inside {};
  void Do() { if (x) { } }
};
struct Plain {
};
enum class Kind : int { kOne };
using Number = int;
template <typename Value>
struct Shape<Value>::Part {};
inline Thing Make() { struct Local {}; return Thing{}; }
namespace detail {
union Word { int number; };
}
namespace {
struct Ours {};
}
}  // namespace ns
struct Global {};
"""
        self.assertEqual(names.types(text), [(4, "ns::Thing"), (8, "ns::Plain"), (10, "ns::Kind"), (11, "ns::Number"), (16, "ns::detail::Word"), (22, "Global")])

    def bad(self, files):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder)
            for name, text in files.items():
                (source / name).parent.mkdir(exist_ok=True)
                (source / name).write_text(text)
            return names.check(source)

    def test_refuses_a_pair(self):
        one = "namespace ns {\nclass Team {};\n}\n"
        self.assertEqual(self.bad({"a/team.h": one, "b/team.h": one}),
                         ["b/team.h:2: ns::Team is defined in a/team.h, too; give one of them another name"])

    def test_accepts_declarations_and_other_namespaces(self):
        self.assertEqual(self.bad({"a/x.h": "namespace ns {\nstruct X {};\n}\n", "b/y.h": "namespace ns {\nstruct X;\nclass X* Make();\n}\n",
                                   "b/z.h": "namespace ns::b {\nstruct X {};\n}\n",
                                   "b/x.cc": "namespace ns {\nnamespace {\nstruct X {};\n}\nvoid f() { struct X {}; }\n}\n"}), [])


if __name__ == "__main__":
    unittest.main()
