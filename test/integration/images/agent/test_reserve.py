"""agent/reserve.py: room that is there when the volume is full."""

from __future__ import annotations

import unittest
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from agent.reserve import SIZE, ReserveWatch, Step, step
from agent.settings import Settings
from agent.shared import Shared

MEBIBYTE = 1 << 20


class Rule(unittest.TestCase):
    def test_is_taken_while_there_is_ample_room_only(self) -> None:
        self.assertIs(self.step(1000, held=False), Step.TAKE)
        self.assertIs(self.step(200, held=False), Step.NOTHING)

    def test_is_given_up_when_not_one_segment_has_room(self) -> None:
        self.assertIs(self.step(17), Step.NOTHING)
        self.assertIs(self.step(15), Step.GIVE)

    def test_is_kept_while_the_server_works(self) -> None:
        self.assertIs(self.step(0, is_well=True), Step.NOTHING)

    def test_is_kept_for_the_time_when_the_archive_is_back(self) -> None:
        self.assertIs(self.step(0, waits=True), Step.NOTHING)

    def test_is_not_taken_back_from_what_it_was_given_up_for(self) -> None:
        self.assertIs(self.step(SIZE // MEBIBYTE, held=False), Step.NOTHING)

    @staticmethod
    def step(
        mebibytes: int, held: bool = True, is_well: bool = False, waits: bool = False
    ) -> Step:
        return step(mebibytes * MEBIBYTE, held, is_well, waits)


class Volume(unittest.TestCase):
    def test_holds_a_file_of_its_size_until_the_volume_is_full(self) -> None:
        with TemporaryDirectory() as folder:
            data = Path(folder) / "pgdata"
            reserve = Path(folder) / "lifeline" / "reserve"
            settings = Settings("p-0", "a", ("b", 1), "shop", data_folder=data)
            watch = ReserveWatch(settings, Shared(5))
            watch.look()
            self.assertEqual(reserve.stat().st_blocks * 512, SIZE)
            with mock.patch("os.statvfs", return_value=mock.Mock(f_bavail=1, f_frsize=4096)):
                (status := data / "pg_wal" / "archive_status").mkdir(parents=True)
                (status / "0001.ready").touch()
                watch.look()
                self.assertTrue(reserve.exists())
                (status / "0001.ready").unlink()
                watch.look()
                self.assertFalse(reserve.exists())


if __name__ == "__main__":
    unittest.main()
