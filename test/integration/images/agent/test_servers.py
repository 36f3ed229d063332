"""The agent's parts against real servers that stream, fork, hang and rewind."""

from __future__ import annotations

import contextlib
import os
import time
import unittest
from dataclasses import replace

import psycopg2

from agent.database import lineage, superuser
from agent.heartbeat import HeartbeatWatch
from agent.lineage import LineageWatch
from agent.member import MemberWatch
from agent.patroni import Patroni
from agent.server import ServerWatch
from agent.settings import Settings
from agent.shared import Shared
from agent.timeline import Relation, judge
from support import QUICK, FakePatroni, Server, World, rewind, until


class Watched:
    """A server with the watches that look at it, called by hand."""

    def __init__(self, world: World, server: Server, **settings: object) -> None:
        self.patroni = FakePatroni(world.certificates)
        self.settings: Settings = world.settings(server, self.patroni, **settings)
        # Between two watches that are called by hand nothing is forgotten, however slow the machine is.
        self.shared = Shared(loop=15)
        client = Patroni(self.settings.patroni, self.settings.tls_folder, self.settings.timing.call)
        self.member = MemberWatch(self.settings, self.shared, client)
        self.server = ServerWatch(self.settings, self.shared)
        self.lineage = LineageWatch(self.settings, self.shared)

    def look(self) -> dict[str, object]:
        """One round of all of them."""
        facts: dict[str, object] = {**self.member.look()}
        with contextlib.suppress(psycopg2.Error):
            facts.update(self.server.look())
        return {**facts, **self.lineage.look()}

    @property
    def diverged(self) -> bool:
        """Whether the member is out of the Services."""
        return self.settings.diverged_file.exists()

    def saw(self, diverged: bool) -> bool:
        """Looks, and says whether the outcome is the expected one."""
        return bool(self.look()["diverged"]) == diverged and self.diverged == diverged

    def becomes(self, diverged: bool) -> None:
        """Looks until the outcome is there."""
        until(lambda: self.saw(diverged), f"diverged {diverged}")


