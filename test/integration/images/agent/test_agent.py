"""The whole agent: started as in the pod, beside real servers, with everything around it going wrong."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.request
from pathlib import Path
from statistics import median

from agent.catalogue import METRICS, PREFIX
from agent.command import must
from agent.settings import Settings
from support import QUICK, FakePatroni, Server, World, free_port, until

# Ports and paths of a pod are taken on a machine that runs tests; everything else is as main() does it.
PROGRAM = """
import pickle, sys
from agent import main
settings = pickle.load(open(sys.argv[1], "rb"))
main.settings_from = lambda _: settings
main.ProofWatch = lambda s, of=main.ProofWatch: of(s, sys.argv[2])
sys.exit(main.main())
"""


class Agent:
    """The process, its log and its metrics."""

    def __init__(self, world: World, settings: Settings) -> None:
        folder = settings.state_folder
        (folder / "settings").write_bytes(pickle.dumps(settings))
        self.port = settings.metrics_port
        self.log = folder / "agent.log"
        environment = {
            "PATH": f"{world.folder / 'bin'}:/usr/lib/postgresql/15/bin:/usr/bin:/bin",
            "PYTHONPATH": ":".join(sys.path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "GENERATION": "1",
            "POSTGRES_DB": "shop",
            "POSTGRES_USER": "shop_user",
            "POSTGRES_PASSWORD_FILE": str(settings.password_file),
            "PGBACKREST_CONFIG": str(world.folder / "pgbackrest.conf"),
        }
        words = [sys.executable, "-c", PROGRAM, str(folder / "settings")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*words, str(world.folder / "bucket" / "reports")],
                stdout=log,
                stderr=log,
                env=environment,
            )
        until(lambda: self.metrics() or self.process.poll() is not None, "the agent answers")

    def metrics(self) -> dict[str, float]:
        """Everything it serves; empty when it does not answer."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/metrics", timeout=2
            ) as reply:
                text = reply.read().decode()
        except OSError:
            return {}
        found = re.findall(rf"^{PREFIX}(\S+) (\S+)$", text, re.M)
        return {name: float(value) for name, value in found}

    def shows(self, name: str, value: float) -> None:
        """Waits for a value."""
        until(lambda: self.metrics().get(name) == value, f"{name} {value}: {self.metrics()}")

    def memory(self) -> int:
        """MiB in memory, at most so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024  # type: ignore[index]

    def stop(self) -> int:
        """As the kubelet does."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(10)


