"""agent/peer.py: a member that writes sees whether the other region does."""

from __future__ import annotations

import unittest
from dataclasses import replace

from agent.peer import PeerWatch
from support import FakePatroni, World, until


class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.world = World()
        cls.addClassCleanup(cls.world.end)
        cls.writer = cls.world.server("writer").create()
        cls.peer = cls.world.server("peer").copy(cls.writer)
        patroni = FakePatroni(cls.world.certificates)
        cls.addClassCleanup(patroni.stop)
        address = ("localhost", cls.peer.port)
        cls.settings = cls.world.settings(cls.writer, patroni, peer_postgres=address)

    def test_whether_the_other_region_writes_too_is_what_a_writer_says(self) -> None:
        watch = PeerWatch(self.settings)
        self.assertEqual(watch.look(), {"peer_writes": 0})
        self.peer.promote()
        self.assertEqual(watch.look(), {"peer_writes": 1})

    def test_a_region_that_does_not_answer_is_not_known_to_write_or_not(self) -> None:
        watch = PeerWatch(replace(self.settings, peer_postgres=("localhost", 1)))
        self.assertEqual(watch.look(), {"peer_writes": None})

    def test_a_member_that_follows_says_nothing(self) -> None:
        """In a planned move either one asks while the other one is on its way."""
        follower = self.world.server("follower").copy(self.writer)
        until(lambda: follower.sql("SELECT pg_is_in_recovery()") == "t", "it follows")
        settings = replace(
            self.settings,
            data_folder=follower.data,
            socket_folder=str(follower.sockets),
            postgres=("localhost", follower.port),
            peer_postgres=("localhost", self.writer.port),
        )
        self.assertEqual(PeerWatch(settings).look(), {"peer_writes": None})
        follower.stop()
        self.assertEqual(PeerWatch(settings).look(), {"peer_writes": None})


if __name__ == "__main__":
    unittest.main()
