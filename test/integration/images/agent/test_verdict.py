"""agent/verdict.py: what a series of looks amounts to."""

from __future__ import annotations

import unittest
from dataclasses import replace

from agent.settings import Timing
from agent.timeline import Lineage, Switch
from agent.verdict import Health, Look, Tracker

UPSTREAM = Lineage("7", 2, 500, False, (Switch(1, 300),))
MEMBER = Lineage("7", 2, 490, True, (Switch(1, 300),))
FORKED = Lineage("7", 1, 310, True, ())
FOREIGN = replace(MEMBER, system="8")
STREAMING = Look(
    writes=False,
    busy=False,
    starting=False,
    streaming=True,
    own=MEMBER,
    upstream=UPSTREAM,
    written=None,
)
SILENT = replace(STREAMING, streaming=False)
DEAD = replace(SILENT, own=None)


class Verdicts(unittest.TestCase):
    def setUp(self) -> None:
        self.tracker = Tracker(Timing(), 0)
        self.now = 0.0

    def see(self, look: Look, times: int = 1) -> Health:
        for _ in range(times):
            self.now += 5
            health = self.tracker.observe(look, self.now).health
        return health

    def test_a_member_that_streams_is_well(self) -> None:
        self.assertIs(self.see(STREAMING), Health.WELL)

    def test_nothing_is_said_before_the_first_look(self) -> None:
        self.assertIs(self.tracker.verdict.health, Health.UNKNOWN)

    def test_a_fork_counts_when_it_is_seen_twice_in_a_row(self) -> None:
        forked = replace(STREAMING, own=FORKED)
        self.assertIs(self.see(forked), Health.UNKNOWN)
        self.assertIs(self.see(STREAMING), Health.WELL)
        self.assertIs(self.see(forked), Health.UNKNOWN)
        self.assertIs(self.see(forked), Health.DIVERGED)
        self.assertIn("past", self.tracker.verdict.reason)

    def test_a_fork_counts_even_while_it_replays_from_the_archive(self) -> None:
        """So a member once looped for ever, green, with rows that nobody else had."""
        self.see(replace(SILENT, own=FORKED))
        moving = replace(SILENT, own=replace(FORKED, lsn=320))
        self.assertIs(self.see(moving), Health.DIVERGED)

    def test_another_database_is_foreign_and_not_diverged(self) -> None:
        self.assertIs(self.see(replace(STREAMING, own=FOREIGN), 2), Health.FOREIGN)

    def test_a_member_that_rewound_is_well_again_at_once(self) -> None:
        self.see(replace(SILENT, own=FORKED), 3)
        self.assertIs(self.see(STREAMING), Health.WELL)

    def test_standing_still_counts_after_30_seconds(self) -> None:
        self.see(STREAMING)
        self.assertIs(self.see(SILENT, 5), Health.UNKNOWN)
        self.assertIs(self.see(SILENT), Health.STUCK)
        self.assertIn("no progress for 30 s", self.tracker.verdict.reason)

    def test_replaying_from_the_archive_is_progress(self) -> None:
        for lsn in range(100, 140):
            own = replace(MEMBER, lsn=lsn)
            self.assertIs(self.see(replace(SILENT, own=own)), Health.WELL)

    def test_having_everything_is_not_standing_still(self) -> None:
        self.assertIs(self.see(replace(SILENT, own=replace(MEMBER, lsn=500)), 20), Health.WELL)

    def test_a_server_that_does_not_answer_stands_still(self) -> None:
        self.see(STREAMING)
        self.assertIs(self.see(DEAD, 5), Health.UNKNOWN)
        self.assertIs(self.see(DEAD), Health.STUCK)

    def test_a_server_that_comes_up_and_falls_over_again_and_again_stands_still(self) -> None:
        self.see(STREAMING)
        for _ in range(5):
            self.see(DEAD)
            self.see(SILENT)
        self.assertIs(self.tracker.verdict.health, Health.STUCK)

    def test_a_server_that_replays_during_its_start_has_five_minutes_per_step(self) -> None:
        starting = replace(DEAD, starting=True)
        self.assertIs(self.see(starting, 59), Health.UNKNOWN)
        self.assertIs(self.see(replace(starting, written="0/2"), 60), Health.UNKNOWN)
        self.assertIs(self.see(replace(starting, written="0/2"), 2), Health.STUCK)

    def test_nobody_is_stuck_while_the_upstream_is_away(self) -> None:
        alone = replace(SILENT, upstream=None)
        self.assertIs(self.see(alone, 100), Health.UNKNOWN)
        self.assertIs(self.see(SILENT, 5), Health.UNKNOWN)

    def test_nobody_is_stuck_while_a_copy_is_made(self) -> None:
        self.assertIs(self.see(replace(DEAD, busy=True), 1000), Health.UNKNOWN)

    def test_a_bad_verdict_stands_until_a_good_one(self) -> None:
        self.see(replace(SILENT, own=FORKED), 2)
        since = self.tracker.verdict.since
        self.see(replace(SILENT, own=FORKED, upstream=None), 3)
        self.see(replace(DEAD, busy=True), 3)
        self.assertIs(self.see(DEAD), Health.DIVERGED)
        self.assertEqual(self.tracker.verdict.since, since)

    def test_the_leader_is_well_whatever_it_was_before(self) -> None:
        self.see(replace(SILENT, own=FORKED), 2)
        leader = replace(SILENT, writes=True, own=replace(MEMBER, in_recovery=False), upstream=None)
        self.assertIs(self.see(leader), Health.WELL)

    def test_an_upstream_that_tells_nothing_makes_nobody_well(self) -> None:
        mute = replace(UPSTREAM, timeline=3, history=None)
        self.assertIs(self.see(replace(STREAMING, upstream=mute)), Health.UNKNOWN)


if __name__ == "__main__":
    unittest.main()
