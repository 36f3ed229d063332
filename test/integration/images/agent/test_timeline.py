"""agent/timeline.py: whose past is part of whose."""

from __future__ import annotations

import random
import unittest
from dataclasses import dataclass, replace

from agent.timeline import (
    Judgement,
    Lineage,
    Relation,
    Switch,
    format_lsn,
    judge,
    parse_history,
    parse_lsn,
)


def lineage(timeline: int, lsn: int, *history: tuple[int, int], **other: object) -> Lineage:
    return replace(
        Lineage("7", timeline, lsn, False, tuple(Switch(t, p) for t, p in history)), **other
    )


class Reading(unittest.TestCase):
    def test_positions_survive_the_way_there_and_back(self) -> None:
        for text in ("0/0", "0/1C004650", "16/B374D848", "FFFFFFFF/FFFFFFFF"):
            self.assertEqual(format_lsn(parse_lsn(text)), text)
        self.assertEqual(parse_lsn("1/0"), 1 << 32)
        self.assertEqual(parse_lsn("a/ff"), parse_lsn("A/FF"))

    def test_what_is_no_position_is_refused(self) -> None:
        for text in ("", "0", "0/", "/0", "0/G", "0/123456789", "0/1 ", "-1/0"):
            with self.assertRaises(ValueError, msg=text):
                parse_lsn(text)

    def test_a_history_is_read_with_comments_and_empty_lines(self) -> None:
        text = (
            "# made by hand\n1\t0/3000148\tno recovery target specified\n\n2\t0/5000000\tbefore x\n"
        )
        self.assertEqual(parse_history(text), (Switch(1, 0x3000148), Switch(2, 0x5000000)))
        self.assertEqual(parse_history(""), ())

    def test_a_damaged_history_is_refused(self) -> None:
        for text in (
            "1\n",
            "x\t0/1\ty\n",
            "1\t0\ty\n",
            "2\t0/1\ta\n1\t0/2\tb\n",
            "1\t0/1\n1\t0/2\n",
        ):
            with self.assertRaises(ValueError, msg=text):
                parse_history(text)


class Judging(unittest.TestCase):
    """`upstream` writes on timeline 4: 1 was left at 100, 2 at 200, 3 at 300."""

    upstream = lineage(4, 400, (1, 100), (2, 200), (3, 300))

    def assert_relation(self, relation: Relation, own: Lineage, **upstream: object) -> Judgement:
        judgement = judge(own, replace(self.upstream, **upstream))
        self.assertIs(judgement.relation, relation, judgement.reason)
        return judgement

    def test_a_member_behind_on_the_same_timeline_can_follow(self) -> None:
        history = ((1, 100), (2, 200), (3, 300))
        self.assert_relation(Relation.ANCESTOR, lineage(4, 350, *history))
        self.assert_relation(Relation.ANCESTOR, lineage(4, 400, *history))

    def test_an_older_timeline_can_follow_up_to_the_byte_where_it_was_left(self) -> None:
        self.assert_relation(Relation.ANCESTOR, lineage(3, 300, (1, 100), (2, 200)))
        self.assert_relation(Relation.DIVERGED, lineage(3, 301, (1, 100), (2, 200)))
        self.assert_relation(Relation.ANCESTOR, lineage(1, 100))
        self.assert_relation(Relation.DIVERGED, lineage(1, 101))

    def test_a_timeline_the_upstream_never_was_on_is_a_fork(self) -> None:
        own = lineage(3, 150, (1, 100))
        self.assert_relation(
            Relation.DIVERGED, own, history=(Switch(1, 100), Switch(2, 200)), timeline=5
        )

    def test_the_same_number_reached_another_way_is_a_fork(self) -> None:
        self.assert_relation(Relation.DIVERGED, lineage(4, 350, (1, 100), (2, 200), (3, 290)))
        self.assert_relation(Relation.DIVERGED, lineage(4, 350, (1, 100), (3, 300)))
        self.assert_relation(Relation.DIVERGED, lineage(4, 250, (1, 100), (2, 200)))
        self.assert_relation(Relation.DIVERGED, lineage(3, 250, (1, 100), (2, 190)))

    def test_being_ahead_of_one_who_writes_is_a_fork(self) -> None:
        own = lineage(4, 401, (1, 100), (2, 200), (3, 300))
        self.assert_relation(Relation.DIVERGED, own)

    def test_being_ahead_of_one_who_follows_is_none(self) -> None:
        """A standby that was restarted first replays what it has."""
        own = lineage(4, 401, (1, 100), (2, 200), (3, 300))
        self.assert_relation(Relation.ANCESTOR, own, in_recovery=True)

    def test_a_newer_timeline_than_that_of_one_who_writes_is_a_fork(self) -> None:
        self.assert_relation(Relation.DIVERGED, lineage(5, 10, (4, 5)))

    def test_a_newer_timeline_than_that_of_one_who_follows_tells_nothing(self) -> None:
        self.assert_relation(Relation.UNKNOWN, lineage(5, 10, (4, 5)), in_recovery=True)

    def test_another_database_is_foreign_wherever_it_is(self) -> None:
        self.assert_relation(Relation.FOREIGN, lineage(4, 350, system="8"))
        self.assert_relation(Relation.FOREIGN, lineage(9, 350, system="8"))

    def test_without_the_upstreams_history_an_older_timeline_tells_nothing(self) -> None:
        self.assert_relation(Relation.UNKNOWN, lineage(3, 350), history=None)

    def test_without_its_own_history_the_numbers_decide(self) -> None:
        self.assert_relation(Relation.ANCESTOR, lineage(4, 350, history=None))
        self.assert_relation(Relation.DIVERGED, lineage(3, 301, history=None))

    def test_a_history_that_begins_late_is_compared_from_there(self) -> None:
        """Where a file was missing at a promotion the later ones lack the oldest lines."""
        self.assert_relation(Relation.ANCESTOR, lineage(4, 350, (2, 200), (3, 300)))
        self.assert_relation(Relation.DIVERGED, lineage(4, 350, (2, 199), (3, 300)))

    def test_the_reason_names_timelines_and_positions(self) -> None:
        reason = self.assert_relation(Relation.DIVERGED, lineage(3, 301, (1, 100), (2, 200))).reason
        self.assertEqual(reason, "timeline 3 at 0/12D is past 0/12C, where it was left")


