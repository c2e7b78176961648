"""The short form of kill_service.py."""
import unittest

import kill_service


class KillTest(unittest.TestCase):
    def test_ten_kills_at_random_moments_lose_and_double_nothing(self):
        self.assertEqual(kill_service.run(10, 1), [])


if __name__ == "__main__":
    unittest.main()
