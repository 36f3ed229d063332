"""Segments, timelines and holes, without any server."""

from __future__ import annotations

import unittest

from recovery.wal import (
    Segment,
    Switch,
    chain,
    holding,
    parse_history,
    parse_lsn,
    segment,
    stored_histories,
    stored_segments,
)

SHA = "0123456789abcdef0123456789abcdef01234567"


def line(timeline: int, first: int, last: int) -> list[Segment]:
    return [Segment(timeline, number) for number in range(first, last + 1)]


def at(number: int, rest: int = 40) -> int:
    return number * 2**24 + rest


class Names(unittest.TestCase):
    def test_a_name_and_its_segment_are_the_same_thing(self) -> None:
        for name in (
            "000000010000000000000001",
            "0000000A000000020000007F",
            "0000000100000001000000FF",
        ):
            self.assertEqual(segment(name).name, name)
        self.assertEqual(segment("000000010000000100000000").number, 256)

    def test_other_names_are_refused(self) -> None:
        for name in (
            "",
            "00000002.history",
            "00000001000000000000000g",
            "0000000100000000000000011",
        ):
            with self.assertRaises(ValueError):
                segment(name)

    def test_wal_that_ends_at_a_boundary_lies_before_it(self) -> None:
        self.assertEqual(holding(parse_lsn("0/3000000")), 2)
        self.assertEqual(holding(parse_lsn("0/3000001")), 3)
        self.assertEqual(holding(0), 0)

    def test_a_listing_yields_segments_and_histories_but_no_partial_ones(self) -> None:
        one = f"0000000100000000/000000010000000000000003-{SHA}.zst"
        partial = f"0000000100000000/000000010000000000000004.partial-{SHA}.zst"
        mark = "0000000100000000/000000010000000000000003.00000028.backup"
        paths = [one, partial, mark, "00000002.history"]
        self.assertEqual(stored_segments(paths), {Segment(1, 3): [one]})
        self.assertEqual(stored_histories(paths), {2})

    def test_a_damaged_history_is_refused(self) -> None:
        good = '1\t0/5000028\tat restore point "v1"\n'
        self.assertEqual(parse_history(good), (Switch(1, at(5), 'at restore point "v1"'),))
        for text in ("", "\n", "1 0/5000028 reason\n", "one\t0/5\treason\n", "1\t5\treason\n"):
            with self.assertRaises(ValueError):
                parse_history(text)


class Ways(unittest.TestCase):
    def test_one_timeline_without_a_hole(self) -> None:
        way = chain(Segment(1, 3), line(1, 1, 9), {})
        self.assertEqual(list(way.segments), line(1, 3, 9))
        self.assertEqual(way.missing, ())

    def test_a_hole_is_named(self) -> None:
        have = [s for s in line(1, 3, 9) if s.number not in (5, 6)]
        self.assertEqual(chain(Segment(1, 3), have, {}).missing, tuple(line(1, 5, 6)))

    def test_a_missing_first_segment_is_a_hole(self) -> None:
        self.assertEqual(chain(Segment(1, 3), line(1, 4, 6), {}).missing, (Segment(1, 3),))
        self.assertEqual(chain(Segment(1, 3), [], {}).missing, (Segment(1, 3),))

    def test_the_way_changes_timelines_where_the_history_says(self) -> None:
        have = line(1, 3, 6) + line(2, 5, 8)
        way = chain(Segment(1, 3), have, {2: (Switch(1, at(5), "x"),)})
        self.assertEqual(list(way.segments), line(1, 3, 4) + line(2, 5, 8))
        self.assertEqual(way.missing, ())

    def test_the_segment_of_the_switch_is_needed_on_the_new_timeline(self) -> None:
        have = line(1, 3, 6) + line(2, 6, 8)
        way = chain(Segment(1, 3), have, {2: (Switch(1, at(5), "x"),)})
        self.assertEqual(way.missing, (Segment(2, 5),))

    def test_what_an_abandoned_timeline_archived_later_is_no_part_of_it(self) -> None:
        have = line(1, 3, 30) + line(2, 5, 8)
        self.assertEqual(
            chain(Segment(1, 3), have, {2: (Switch(1, at(5), "x"),)}).end, Segment(2, 8)
        )

    def test_several_changes_and_a_backup_in_the_middle(self) -> None:
        history = (Switch(1, at(5), "x"), Switch(2, at(7), "y"))
        have = line(1, 3, 5) + line(2, 5, 7) + line(3, 7, 9)
        histories = {2: history[:1], 3: history}
        way = chain(Segment(2, 6), have, histories)
        self.assertEqual(list(way.segments), [Segment(2, 6), *line(3, 7, 9)])

    def test_a_change_within_one_segment_is_followed(self) -> None:
        history = (Switch(1, at(5, 40), "x"), Switch(2, at(5, 90), "y"))
        have = line(1, 3, 5) + line(2, 5, 5) + line(3, 5, 6)
        way = chain(Segment(1, 3), have, {2: history[:1], 3: history})
        self.assertEqual(list(way.segments), line(1, 3, 4) + line(3, 5, 6))

    def test_a_timeline_that_left_before_the_backup_is_not_followed(self) -> None:
        have = line(1, 3, 9) + line(2, 4, 12)
        way = chain(Segment(1, 6), have, {2: (Switch(1, at(4), "x"),)})
        self.assertEqual(list(way.segments), line(1, 6, 9))

    def test_a_timeline_without_its_history_is_an_error(self) -> None:
        with self.assertRaisesRegex(ValueError, "00000002.history is missing"):
            chain(Segment(1, 3), line(1, 3, 5) + line(2, 5, 6), {})

    def test_a_restored_generation_begins_on_a_later_timeline(self) -> None:
        way = chain(Segment(4, 7), line(4, 6, 9), {})
        self.assertEqual(list(way.segments), line(4, 7, 9))


if __name__ == "__main__":
    unittest.main()
