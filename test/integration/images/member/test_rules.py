"""promotion/verdict.py: who may write, for every state of the two regions that matters."""

from __future__ import annotations

import itertools
import unittest
from dataclasses import replace

from promotion.verdict import Answer, Declared, Here, Leader, There, judge, judge_alone

HERE = Here(
    "7", timeline=3, lsn=500, wrote_last=False, lived_lately=True, lived=True, receives=False
)
WRITER_HERE = replace(HERE, wrote_last=True)
FOLLOWING = Leader("7", timeline=3, lsn=500, in_recovery=True)
WRITING = replace(FOLLOWING, in_recovery=False)
STOOD_DOWN = There(FOLLOWING, Declared.FOLLOWER, lock_holder_runs=False, timeline=3)
SILENT = There(None, None, None, 0)


def answer(here: Here, there: There) -> Answer:
    return judge(here, there).answer


class Moves(unittest.TestCase):
    """This region did not write last: it takes over."""

    def test_takes_over_once_the_other_region_follows_and_all_of_it_is_here(self) -> None:
        self.assertIs(answer(HERE, STOOD_DOWN), Answer.ALLOW)

    def test_waits_while_the_other_leader_accepts_writes_whatever_it_is_declared_to_be(
        self,
    ) -> None:
        for declared in (*Declared, None):
            there = replace(STOOD_DOWN, leader=WRITING, declared=declared)
            self.assertIs(answer(HERE, there), Answer.WAIT)

    def test_waits_for_the_last_bytes(self) -> None:
        there = replace(STOOD_DOWN, leader=replace(FOLLOWING, lsn=501))
        self.assertIs(answer(HERE, there), Answer.WAIT)
        self.assertIn("1 bytes", judge(HERE, there).reason)
        self.assertIs(answer(replace(HERE, receives=True), there), Answer.RECEIVE)

    def test_waits_until_the_other_region_is_declared_a_follower(self) -> None:
        for declared in (Declared.WRITER, None):
            self.assertIs(answer(HERE, replace(STOOD_DOWN, declared=declared)), Answer.WAIT)

    def test_waits_for_a_leader_that_runs_but_cannot_be_asked(self) -> None:
        there = replace(STOOD_DOWN, leader=None, lock_holder_runs=True)
        self.assertIs(answer(HERE, there), Answer.WAIT)

    def test_takes_over_in_the_end_from_a_region_whose_postgres_is_gone(self) -> None:
        self.assertIs(answer(HERE, replace(STOOD_DOWN, leader=None)), Answer.ALLOW_IN_THE_END)

    def test_waits_while_the_other_region_sends_whatever_else_is_known_of_it(self) -> None:
        """Its leader takes no new session while it stops, and may have minutes of WAL to send."""
        receiving = replace(HERE, receives=True)
        for runs in (False, None):
            there = There(None, Declared.FOLLOWER, lock_holder_runs=runs, timeline=0)
            self.assertIs(answer(receiving, there), Answer.RECEIVE)
            self.assertIs(answer(replace(receiving, wrote_last=True), there), Answer.RECEIVE)

    def test_a_region_that_sends_is_not_lost_however_silent_it_is_otherwise(self) -> None:
        for alone in (False, True):
            receiving = replace(HERE, receives=True)
            self.assertIs(judge_alone(receiving, promote_alone=alone).answer, Answer.RECEIVE)

    def test_never_takes_over_from_another_database(self) -> None:
        there = replace(STOOD_DOWN, leader=replace(FOLLOWING, system="8"))
        self.assertIs(answer(HERE, there), Answer.WAIT)


