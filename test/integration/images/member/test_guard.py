"""promotion/main.py and sight.py: patience, and what is really seen of real servers."""

from __future__ import annotations

import itertools
import os
import time
import unittest
from collections.abc import Callable
from dataclasses import replace

import psycopg2

from promotion.main import Patience, may_promote
from promotion.sight import is_declared_follower, look_here, look_there
from promotion.verdict import Declared, Here, Leader, There
from support import FakePatroni, World, until

PATIENCE = Patience(whole=3, silence=0.3, pause=0.05, still=1)
HERE = Here("7", 3, 500, wrote_last=False, lived_lately=False, lived=True, receives=False)
FREE = There(Leader("7", 3, 500, in_recovery=True), Declared.FOLLOWER, False, 3)
BUSY = replace(FREE, leader=Leader("7", 3, 500, in_recovery=False))
SILENT = There(None, None, None, 0)
STOPPING = There(None, Declared.FOLLOWER, False, 0)


def ask(*sights: There, here: Here = HERE, called_back: bool = False, alone: bool = False) -> bool:
    """The last sight stays."""
    left = list(sights)
    return may_promote(
        PATIENCE,
        here=lambda: here,
        there=lambda: left.pop(0) if len(left) > 1 else left[0],
        is_called_back=lambda: called_back,
        promote_alone=alone,
    )


class Waiting(unittest.TestCase):
    def test_promotes_as_soon_as_the_way_is_free(self) -> None:
        self.assertTrue(ask(BUSY, BUSY, FREE))

    def test_refuses_when_the_way_stays_barred(self) -> None:
        self.assertFalse(ask(BUSY))

    def test_does_not_take_a_moments_silence_for_a_loss(self) -> None:
        self.assertFalse(ask(SILENT, BUSY, here=replace(HERE, lived_lately=True)))

    def test_promotes_alone_after_lasting_silence_when_it_was_there_all_along(self) -> None:
        self.assertTrue(ask(SILENT, here=replace(HERE, lived_lately=True)))

    def test_refuses_at_once_after_lasting_silence_when_it_was_away(self) -> None:
        started = time.monotonic()
        self.assertFalse(ask(SILENT))
        self.assertLess(time.monotonic() - started, PATIENCE.whole)
        self.assertTrue(ask(SILENT, alone=True))

    def test_ends_at_once_when_the_order_to_write_is_taken_back(self) -> None:
        started = time.monotonic()
        self.assertFalse(ask(BUSY, called_back=True))
        self.assertLess(time.monotonic() - started, PATIENCE.whole)
        self.assertFalse(ask(FREE, called_back=True))

    def test_takes_over_in_the_end_from_a_leader_that_never_comes_back(self) -> None:
        started = time.monotonic()
        self.assertTrue(ask(STOPPING))
        self.assertGreater(time.monotonic() - started, PATIENCE.whole)

    def test_is_as_patient_as_it_takes_while_the_other_region_sends(self) -> None:
        """Refused, Patroni would end the very connection by which the last commits come."""
        started = time.monotonic()
        ends = started + 2 * PATIENCE.whole

        def here() -> Here:
            return replace(HERE, receives=time.monotonic() < ends)

        self.assertTrue(self.asks_stopping(here))
        # Then the old leader has all the time it would have had otherwise to come back and say how far it came.
        self.assertGreater(time.monotonic() - started, 2.5 * PATIENCE.whole)

    def test_takes_nobody_for_gone_while_wal_arrives(self) -> None:
        """As by another member of this region, which passes on what it receives."""
        started = time.monotonic()
        ends = started + PATIENCE.whole + 1
        positions = itertools.count(HERE.lsn)

        def here() -> Here:
            return replace(HERE, lsn=next(positions) if time.monotonic() < ends else 0)

        self.assertTrue(self.asks_stopping(here))
        self.assertGreater(time.monotonic(), ends + PATIENCE.still)

    def asks_stopping(self, here: Callable[[], Here]) -> bool:
        """A member, about a region whose leader is stopping."""
        return may_promote(PATIENCE, here, lambda: STOPPING, lambda: False, False)

    def test_waits_for_a_postgres_that_does_not_answer_yet(self) -> None:
        def broken() -> Here:
            raise psycopg2.OperationalError("starting up")

        self.assertFalse(may_promote(PATIENCE, broken, lambda: FREE, lambda: False, False))


