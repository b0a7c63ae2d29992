"""An operator moves the primary, under load: with Sentinel, or past it. Every program follows by itself.
sentinel_follow_case.py tells what is checked."""

from harness import main
from sentinel_follow_case import FollowCase


class SentinelByHandTest(FollowCase):
    def test_a_fail_over_by_sentinel(self):
        def case():
            stage = self.start_all()
            former = stage.primary
            self.check_follows(stage.by_sentinel())
            self.check_came_back(former)
        self.rounds(case)

    def test_a_coordinated_fail_over_that_sentinels_do_not_know_of(self):
        self.rounds(lambda: self.check_follows(self.start_all().coordinated()))


if __name__ == "__main__":
    main()
