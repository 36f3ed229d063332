"""agent/healing.py and agent/cluster.py: who may be rebuilt, how and how often."""

from __future__ import annotations

import unittest
from dataclasses import replace

from agent.cluster import Member, member_from
from agent.healing import Healer, Remedy, remedy_for
from agent.patroni import Patroni, Reply
from agent.settings import Timing
from agent.verdict import Health, Verdict

REPLICA = Member("p-1", "replica", busy=False, starting=False, has_leader=True)
STANDBY_LEADER = replace(REPLICA, role="standby_leader", candidates=("p-2",))
DIVERGED = Verdict(Health.DIVERGED, "past the fork", 0)

CLUSTER = {
    "members": [
        {"name": "p-0", "role": "leader", "state": "running", "host": "p-0.members", "port": 5433},
        {"name": "p-1", "role": "sync_standby", "state": "streaming", "timeline": 3},
        {"name": "p-2", "role": "replica", "state": "in archive recovery", "timeline": 4},
        {"name": "p-3", "role": "replica", "state": "creating replica"},
        {"name": "p-4", "role": "replica", "state": "streaming", "timeline": 4},
    ]
}


class Remedies(unittest.TestCase):
    def path(self, verdict: Verdict, member: Member | None, writes: bool = False) -> str | None:
        remedy = remedy_for(verdict, member, writes)
        return None if remedy is None else remedy.path

    def test_a_replica_is_made_anew(self) -> None:
        self.assertEqual(self.path(DIVERGED, REPLICA), "/reinitialize")
        self.assertEqual(
            self.path(replace(DIVERGED, health=Health.STUCK), REPLICA), "/reinitialize"
        )

    def test_a_replica_whose_copy_did_not_help_is_copied_from_the_leader_past_the_archive(
        self,
    ) -> None:
        bodies = [remedy_for(DIVERGED, REPLICA, False, attempts) for attempts in (0, 1, 2)]
        self.assertEqual(
            [remedy and remedy.body for remedy in bodies],
            [{"force": True}, *[{"force": True, "from_leader": True}] * 2],
        )

    def test_the_standby_leader_hands_over_the_key_because_patroni_does_not_rebuild_it(
        self,
    ) -> None:
        remedy = remedy_for(DIVERGED, STANDBY_LEADER, False)
        assert remedy is not None
        self.assertEqual(
            (remedy.path, remedy.body), ("/switchover", {"leader": "p-1", "candidate": "p-2"})
        )

    def test_a_standby_leader_without_another_member_is_restarted(self) -> None:
        self.assertEqual(self.path(DIVERGED, replace(STANDBY_LEADER, candidates=())), "/restart")

    def test_the_writing_leader_is_never_touched(self) -> None:
        self.assertIsNone(self.path(DIVERGED, replace(REPLICA, role="leader")))

    def test_a_server_that_is_not_in_recovery_is_never_touched_whatever_its_role(self) -> None:
        self.assertIsNone(self.path(DIVERGED, REPLICA, writes=True))
        self.assertIsNone(self.path(DIVERGED, STANDBY_LEADER, writes=True))

    def test_without_a_leader_there_is_nothing_to_copy_from(self) -> None:
        self.assertIsNone(self.path(DIVERGED, replace(REPLICA, has_leader=False)))

    def test_nothing_is_done_while_patroni_is_at_it_or_silent(self) -> None:
        self.assertIsNone(self.path(DIVERGED, replace(REPLICA, busy=True)))
        self.assertIsNone(self.path(DIVERGED, None))

    def test_another_database_is_never_deleted(self) -> None:
        self.assertIsNone(self.path(replace(DIVERGED, health=Health.FOREIGN), REPLICA))

    def test_a_member_that_is_well_or_unknown_is_left_alone(self) -> None:
        for health in (Health.WELL, Health.UNKNOWN):
            self.assertIsNone(self.path(replace(DIVERGED, health=health), REPLICA))


