"""The link check itself."""
import unittest

import links


class LinksTest(unittest.TestCase):
    def test_refuses_a_shared_library(self):
        needed = " 0x1 (NEEDED)  Shared library: [libonnxruntime.so.1]\n"
        self.assertEqual(links.violations("neural_solution", needed, ""), ["neural_solution links ONNX Runtime (libonnxruntime)"])

    def test_refuses_a_static_library(self):
        self.assertEqual(len(links.violations("neural_solution_worker", "", "00 T sqlite3_open_v2\n")), 1)
        self.assertEqual(len(links.violations("neural_solution", "", "00 T ns_onnx::ModelProto::Clear()\n")), 1)

    def test_accepts_what_belongs_there(self):
        self.assertEqual(links.violations("neural_solution", "[libsqlite3.so.0]", "U sqlite3_open_v2\n"), [])
        self.assertEqual(links.violations("neural_solution_worker", "[libonnxruntime.so.1]", "U OrtGetApiBase\n"), [])


if __name__ == "__main__":
    unittest.main()
