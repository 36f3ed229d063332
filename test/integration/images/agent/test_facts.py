"""Facts, metrics and settings of the agent, without any server."""

from __future__ import annotations

import io
import json
import os
import sys
import time
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.backups import backup_facts
from agent.catalogue import METRICS, PREFIX
from agent.command import CommandError, must, run
from agent.disk import DiskWatch
from agent.metrics import Registry
from agent.proof import proof_facts
from agent.settings import BadEnvironmentError, Settings, settings_from
from agent.shared import Recent
from agent.watch import Watch
from support import until

DOCS = Path(os.environ["LIFELINE_DOCS"]) / "metrics.md"


class Documentation(unittest.TestCase):
    def test_the_table_in_docs_is_what_the_agent_serves(self) -> None:
        rows = [line for line in DOCS.read_text().splitlines() if line.startswith(f"| `{PREFIX}")]
        shown = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows]
        served = [
            (
                f"`{PREFIX}{name}`",
                f"`{metric.label}`" if metric.label else "",
                metric.watch,
                metric.meaning,
            )
            for name, metric in METRICS.items()
        ]
        self.assertEqual(shown, served)


class Metrics(unittest.TestCase):
    def setUp(self) -> None:
        self.now = 100.0
        self.registry = Registry(lambda: self.now)

    def test_values_are_served_as_prometheus_text(self) -> None:
        self.registry.publish("lineage", {"timeline": 3, "replay_lag_bytes": None}, 10)
        self.registry.publish("member", {"role": {"leader": 1, 'x"\n\\': 0}}, 10)
        text = self.registry.render()
        self.assertIn("# TYPE lifeline_postgres_timeline gauge\n", text)
        self.assertIn("\nlifeline_postgres_timeline 3.0\n", text)
        self.assertIn('\nlifeline_postgres_role{role="leader"} 1.0\n', text)
        self.assertIn('{role="x\\"\\n\\\\"} 0.0\n', text)
        self.assertNotIn("replay_lag_bytes", text)

    def test_a_value_that_nobody_renews_disappears(self) -> None:
        self.registry.publish("lineage", {"timeline": 3}, 10)
        self.now = 110
        self.assertIn("timeline 3.0", self.registry.render())
        self.now = 110.1
        self.assertNotIn("timeline", self.registry.render())

    def test_a_watch_that_fails_grows_old_from_its_beginning_on(self) -> None:
        self.registry.declare("proof")
        self.now = 130
        self.assertIn('watch_age_seconds{watch="proof"} 30.0', self.registry.render())
        self.registry.succeeded("proof")
        self.assertIn('watch_age_seconds{watch="proof"} 0.0', self.registry.render())

    def test_what_is_not_in_the_table_cannot_be_served(self) -> None:
        with self.assertRaises(KeyError):
            self.registry.publish("lineage", {"surprise": 1}, 10)
        with self.assertRaises(KeyError):
            self.registry.publish("disk", {"timeline": 1}, 10)


def backup(
    kind: str, start: int, stop: int, error: bool = False, checked: bool = True
) -> dict[str, object]:
    return {
        "annotation": {"checked": "2026-11-22T01:20:00Z"} if checked else None,
        "type": kind,
        "error": error,
        "timestamp": {"start": start, "stop": stop},
        "info": {"size": 9000, "repository": {"size": 500, "delta": stop}},
    }


def info(*backups: object, code: int = 0) -> list[object]:
    other = {"name": "other", "status": {"code": 9}, "backup": []}
    return [other, {"name": "main", "status": {"code": code}, "backup": list(backups)}]