class Deaf(Patroni):
    """Refuses everything."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, object]]] = []

    def post(self, path: str, body: dict[str, object]) -> Reply:
        self.asked.append((path, body))
        return Reply(503, "restarting already in progress")


class Patience(unittest.TestCase):
    def setUp(self) -> None:
        self.healer = Healer(Timing())
        self.patroni = Deaf()

    def attempts_until(self, end: int) -> list[int]:
        remedy = Remedy("/reinitialize", {}, "heals")
        times = []
        for now in range(0, end, 5):
            if self.healer.is_due(DIVERGED, now):
                self.healer.attempt(remedy, self.patroni, now)
                times.append(now)
        return times

    def test_the_first_attempt_comes_after_five_minutes_the_next_ever_more_rarely(self) -> None:
        self.assertEqual(self.attempts_until(12_000), [300, 600, 1500, 4200, 7800, 11400])

    def test_a_member_that_was_well_in_between_starts_from_the_beginning(self) -> None:
        self.attempts_until(2000)
        self.assertFalse(self.healer.is_due(Verdict(Health.WELL, "", 2000), 2000))
        self.assertEqual(self.healer.attempts, 0)
        again = Verdict(Health.STUCK, "", 2100)
        self.assertFalse(self.healer.is_due(again, 2399))
        self.assertTrue(self.healer.is_due(again, 2400))

    def test_the_answer_of_patroni_is_told(self) -> None:
        said = self.healer.attempt(
            Remedy("/reinitialize", {"force": True}, "heals"), self.patroni, 0
        )
        self.assertEqual(said, "heals: Patroni answered 503 restarting already in progress")
        self.assertEqual(self.patroni.asked, [("/reinitialize", {"force": True})])


class Members(unittest.TestCase):
    def test_a_replica_knows_its_leaders_address(self) -> None:
        member = member_from("p-1", False, {"role": "replica", "state": "running"}, CLUSTER)
        self.assertEqual((member.role, member.leader), ("replica", ("p-0.members", 5433)))
        self.assertTrue(member.has_leader)

    def test_only_the_holder_of_the_key_is_the_leader(self) -> None:
        status = {"role": "primary", "state": "running"}
        self.assertEqual(member_from("p-0", True, status, CLUSTER).role, "leader")
        self.assertEqual(member_from("p-0", False, status, CLUSTER).role, "none")
        self.assertEqual(member_from("p-0", False, status, None).role, "none")

    def test_the_leader_follows_nobody(self) -> None:
        self.assertIsNone(member_from("p-0", True, {"role": "primary"}, CLUSTER).leader)

    def test_a_standby_leader_is_known_with_and_without_kubernetes(self) -> None:
        cluster = {"members": [{"name": "p-0", "role": "standby_leader", "state": "streaming"}]}
        status = {"role": "standby_leader", "state": "running"}
        for answer in (cluster, None):
            self.assertEqual(member_from("p-0", False, status, answer).role, "standby_leader")

    def test_a_member_whose_postgres_died_as_a_primary_is_the_replica_that_the_others_see(
        self,
    ) -> None:
        member = member_from("p-2", False, {"role": "primary", "state": "start failed"}, CLUSTER)
        self.assertEqual((member.role, member.busy), ("replica", False))

    def test_the_best_candidate_streams_and_is_on_the_newest_timeline(self) -> None:
        cluster = {"members": [{**m, "role": "replica"} for m in CLUSTER["members"]]}
        self.assertEqual(member_from("p-0", False, {}, cluster).candidates, ("p-4", "p-1", "p-2"))

    def test_making_a_copy_is_busy_starting_is_not(self) -> None:
        self.assertTrue(member_from("p", False, {"state": "creating replica"}, None).busy)
        starting = member_from("p", False, {"state": "starting"}, None)
        self.assertEqual((starting.busy, starting.starting), (False, True))

    def test_answers_that_are_not_patronis_are_refused(self) -> None:
        for status, cluster in (([], None), ("x", None), ({}, {}), ({}, {"members": ["p"]})):
            with self.assertRaises(ValueError):
                member_from("p", False, status, cluster)


if __name__ == "__main__":
    unittest.main()
