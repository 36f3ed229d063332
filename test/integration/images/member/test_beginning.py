"""beginning/: what a member that was killed while it made the cluster leaves behind, and who tidies it up."""

from __future__ import annotations

import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

from agent.settings import Settings
from beginning.main import Patience, tidy, tidy_up
from beginning.rule import Data, State, Step, is_remnant, step
from support import World

PATIENCE = Patience(quiet=0.2, whole=2, pause=0.02)
ABANDONED = State(initialize="", led=False, others_busy=False, version="1")
HALF = Data(system="7", lived=False)


class Right(unittest.TestCase):
    """Who may make the cluster."""

    def test_is_given_back_when_nobody_used_it_for_long(self) -> None:
        self.assertIs(step(ABANDONED, 11, 12), Step.WAIT)
        self.assertIs(step(ABANDONED, 12, 12), Step.RELEASE)

    def test_stays_with_whoever_makes_the_cluster(self) -> None:
        self.assertIs(step(replace(ABANDONED, others_busy=True), 99, 12), Step.START)

    def test_is_nobodys_concern_before_the_beginning_and_once_the_cluster_is_made(self) -> None:
        for initialize in (None, "7"):
            self.assertIs(step(replace(ABANDONED, initialize=initialize), 99, 12), Step.START)

    def test_is_never_touched_in_a_cluster_that_was_led(self) -> None:
        self.assertIs(step(replace(ABANDONED, led=True), 99, 12), Step.START)


class Remnants(unittest.TestCase):
    """Data that never became a member's."""

    def test_are_half_a_cluster_that_nobody_ever_led(self) -> None:
        for initialize in (None, ""):
            for system in (None, "7"):
                state = replace(ABANDONED, initialize=initialize)
                self.assertTrue(is_remnant(replace(HALF, system=system), state))

    def test_are_another_cluster_or_half_a_copy_once_one_is_made(self) -> None:
        state = replace(ABANDONED, initialize="7", led=True)
        self.assertFalse(is_remnant(HALF, state))
        self.assertTrue(is_remnant(replace(HALF, system=None), state))
        self.assertTrue(is_remnant(replace(HALF, system="8"), state))

    def test_are_never_what_has_lived(self) -> None:
        for initialize in (None, "", "8"):
            state = replace(ABANDONED, initialize=initialize)
            self.assertFalse(is_remnant(Data(system=None, lived=True), state))

    def test_are_never_what_a_cluster_that_was_led_may_need(self) -> None:
        self.assertFalse(is_remnant(HALF, replace(ABANDONED, led=True)))


class FakeCluster:
    """Patroni's state; the last one stays."""

    def __init__(self, *states: State) -> None:
        self.left = list(states)
        self.released: list[str] = []

    def state(self) -> State:
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]

    def release(self, version: str) -> None:
        self.released.append(version)


class Start(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.data = Path(folder.name) / "pgdata"
        self.settings = Settings("p-0", "a", ("peer", 5432), "shop", data_folder=self.data)

    def begin(self, *states: State) -> FakeCluster:
        cluster = FakeCluster(*states)
        tidy_up(cluster, self.settings, PATIENCE)
        return cluster

    def half_made(self) -> None:
        (self.data / "base").mkdir(parents=True)

    def test_makes_an_abandoned_cluster_possible_again(self) -> None:
        self.half_made()
        self.assertEqual(self.begin(ABANDONED).released, ["1"])
        self.assertFalse(self.data.exists())

    def test_counts_the_quiet_from_the_last_change(self) -> None:
        states = [replace(ABANDONED, version=str(number)) for number in range(5)]
        self.assertEqual(self.begin(*states).released, ["4"])

    def test_does_not_wait_for_a_member_that_makes_the_cluster(self) -> None:
        self.assertEqual(self.begin(ABANDONED, replace(ABANDONED, others_busy=True)).released, [])

    def test_keeps_data_that_lived(self) -> None:
        self.half_made()
        self.settings.lived_file.parent.mkdir()
        self.settings.lived_file.touch()
        self.begin(replace(ABANDONED, initialize="8", led=True))
        self.assertTrue(self.data.exists())

    def test_knows_a_copy_of_the_cluster_from_another_one(self) -> None:
        world = World()
        self.addCleanup(world.end)
        server = world.server("one").create()
        system = str(server.sql("SELECT system_identifier FROM pg_control_system()"))
        server.stop()
        self.settings = replace(self.settings, data_folder=server.data)
        made = replace(ABANDONED, initialize=system, led=True)
        self.begin(made)
        self.assertTrue(server.data.exists())
        self.begin(replace(made, initialize="8"))
        self.assertFalse(server.data.exists())

    def test_asks_again_while_the_api_does_not_answer(self) -> None:
        cluster = FakeCluster(ABANDONED)
        answers = cluster.state
        failures = [OSError("refused"), OSError("refused")]

        def state() -> State:
            if failures:
                raise failures.pop()
            return answers()

        cluster.state = state  # type: ignore[method-assign]
        self.half_made()
        tidy_up(cluster, self.settings, PATIENCE)
        self.assertEqual(cluster.released, ["1"])

    def test_looks_again_when_something_changed_before_the_right_was_given_back(self) -> None:
        cluster = FakeCluster(ABANDONED)
        give_back = cluster.release
        conflicts = [OSError("409")]

        def release(version: str) -> None:
            if conflicts:
                raise conflicts.pop()
            give_back(version)

        cluster.release = release  # type: ignore[method-assign]
        tidy_up(cluster, self.settings, PATIENCE)
        self.assertEqual(cluster.released, ["1"])

    def test_starts_without_an_answer_unless_the_data_may_be_a_remnant(self) -> None:
        environment = {
            **{name: "x" for name in ("PGHOST", "POD_NAME", "REGION", "POSTGRES_DB")},
            **{name: "x" for name in ("POSTGRES_USER", "POSTGRES_PASSWORD_FILE", "TLS_FOLDER")},
            "PGDATA": str(self.data),
            "PEER_POSTGRES": "peer:5432",
            "GENERATION": "1",
        }
        # There is no API at all.
        tidy(environment)
        self.half_made()
        with self.assertRaises(SystemExit):
            tidy(environment)
        self.settings.lived_file.parent.mkdir()
        self.settings.lived_file.touch()
        tidy(environment)
