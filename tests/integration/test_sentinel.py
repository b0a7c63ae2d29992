"""Redis Sentinel replaces a primary that died or hangs, under load: every program follows by itself, and stays with the
new primary when the former one comes back. sentinel_follow_case.py tells what is checked."""

from harness import main
from sentinel_follow_case import FollowCase


class SentinelTest(FollowCase):
    def test_a_primary_that_is_killed_and_comes_back(self):
        def case():
            stage = self.start_all()
            former = stage.primary
            self.check_follows(stage.kill())
            former.start()
            self.check_came_back(former)
        self.rounds(case)

    def test_a_primary_that_hangs_and_comes_back(self):
        def case():
            stage = self.start_all()
            former = stage.primary
            self.check_follows(stage.freeze())
            former.resume()
            self.check_came_back(former)
        self.rounds(case)


if __name__ == "__main__":
    main()