class Sight(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.world = World()
        cls.other = cls.world.server("other").create()
        cls.other.sql("INSERT INTO lifeline.heartbeat VALUES (now(), '0/0', 'b')", "shop")
        cls.member = cls.world.server("member").copy(cls.other)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.world.end()

    def setUp(self) -> None:
        self.patroni = FakePatroni(self.world.certificates)
        self.addCleanup(self.patroni.stop)
        address = ("localhost", self.other.port)
        self.settings = self.world.settings(self.member, self.patroni, peer_postgres=address)
        self.api = ("localhost", self.patroni.port)

    def test_sees_a_leader_that_writes(self) -> None:
        self.patroni.cluster = {"members": [{"role": "leader", "state": "running", "timeline": 1}]}
        seen = look_there(self.settings, self.api)
        self.assertIsNotNone(seen.leader)
        assert seen.leader is not None
        self.assertFalse(seen.leader.in_recovery)
        self.assertEqual(seen.declared, Declared.WRITER)
        self.assertEqual((seen.lock_holder_runs, seen.timeline), (True, 1))

    def test_sees_a_leader_that_follows(self) -> None:
        member = {"role": "standby_leader", "state": "streaming", "timeline": 1}
        self.patroni.cluster = {"members": [member], "standby_cluster": {"host": "h"}}
        settings = replace(self.settings, peer_postgres=("localhost", self.member.port))
        seen = look_there(settings, self.api)
        assert seen.leader is not None
        self.assertTrue(seen.leader.in_recovery)
        self.assertEqual((seen.declared, seen.lock_holder_runs), (Declared.FOLLOWER, False))
        self.assertTrue(is_declared_follower(self.settings))

    def test_sees_a_demoted_leader_that_still_runs_as_a_writer(self) -> None:
        member = {"role": "standby_leader", "state": "running"}
        self.patroni.cluster = {"members": [member], "standby_cluster": {"host": "h"}}
        self.assertTrue(look_there(self.settings, self.api).lock_holder_runs)

    def test_sees_nothing_of_a_region_that_is_away(self) -> None:
        settings = replace(self.settings, peer_postgres=("localhost", 1))
        self.assertFalse(look_there(settings, ("localhost", 1)).is_reachable)

    def test_knows_this_members_past(self) -> None:
        until(lambda: look_here(self.settings).lsn > 0, "the standby answers")
        here = look_here(self.settings)
        self.assertEqual(here.timeline, 1)
        self.assertFalse(here.wrote_last)
        self.assertTrue(look_here(replace(self.settings, region="b")).wrote_last)

    def test_knows_whether_the_other_region_sends(self) -> None:
        until(lambda: look_here(self.settings).receives, "the standby streams")
        elsewhere = replace(self.settings, peer_postgres=("elsewhere", self.other.port))
        self.assertFalse(look_here(elsewhere).receives)

    def test_refuses_a_member_that_starts_cold_while_the_other_region_is_cut_off(self) -> None:
        """Its volume may remember the last minute before the power went, and the other region has gone on since."""
        self.settings.lived_file.parent.mkdir(exist_ok=True)
        self.settings.lived_file.touch()
        self.addCleanup(self.settings.lived_file.unlink)
        self.assertFalse(self.asks_alone())

    def test_lets_a_member_that_lives_on_replace_another_while_the_other_region_is_cut_off(
        self,
    ) -> None:
        self.settings.alive_file.touch()
        self.addCleanup(self.settings.alive_file.unlink)
        self.assertTrue(self.asks_alone())

    def test_does_not_take_a_clock_that_was_set_back_for_life(self) -> None:
        self.settings.alive_file.touch()
        self.addCleanup(self.settings.alive_file.unlink)
        ahead = time.time() + 3600
        os.utime(self.settings.alive_file, (ahead, ahead))
        self.assertFalse(self.asks_alone())

    def asks_alone(self) -> bool:
        """The guard of this member, with the link cut."""
        settings = replace(self.settings, peer_postgres=("127.0.0.1", 1))
        return may_promote(
            PATIENCE,
            here=lambda: look_here(settings),
            there=lambda: look_there(settings, ("localhost", 1)),
            is_called_back=lambda: False,
            promote_alone=False,
        )


if __name__ == "__main__":
    unittest.main()