class Failovers(unittest.TestCase):
    """This region wrote last: one of its members replaces another."""

    def test_does_not_wait_for_a_standby_that_is_ahead_of_what_was_acknowledged(self) -> None:
        there = replace(STOOD_DOWN, leader=replace(FOLLOWING, lsn=900))
        self.assertIs(answer(WRITER_HERE, there), Answer.ALLOW)

    def test_a_mere_copy_from_the_archive_waits_for_a_standby_that_has_more(self) -> None:
        """Every member that had it all lost its volume: the other region alone has what was acknowledged."""
        copy = replace(WRITER_HERE, lived=False)
        ahead = replace(FOLLOWING, lsn=501)
        for declared in (*Declared, None):
            there = replace(STOOD_DOWN, leader=ahead, declared=declared)
            self.assertIs(answer(copy, there), Answer.WAIT)
            self.assertIn("1 bytes more", judge(copy, there).reason)
        self.assertIs(answer(copy, STOOD_DOWN), Answer.ALLOW)
        # What the other one wrote on an earlier timeline, this region has given up.
        earlier = replace(STOOD_DOWN, leader=replace(ahead, timeline=2), timeline=2)
        self.assertIs(answer(copy, earlier), Answer.ALLOW)

    def test_goes_on_while_the_other_regions_patroni_cannot_say_anything(self) -> None:
        there = There(FOLLOWING, None, None, 0)
        self.assertIs(answer(WRITER_HERE, there), Answer.ALLOW)

    def test_by_what_the_other_region_is_declared_to_be_and_what_is_known_of_it(self) -> None:
        """What a region is declared to be comes from its Patroni's memory, the rest is asked anew."""
        follower, writer = Declared.FOLLOWER, Declared.WRITER
        allow, wait, end = Answer.ALLOW, Answer.WAIT, Answer.ALLOW_IN_THE_END
        for leader, declared, runs, timeline, expected in (
            # Its leader itself says that it follows, on no later timeline.
            (FOLLOWING, follower, False, 3, allow),
            (FOLLOWING, follower, None, 0, allow),
            (FOLLOWING, None, None, 0, allow),
            # It may be about to write; in the end it was not, and asks for this region to stand down.
            (FOLLOWING, writer, False, 3, end),
            (FOLLOWING, writer, None, 0, end),
            # It is told to follow, nobody runs as a writer, and its members are no further.
            (None, follower, False, 3, allow),
            # It is told to follow, and nobody says how far it came.
            (None, follower, False, 0, end),
            (None, follower, None, 0, end),
            # It may have written all the time.
            (None, writer, False, 3, wait),
            (None, writer, False, 0, wait),
            (None, writer, None, 0, wait),
            (None, None, False, 3, wait),
            (None, None, False, 0, wait),
        ):
            there = There(leader, declared, runs, timeline)
            with self.subTest(there=there):
                self.assertIs(answer(WRITER_HERE, there), expected)


class Returns(unittest.TestCase):
    """This region was failed away from, and does not know it."""

    def test_stays_out_while_the_new_writer_writes(self) -> None:
        there = There(replace(WRITING, timeline=4), Declared.WRITER, True, 4)
        self.assertIs(answer(WRITER_HERE, there), Answer.WAIT)

    def test_stays_out_while_the_new_writer_itself_changes_its_leader(self) -> None:
        for leader in (None, replace(FOLLOWING, timeline=4)):
            there = There(leader, Declared.WRITER, False, 4)
            self.assertIs(answer(WRITER_HERE, there), Answer.WAIT)

    def test_alone_it_stays_out_unless_it_was_there_all_along_or_is_told_otherwise(self) -> None:
        away = replace(HERE, lived_lately=False)
        self.assertIs(judge_alone(away, promote_alone=False).answer, Answer.WAIT)
        self.assertIn("postgres.promoteAlone", judge_alone(away, promote_alone=False).reason)
        self.assertIs(judge_alone(away, promote_alone=True).answer, Answer.ALLOW)
        self.assertIs(judge_alone(HERE, promote_alone=False).answer, Answer.ALLOW)


class Both(unittest.TestCase):
    """Both regions ask about each other in the same moment."""

    def test_are_never_both_allowed(self) -> None:
        sides = list(itertools.product((3, 4), (400, 500), Declared))
        allowed = 0
        for (a, b), last in itertools.product(itertools.product(sides, sides), "ab"):
            if a[0] != b[0]:
                # Each believes in its own timeline's heartbeats.
                wrote = {"a": True, "b": True}
            else:
                wrote = {"a": last == "a", "b": last == "b"}
            # A region that is declared a follower does not ask.
            answers = [
                answer(here_of(one, wrote[name]), there_of(other))
                for one, other, name in ((a, b, "a"), (b, a, "b"))
                if one[2] is Declared.WRITER
            ]
            self.assertTrue(len(answers) < 2 or Answer.WAIT in answers, (a, b, last))
            allowed += answers.count(Answer.ALLOW)
        self.assertGreater(allowed, 0)

    def test_a_region_that_says_nothing_is_not_reachable(self) -> None:
        self.assertFalse(SILENT.is_reachable)
        self.assertTrue(STOOD_DOWN.is_reachable)
        self.assertTrue(There(None, Declared.FOLLOWER, None, 0).is_reachable)


def here_of(side: tuple[int, int, Declared], wrote_last: bool) -> Here:
    timeline, lsn, _ = side
    return Here("7", timeline, lsn, wrote_last, lived_lately=True, lived=True, receives=False)


def there_of(side: tuple[int, int, Declared]) -> There:
    timeline, lsn, declared = side
    return There(Leader("7", timeline, lsn, in_recovery=True), declared, False, timeline)


if __name__ == "__main__":
    unittest.main()
