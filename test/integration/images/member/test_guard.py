"""promotion/main.py and sight.py: patience, and what is really seen of real servers."""

from __future__ import annotations

import time
import unittest
from dataclasses import replace

import psycopg2

from promotion.main import Patience, may_promote
from promotion.sight import is_declared_follower, look_here, look_there
from promotion.verdict import Declared, Here, Leader, There
from support import FakePatroni, World, until

PATIENCE = Patience(whole=3, silence=0.3, pause=0.05)
HERE = Here("7", 3, 500, wrote_last=False, lived_lately=False)
FREE = There(Leader("7", 3, 500, in_recovery=True), Declared.FOLLOWER, False, 3)
BUSY = replace(FREE, leader=Leader("7", 3, 500, in_recovery=False))
SILENT = There(None, None, None, 0)


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

    def test_remembers_whether_it_lived_lately(self) -> None:
        self.assertFalse(look_here(self.settings).lived_lately)
        self.settings.alive_file.parent.mkdir(exist_ok=True)
        self.settings.alive_file.touch()
        self.addCleanup(self.settings.alive_file.unlink)
        self.assertTrue(look_here(self.settings).lived_lately)


if __name__ == "__main__":
    unittest.main()