class Following(unittest.TestCase):
    world: World

    def setUp(self) -> None:
        self.world = World()
        self.addCleanup(self.world.end)
        self.primary = self.world.server("primary").create()
        self.standby = self.world.server("standby").copy(self.primary)
        self.watched = Watched(self.world, self.standby)
        self.watched.patroni.follow("p-0", self.primary)
        self.addCleanup(self.watched.patroni.stop)
        until(self.streams, "the standby streams")

    def streams(self, server: Server | None = None) -> bool:
        receivers = "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'"
        return (server or self.standby).sql(receivers) == "1"

    def cut_off(self, server: Server) -> None:
        """Ends its streaming for good."""
        server.sql("ALTER SYSTEM SET primary_conninfo = ''")
        server.sql("SELECT pg_reload_conf()")
        until(lambda: not self.streams(server), "it streams no more")

    def write(self, server: Server, table: str) -> None:
        server.sql(f"CREATE TABLE {table} AS SELECT generate_series(1, 1000) AS id")

    def test_a_member_that_streams_is_well_and_proves_that_it_lives(self) -> None:
        facts = self.watched.look()
        self.assertEqual((facts["in_recovery"], facts["streaming"]), (1, 1))
        self.assertEqual((facts["timeline"], facts["diverged"]), (1, 0))
        self.assertEqual(facts["upstream_reachable"], 1)
        settings = self.watched.settings
        self.assertFalse(settings.alive_file.exists() or settings.lived_file.exists())
        self.watched.look()
        self.assertTrue(settings.alive_file.exists() and settings.lived_file.exists())

    def test_the_lag_is_what_the_upstream_has_more(self) -> None:
        self.write(self.primary, "little")
        until(lambda: self.standby.sql("SELECT to_regclass('little')"), "a first transaction")
        self.standby.sql("SELECT pg_wal_replay_pause()")
        until(
            lambda: self.standby.sql("SELECT pg_get_wal_replay_pause_state()") == "paused", "paused"
        )
        self.write(self.primary, "much")
        facts = self.watched.look()
        self.assertGreater(facts["replay_lag_bytes"], 10_000)
        self.assertGreater(self.watched.look()["replay_lag_seconds"], 0)
        self.standby.sql("SELECT pg_wal_replay_resume()")
        until(lambda: self.watched.look()["replay_lag_bytes"] == 0, "no lag")
        until(lambda: self.watched.look()["replay_lag_seconds"] == 0, "no lag in seconds")

    def test_a_promotion_behind_its_back_is_a_fork_and_a_rewind_heals_it(self) -> None:
        self.watched.becomes(False)
        self.standby.promote()
        self.write(self.standby, "lost")
        self.write(self.primary, "kept")
        self.watched.becomes(True)
        self.assertIn("diverged: timeline 2", self.watched.settings.diverged_file.read_text())
        self.assertIn("is newer than 1", self.watched.settings.diverged_file.read_text())

        self.standby.stop()
        rewind(self.standby, self.primary)
        self.standby.start()
        until(self.streams, "it streams again")
        self.watched.becomes(False)
        self.assertEqual(self.standby.sql("SELECT to_regclass('lost') IS NULL"), "t")

    def test_rows_past_the_fork_are_found_after_a_failover_elsewhere(self) -> None:
        """The deposed leader of a region: it wrote on timeline 1 what the new leader on 2 never got."""
        deposed, leader = Watched(self.world, self.primary), self.standby
        deposed.patroni.follow("p-0", leader)
        self.addCleanup(deposed.patroni.stop)
        self.cut_off(self.standby)
        self.write(self.primary, "unreplicated")
        leader.promote()
        self.write(leader, "kept")
        deposed.becomes(True)
        self.assertIn("where it was left", deposed.settings.diverged_file.read_text())

        self.primary.stop()
        rewind(self.primary, leader)
        self.primary.start()
        deposed.becomes(False)

    def test_a_member_behind_the_fork_follows_and_is_never_called_diverged(self) -> None:
        second = self.world.server("second").copy(self.primary)
        other = Watched(self.world, second)
        self.addCleanup(other.patroni.stop)
        self.primary.stop()
        self.standby.promote()
        second.stop()
        second.follow(self.standby)
        second.start()
        other.patroni.follow("p-0", self.standby)
        until(lambda: other.look()["timeline"] == 2, "the new timeline")
        for _ in range(5):
            self.assertFalse(other.look()["diverged"])

    def test_two_regions_that_promoted_apart_to_the_same_number_are_told_apart(self) -> None:
        second = self.world.server("second").copy(self.primary)
        self.cut_off(second)
        self.write(self.primary, "ours")
        self.primary.stop()
        self.standby.promote()
        second.promote()
        self.write(second, "theirs")
        settings = self.watched.settings
        one = lineage(settings, ("localhost", self.standby.port))
        two = lineage(settings, ("localhost", second.port))
        self.assertEqual((one.timeline, two.timeline, one.system == two.system), (2, 2, True))
        self.assertIs(judge(one, two).relation, Relation.DIVERGED)
        self.assertIs(judge(two, one).relation, Relation.DIVERGED)

    def test_a_link_that_is_cut_is_no_divergence_however_long(self) -> None:
        self.watched.becomes(False)
        self.primary.stop("QUIT")
        end = time.monotonic() + 3 * self.watched.settings.timing.stuck
        while time.monotonic() < end:
            began = time.time()
            facts = self.watched.look()
            self.assertEqual((facts["diverged"], facts["upstream_reachable"]), (0, 0))
        self.assertGreater(self.watched.settings.alive_file.stat().st_mtime, began - 1)

    def test_standing_still_beside_a_reachable_upstream_is_found(self) -> None:
        self.watched.becomes(False)
        self.cut_off(self.standby)
        self.write(self.primary, "more")
        self.watched.becomes(True)
        self.assertIn("stuck: no progress", self.watched.settings.diverged_file.read_text())
        before = self.watched.settings.alive_file.stat().st_mtime
        self.watched.look()
        self.assertEqual(self.watched.settings.alive_file.stat().st_mtime, before)

    def test_a_server_that_is_down_is_stuck_too(self) -> None:
        self.watched.becomes(False)
        self.standby.stop("QUIT")
        self.watched.becomes(True)
        self.assertIn("stuck: no progress", self.watched.settings.diverged_file.read_text())

    def test_a_frozen_server_costs_the_limit_and_no_more(self) -> None:
        self.standby.stop("STOP")
        started = time.monotonic()
        with self.assertRaises(psycopg2.Error), superuser(self.watched.settings):
            pass
        with self.assertRaises(psycopg2.Error):
            lineage(self.watched.settings, ("localhost", self.standby.port))
        self.assertLess(time.monotonic() - started, 3)
        self.standby.stop("CONT")

    def test_a_region_that_follows_is_no_truth_for_another_that_follows(self) -> None:
        """In the middle of a planned move both do."""
        second = self.world.server("second").copy(self.standby)
        peer = ("localhost", self.standby.port)
        other = Watched(self.world, second, peer_postgres=peer)
        self.addCleanup(other.patroni.stop)
        other.patroni.follow("p-0", self.standby, "standby_leader")
        second.stop()
        (second.data / "standby.signal").unlink()
        second.start()
        self.write(second, "apart")
        for _ in range(5):
            self.assertFalse(other.look()["diverged"])
        self.standby.promote()
        other.becomes(True)

    def test_a_cold_start_proves_nothing_until_the_upstream_confirms_it(self) -> None:
        file = self.watched.settings.alive_file
        self.primary.stop()
        for _ in range(5):
            self.watched.look()
        self.assertFalse(file.exists())
        # What the volume remembers is from before the start.
        self.watched.settings.lived_file.parent.mkdir()
        self.watched.settings.lived_file.touch()
        self.watched.look()
        self.assertFalse(file.exists())
        file.touch()
        old = time.time() - 400
        os.utime(file, (old, old))
        self.watched.look()
        self.assertLess(file.stat().st_mtime, old + 1)
        lately = time.time() - 200
        os.utime(file, (lately, lately))
        self.watched.look()
        self.assertLess(time.time() - file.stat().st_mtime, 5)

    def test_the_heartbeat_is_written_by_the_leader_only_and_seen_by_all(self) -> None:
        # What a look found must outlive a psql, and so must the pause between two beats.
        unhurried = replace(QUICK, loop=5, heartbeat=3)
        leader = Watched(self.world, self.primary, timing=unhurried)
        self.addCleanup(leader.patroni.stop)
        beats = HeartbeatWatch(leader.settings, leader.shared)
        self.assertIsNone(beats.look()["heartbeat_age_seconds"])
        leader.look()
        self.assertIsNone(beats.look()["heartbeat_age_seconds"], "Patroni has not given it the key")
        leader.patroni.lead("p-0")
        leader.look()
        self.primary.sql(
            "INSERT INTO lifeline.heartbeat VALUES (now() - interval '2 days', '0/1', 'a')", "shop"
        )
        self.assertLess(beats.look()["heartbeat_age_seconds"], 1)
        count = "SELECT count(*) FROM lifeline.heartbeat WHERE region = 'a'"
        self.assertEqual(self.primary.sql(count, "shop"), "1", "yesterday's rows are gone")
        beats.look()
        self.assertEqual(self.primary.sql(count, "shop"), "1", "not due yet")
        time.sleep(3.1)
        leader.look()
        beats.look()
        self.assertEqual(self.primary.sql(count, "shop"), "2")
        follower = HeartbeatWatch(self.watched.settings, self.watched.shared)
        until(lambda: (follower.look()["heartbeat_age_seconds"] or 9) < 3, "the beat arrives")


if __name__ == "__main__":
    unittest.main()