class Living(unittest.TestCase):
    world: World

    def setUp(self) -> None:
        self.world = World()
        self.addCleanup(self.world.end)
        self.primary = self.world.server("primary").create()
        self.patroni = FakePatroni(self.world.certificates)
        self.addCleanup(self.patroni.stop)
        self.password = self.world.folder / "password"
        self.password.write_text("first")
        self.make_archive()

    def make_archive(self) -> None:
        """A bucket of pgBackRest with a backup, as files."""
        folder = self.world.folder
        for name in ("bucket", "lock", "bin", "spool"):
            (folder / name).mkdir()
        tls = self.world.certificates.folder
        self.backup_port = free_port()
        (folder / "pgbackrest.conf").write_text(
            f"[global]\nrepo1-path={folder}/bucket/postgres-1\nrepo1-cipher-type=aes-256-cbc\n"
            f"repo1-cipher-pass=secret\nlock-path={folder}/lock\nlog-path={folder}\nlog-level-console=info\n"
            f"archive-check=n\nstart-fast=y\nspool-path={folder}/spool\n"
            f"tls-server-address=127.0.0.1\ntls-server-port={self.backup_port}\n"
            f"tls-server-ca-file={tls}/ca.crt\ntls-server-cert-file={tls}/tls.crt\n"
            f"tls-server-key-file={tls}/tls.key\ntls-server-auth=database=main\n"
            f"[main]\npg1-path={self.primary.data}\npg1-port={self.primary.port}\n"
            f"pg1-socket-path={self.primary.sockets}\npg1-user=postgres\n"
        )

    def back_up(self) -> None:
        config = {"PGBACKREST_CONFIG": str(self.world.folder / "pgbackrest.conf")}
        must(["pgbackrest", "--stanza=main", "--no-online", "stanza-create"], 30, config)
        self.primary.stop()
        words = ["--no-online", "--type=full", "--annotation=checked=2026-11-22T01:20:00Z", "backup"]
        must(["pgbackrest", "--stanza=main", *words], 60, config)
        self.primary.start()

    def prove(self) -> None:
        reports = self.world.folder / "bucket" / "reports" / "restore-proof"
        reports.mkdir(parents=True, exist_ok=True)
        phases = [{"name": "restore", "seconds": 3, "ok": True}]
        report = {"startedAt": "2026-11-22T03:00:00Z", "finishedAt": "2026-11-22T03:10:00Z"}
        report |= {"result": "green", "measuredRpoSeconds": 1, "measuredRtoSeconds": 9}
        (reports / "latest.json").write_text(json.dumps({**report, "phases": phases}))

    def serve_backups(self) -> None:
        program = Path(sys.modules["agent"].__file__ or "").parent / "backup_server.py"
        config = str(self.world.folder / "pgbackrest.conf")
        server = subprocess.Popen(
            [sys.executable, str(program)],
            env={
                "PATH": "/usr/bin:/bin",
                "PGBACKREST_CONFIG": config,
                "TLS_FOLDER": str(self.world.certificates.folder),
            },
            stdout=subprocess.DEVNULL,
        )

        def end() -> None:
            server.terminate()
            self.assertIn(server.wait(10), (0, 63), "it ends when told to")

        self.addCleanup(end)

    def agent(self, server: Server, **more: object) -> Agent:
        values: dict[str, object] = {
            "metrics_port": free_port(),
            "password_file": self.password,
            "scripts": Path(sys.modules["agent"].__file__ or "").parent.parent,
            "pgbackrest": ("localhost", self.backup_port),
            **more,
        }
        agent = Agent(self.world, self.world.settings(server, self.patroni, **values))
        self.addCleanup(agent.stop)
        return agent

    def test_serves_every_metric_of_the_table_in_little_memory(self) -> None:
        self.back_up()
        self.prove()
        self.serve_backups()
        standby = self.world.server("standby").copy(self.primary)
        self.patroni.lead("p-0")
        leader = self.agent(self.primary)
        following = FakePatroni(self.world.certificates)
        self.addCleanup(following.stop)
        following.follow("p-0", self.primary)
        member = self.agent(standby, patroni=("localhost", following.port))

        def missing() -> set[str]:
            seen = {name.partition("{")[0] for name in [*leader.metrics(), *member.metrics()]}
            return set(METRICS) - seen

        self.primary.sql("CREATE TABLE t AS SELECT 1; SELECT pg_switch_wal()")
        until(lambda: not missing(), f"everything is there, not {missing()}", 30)
        facts = leader.metrics()
        self.assertEqual(facts['role{role="leader"}'], 1)
        self.assertEqual(facts["restore_proof_green"], 1)
        self.assertEqual(facts["backup_failed"], 0)
        self.assertAlmostEqual(
            facts['backup_last_completion_seconds{type="full"}'], time.time(), delta=60
        )
        for service in ("postgres", "patroni", "pgbackrest"):
            left = facts[f'certificate_expiry_seconds{{service="{service}"}}'] / 86400
            self.assertAlmostEqual(left, 20, delta=1)
        time.sleep(5)
        self.assertLess(max(leader.memory(), member.memory()), 48)
        self.assertEqual(leader.stop(), 0)

    def test_a_changed_password_counts_within_seconds(self) -> None:
        self.patroni.lead("p-0")
        self.agent(self.primary)

        def stored() -> str:
            return self.primary.sql(
                "SELECT coalesce((SELECT rolpassword FROM pg_authid WHERE rolname = 'shop_user'), '')"
            )

        def stays() -> bool:
            before = stored()
            time.sleep(1)
            return before != "" and stored() == before

        until(stays, "the role has a password, which is not changed without need")
        before = stored()
        self.password.write_text("second")
        until(lambda: stored() != before, "the role has another password")

    def test_roles_are_left_alone_before_patroni_has_the_key(self) -> None:
        """Bootstrap makes them itself; two at once would make it fail."""
        self.patroni.status = (503, {"role": "primary", "state": "running custom bootstrap script"})
        agent = self.agent(self.primary)
        agent.shows("in_recovery", 0)
        time.sleep(1)
        self.assertEqual(
            self.primary.sql("SELECT count(*) FROM pg_authid WHERE rolname = 'shop_user'"), "0"
        )

    def test_a_renewed_certificate_is_presented_by_every_service(self) -> None:
        self.serve_backups()
        self.patroni.lead("p-0")
        agent = self.agent(self.primary)
        until(lambda: ("/reload", {}) in self.patroni.posts, "loaded once at the start")
        self.world.certificates.issue(days=90)
        expiry = 'certificate_expiry_seconds{service="%s"}'

        def renewed(service: str) -> bool:
            return agent.metrics().get(expiry % service, 0) > 80 * 86400

        for service in ("postgres", "patroni", "pgbackrest"):
            until(lambda name=service: renewed(name), f"{service} presents the new one")  # type: ignore[misc]

    def test_a_diverged_replica_is_rebuilt_when_it_does_not_heal_itself(self) -> None:
        standby = self.world.server("standby").copy(self.primary)
        self.patroni.follow("p-0", self.primary)
        agent = self.agent(standby)
        agent.shows("diverged", 0)
        standby.sql("ALTER SYSTEM SET primary_conninfo = ''")
        standby.sql("SELECT pg_reload_conf()")
        self.primary.sql("CREATE TABLE t AS SELECT generate_series(1, 1000)")
        agent.shows("diverged", 1)
        wish = ("/reinitialize", {"force": True})
        self.assertNotIn(wish, self.patroni.posts)
        until(lambda: wish in self.patroni.posts, "Patroni is asked to rebuild it")
        agent.shows("healing_attempts", 1)
        agent.shows("healing_attempts", 2)

    def test_a_deposed_leader_that_still_writes_is_never_rebuilt(self) -> None:
        """What it holds may exist nowhere else; Patroni demotes it, and then it can rewind."""
        standby = self.world.server("standby").copy(self.primary)
        standby.promote()
        self.patroni.follow("p-0", standby)
        agent = self.agent(self.primary)
        self.primary.sql("CREATE TABLE t AS SELECT generate_series(1, 1000)")
        agent.shows("diverged", 1)
        time.sleep(3 * QUICK.patience)
        self.assertEqual([path for path, _ in self.patroni.posts if path != "/reload"], [])
        agent.shows("healing_attempts", 0)

    def test_nothing_that_hangs_delays_the_rest(self) -> None:
        """S3, Patroni and the upstream never answer, all at once."""
        self.patroni.lead("p-0")
        hang = self.world.folder / "bin" / "pgbackrest"
        hang.write_text("#!/bin/bash\nsleep 30 &\nwait\n")
        hang.chmod(0o755)
        agent = self.agent(self.primary)
        agent.shows("in_recovery", 0)
        self.patroni.hangs = True
        time.sleep(5)
        scrapes = []
        for _ in range(20):
            scrapes.append(agent.metrics())
            time.sleep(0.1)
        # A busy machine delays some of them, or their answers.
        answered = [facts for facts in scrapes if facts]
        self.assertLess(median(facts['watch_age_seconds{watch="server"}'] for facts in answered), 1)
        late = answered[-1]
        self.assertGreater(late['watch_age_seconds{watch="backups"}'], 4)
        self.assertGreater(late['watch_age_seconds{watch="member"}'], 3)
        self.assertIn("pgbackrest gave no answer in 5 s", agent.log.read_text())
        self.patroni.hangs = False
        age = 'watch_age_seconds{watch="member"}'
        until(lambda: agent.metrics().get(age, 9) < 1, "it comes back")
        self.assertEqual(agent.stop(), 0)

    def test_lives_without_anything_and_picks_up_when_it_comes(self) -> None:
        self.primary.stop()
        self.patroni.lead("p-0")
        agent = self.agent(self.primary)
        time.sleep(1.5)
        self.assertIsNone(agent.process.poll())
        self.assertNotIn("in_recovery", agent.metrics())
        self.primary.start()
        agent.shows("in_recovery", 0)
        self.assertLess(len(agent.log.read_text().splitlines()), 30, "says a lasting failure once")

    def test_ends_at_once_whichever_thread_gets_the_signal(self) -> None:
        agent = self.agent(self.primary)
        agent.shows("in_recovery", 0)
        threads = sorted(int(name) for name in os.listdir(f"/proc/{agent.process.pid}/task"))
        self.assertGreater(len(threads), 10)
        os.kill(threads[3], signal.SIGTERM)
        self.assertEqual(agent.process.wait(2), 0)

    def test_waits_for_a_port_that_is_taken(self) -> None:
        port = free_port()
        holder = socket.create_server(("", port))
        log = self.primary.data.parent / "state" / "agent.log"
        complaint = f"cannot listen on port {port}"

        def let_go() -> None:
            until(lambda: log.exists() and complaint in log.read_text(), complaint)
            holder.close()

        threading.Thread(target=let_go).start()
        agent = self.agent(self.primary, metrics_port=port)
        self.assertIsNone(agent.process.poll())


if __name__ == "__main__":
    unittest.main()