@dataclass
class Node:
    """A server of the model: every record it ever wrote or replayed, in order."""

    log: tuple[int, ...] = (0,)
    timeline: int = 1
    switches: tuple[tuple[int, int], ...] = ()

    def lineage(self) -> Lineage:
        return lineage(self.timeline, len(self.log), *self.switches)


class Model(unittest.TestCase):
    """Forks made at random, judged against the records themselves."""

    def test_the_verdict_is_what_the_records_say(self) -> None:
        seen = dict.fromkeys(Relation, 0)
        for seed in range(3000):
            chance = random.Random(seed)
            nodes = [Node() for _ in range(3)]
            for record in range(1, 40):
                self.step(chance, nodes, record)
                own, upstream = chance.sample(nodes, 2)
                judgement = judge(own.lineage(), upstream.lineage())
                seen[judgement.relation] += 1
                can_follow = own.log == upstream.log[: len(own.log)]
                if can_follow or not self.looks_alike(own, upstream):
                    self.assertEqual(
                        judgement.relation is Relation.ANCESTOR,
                        can_follow,
                        f"seed {seed}: {own} {upstream} {judgement.reason}",
                    )
        self.assertGreater(seen[Relation.ANCESTOR], 1000)
        self.assertGreater(seen[Relation.DIVERGED], 1000)

    def looks_alike(self, own: Node, upstream: Node) -> bool:
        """Both left the same timeline at the same byte for the same number: no history tells, standing still does."""
        way = [s for s in upstream.switches if s[0] < own.timeline]
        ends = dict(upstream.switches)
        known = own.timeline == upstream.timeline or own.timeline in ends
        end = ends.get(own.timeline, len(upstream.log))
        return known and list(own.switches) == way and len(own.log) <= end

    def step(self, chance: random.Random, nodes: list[Node], record: int) -> None:
        node, other = chance.sample(nodes, 2)
        deed = chance.choice(["write", "write", "promote", "follow", "follow", "rewind"])
        if deed == "write":
            node.log += (record,)
        elif deed == "promote":
            node.switches += ((node.timeline, len(node.log)),)
            # The number after the highest one it knows of, which is not always its own.
            node.timeline += chance.choice([1, 1, 1, 2])
            node.log += (record,)
        elif deed == "rewind" or node.log == other.log[: len(node.log)]:
            self.copy(node, other, chance.randint(1, len(other.log)))

    def copy(self, node: Node, other: Node, length: int) -> None:
        """Follows another server's records up to a position, on the timeline that position belongs to."""
        if node.log == other.log[: len(node.log)]:
            length = max(length, len(node.log))
        node.log = other.log[:length]
        # A position where a timeline was left belongs to that one until a record of the next is there.
        node.switches = tuple(s for s in other.switches if s[1] < length)
        later = [s for s in other.switches if s[1] >= length]
        node.timeline = later[0][0] if later else other.timeline


if __name__ == "__main__":
    unittest.main()