class Backups(unittest.TestCase):
    def test_the_newest_of_each_type_counts(self) -> None:
        facts = backup_facts(
            info(backup("full", 10, 20), backup("diff", 30, 35), backup("full", 50, 70))
        )
        self.assertEqual(facts["backup_last_completion_seconds"], {"full": 70, "diff": 35})
        self.assertEqual(facts["backup_last_duration_seconds"], {"full": 20, "diff": 5})
        self.assertEqual(facts["backup_last_size_bytes"], {"full": 70, "diff": 35})
        self.assertEqual(facts["backup_failed"], 0)

    def test_a_backup_whose_run_failed_after_the_copy_does_not_count(self) -> None:
        unfinished = backup("full", 50, 70, checked=False)
        by_hand = {k: v for k, v in backup("diff", 80, 90).items() if k != "annotation"}
        facts = backup_facts(info(backup("full", 10, 20), unfinished, by_hand))
        self.assertEqual(facts["backup_last_completion_seconds"], {"full": 20})
        bad = backup("diff", 80, 90, error=True, checked=False)
        self.assertEqual(backup_facts(info(backup("full", 10, 20), bad))["backup_failed"], 1)

    def test_page_errors_in_the_newest_backup_are_a_failure_until_there_is_a_better_one(
        self,
    ) -> None:
        bad = backup("diff", 30, 35, error=True)
        self.assertEqual(backup_facts(info(backup("full", 10, 20), bad))["backup_failed"], 1)
        self.assertEqual(backup_facts(info(bad, backup("full", 40, 50)))["backup_failed"], 0)

    def test_a_repository_without_a_backup_or_with_an_error_is_a_failure(self) -> None:
        for code in (1, 2):
            facts = backup_facts(info(code=code))
            self.assertEqual(facts["backup_failed"], 1)
            self.assertEqual(facts["backup_last_completion_seconds"], {})

    def test_an_archive_that_cannot_be_read_is_no_failed_backup(self) -> None:
        """pgBackRest says so with exit code 0; the watch fails, and its age tells."""
        away = {"name": "main", "status": {"code": 99, "message": "other"}, "backup": []}
        repository = [{"status": {"code": 99, "message": "[HostConnectError] refused"}}]
        with self.assertRaisesRegex(ValueError, "HostConnectError"):
            backup_facts([{**away, "repo": repository}])

    def test_output_of_another_shape_is_refused(self) -> None:
        for output in ([], {}, None, [{"name": "main"}], info({"type": "full"})):
            with self.assertRaises(ValueError, msg=json.dumps(output)):
                backup_facts(output)


REPORT = {
    "startedAt": "2026-11-22T03:00:00Z",
    "finishedAt": "2026-11-22T03:10:00Z",
    "result": "green",
    "measuredRpoSeconds": 12.5,
    "measuredRtoSeconds": 240,
    "phases": [
        {"name": "restore", "seconds": 100.5, "ok": True},
        {"name": "amcheck", "seconds": 20, "ok": False},
    ],
}


class Proofs(unittest.TestCase):
    def test_a_report_becomes_numbers(self) -> None:
        facts = proof_facts(REPORT)
        self.assertEqual(facts["restore_proof_green"], 1)
        self.assertEqual(facts["restore_proof_finished_seconds"], 1795317000)
        self.assertEqual(facts["restore_proof_rpo_seconds"], 12.5)
        self.assertEqual(facts["restore_proof_rto_seconds"], 240)
        self.assertEqual(facts["restore_proof_phase_seconds"], {"restore": 100.5, "amcheck": 20})
        self.assertEqual(facts["restore_proof_phase_ok"], {"restore": 1, "amcheck": 0})

    def test_a_red_report_need_not_have_measured_anything(self) -> None:
        red = {"finishedAt": REPORT["finishedAt"], "result": "red", "phases": []}
        facts = proof_facts(red)
        self.assertEqual(facts["restore_proof_green"], 0)
        self.assertIsNone(facts["restore_proof_rto_seconds"])

    def test_a_report_of_another_shape_is_refused_and_never_green(self) -> None:
        wrong: list[object] = [None, [], {}, {**REPORT, "result": "ok"}, {**REPORT, "phases": [1]}]
        wrong += [{**REPORT, "finishedAt": "2026-11-22T03:10:00"}, {**REPORT, "finishedAt": 5}]
        for report in wrong:
            with self.assertRaises(ValueError, msg=json.dumps(report)):
                proof_facts(report)


ENVIRONMENT = {
    "PGDATA": "/data/pgdata",
    "PGHOST": "/var/run/postgresql",
    "POD_NAME": "postgres-1-a-0",
    "REGION": "a",
    "PEER_POSTGRES": "peer.example:30432",
    "GENERATION": "1",
    "POSTGRES_DB": "shop",
    "POSTGRES_USER": "shop",
    "POSTGRES_PASSWORD_FILE": "/password",
    "TLS_FOLDER": "/tls",
}


class Environment(unittest.TestCase):
    def test_the_contract_is_enough(self) -> None:
        settings = settings_from(ENVIRONMENT)
        self.assertEqual(settings.peer_postgres, ("peer.example", 30432))
        self.assertEqual(str(settings.alive_file), "/run/lifeline/alive")
        self.assertEqual(str(settings.lived_file), "/data/lifeline/alive")
        self.assertEqual(str(settings.diverged_file), "/run/lifeline/diverged")

    def test_everything_that_is_missing_is_named_at_once(self) -> None:
        with self.assertRaisesRegex(BadEnvironmentError, "PGDATA, POD_NAME must be set"):
            settings_from({**ENVIRONMENT, "PGDATA": "", "POD_NAME": ""})

    def test_an_address_must_have_a_port(self) -> None:
        for text in ("peer", ":5432", "peer:", "peer:x", "peer:0", "peer:65536"):
            with self.assertRaisesRegex(BadEnvironmentError, "PEER_POSTGRES must be host:port"):
                settings_from({**ENVIRONMENT, "PEER_POSTGRES": text})
        settings = settings_from({**ENVIRONMENT, "PEER_POSTGRES": "[::1]:5432"})
        self.assertEqual(settings.peer_postgres, ("::1", 5432))


class Commands(unittest.TestCase):
    def test_a_program_that_hangs_is_killed_with_its_children(self) -> None:
        started = time.monotonic()
        with self.assertRaisesRegex(CommandError, "bash gave no answer in 1 s"):
            run(["bash", "-c", "sleep 100 & echo $! >$FILE; wait"], 1, {"FILE": "/dev/null"})
        self.assertLess(time.monotonic() - started, 2.5)

    def test_a_failure_says_what_the_program_said(self) -> None:
        with self.assertRaisesRegex(CommandError, "bash ended with 3: no bucket"):
            must(["bash", "-c", "echo no bucket >&2; exit 3"], 5)


class Watches(unittest.TestCase):
    def test_a_watch_outlives_every_error_and_says_a_lasting_one_once(self) -> None:
        registry, log, looks = Registry(), io.StringIO(), []

        def look() -> dict[str, float]:
            looks.append(1)
            if len(looks) < 4:
                raise OSError("away")
            return {"timeline": 1}

        watch = Watch("lineage", 0.01, look, registry)
        with redirect_stdout(log):
            for _ in range(5):
                watch.once()
        self.assertEqual(
            log.getvalue(), "agent: lineage: OSError: away\nagent: lineage: works again\n"
        )
        self.assertIn("timeline 1.0", registry.render())

    def test_a_watch_that_hangs_delays_no_other(self) -> None:
        registry, looks = Registry(), []
        Watch("proof", 0.01, lambda: time.sleep(60) or {}, registry).start()
        Watch("disk", 0.01, lambda: looks.append(1) or {}, registry).start()
        until(lambda: len(looks) > 20, "many looks")

    def test_what_was_true_is_forgotten(self) -> None:
        now = [0.0]
        value: Recent[int] = Recent(20, lambda: now[0])
        value.set(1)
        now[0] = 20
        self.assertEqual(value.get(), 1)
        now[0] = 20.1
        self.assertIsNone(value.get())


class Disk(unittest.TestCase):
    def test_waiting_wal_and_space_are_measured(self) -> None:
        with TemporaryDirectory() as folder:
            data = Path(folder) / "pgdata"
            status = data / "pg_wal" / "archive_status"
            watch = DiskWatch(settings_from({**ENVIRONMENT, "PGDATA": str(data)}))
            self.assertEqual(set(watch.look()), {"volume_free_bytes", "volume_size_bytes"})

            status.mkdir(parents=True)
            (data / "pg_wal" / "0001").write_bytes(b"x" * 1000)
            (status / "0000.done").touch()
            self.assertEqual(watch.look()["wal_ready_count"], 0)
            self.assertEqual(watch.look()["wal_ready_oldest_age_seconds"], 0)
            for name, age in (("0001.ready", 50), ("0002.ready", 500)):
                (status / name).touch()
                os.utime(status / name, (time.time() - age,) * 2)
            facts = watch.look()
            self.assertEqual((facts["wal_ready_count"], facts["pg_wal_bytes"]), (2, 1000))
            age = facts["wal_ready_oldest_age_seconds"]
            assert isinstance(age, float)
            self.assertAlmostEqual(age, 500, delta=5)


class Start(unittest.TestCase):
    def test_a_missing_setting_is_a_sentence_and_exit_code_2(self) -> None:
        agent = Path(sys.modules["agent"].__file__ or "").parent.parent / "agent.py"
        finished = run([sys.executable, str(agent)], 10, {"PGDATA": "", "REGION": "a"})
        self.assertEqual(finished.code, 2)
        self.assertRegex(finished.errors, r"^agent: PGDATA, .* must be set\n$")

    def test_defaults_are_the_ports_of_the_pod(self) -> None:
        settings: Settings = settings_from(ENVIRONMENT)
        ports = [settings.postgres[1], settings.patroni[1], settings.pgbackrest[1]]
        self.assertEqual([*ports, settings.metrics_port], [5432, 8008, 8432, 9188])


if __name__ == "__main__":
    unittest.main()
