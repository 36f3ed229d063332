"""Signatures and sessions of the report's upload, without S3."""

from __future__ import annotations

import os
import threading
import unittest
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock
from urllib.parse import parse_qs

from proof.credentials import bucket_of, report_credentials
from proof.s3 import Bucket, Credentials, S3Error, signed_headers

# The example that AWS publishes for a GET of a bucket's lifecycle.
KEYS = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
SIGNATURE = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
BUCKET = Bucket("lifeline-here", "s3.here.amazonaws.com", "here")


class Signatures(unittest.TestCase):
    def headers(self, credentials: Credentials, body: bytes = b"") -> dict[str, str]:
        now = datetime(2013, 5, 24, tzinfo=UTC)
        host = "examplebucket.s3.amazonaws.com"
        return signed_headers(credentials, "us-east-1", "GET", host, "/", "lifecycle=", body, now)

    def test_a_request_is_signed_as_amazon_shows(self) -> None:
        self.assertTrue(self.headers(KEYS)["authorization"].endswith(f"Signature={SIGNATURE}"))

    def test_another_body_has_another_signature(self) -> None:
        self.assertNotIn(SIGNATURE, self.headers(KEYS, b"x")["authorization"])

    def test_a_session_sends_and_signs_its_token(self) -> None:
        headers = self.headers(Credentials(KEYS.access_key, KEYS.secret_key, "token"))
        self.assertEqual(headers["x-amz-security-token"], "token")
        self.assertIn("x-amz-date;x-amz-security-token", headers["authorization"])


class Places(unittest.TestCase):
    def test_a_bucket_is_found_as_pgbackrest_is_told(self) -> None:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "pgbackrest.conf"
            file.write_text(
                "[global]\nrepo1-s3-bucket=b\nrepo1-s3-endpoint=s3.r.amazonaws.com\nrepo1-s3-region=r\n"
            )
            self.assertEqual(bucket_of(file), Bucket("b", "s3.r.amazonaws.com", "r"))
            file.write_text(
                "repo1-s3-bucket=b\nrepo1-s3-endpoint=s3.test:8443\nrepo1-s3-region=r\n"
                "repo1-s3-uri-style=path\nrepo1-storage-host=10.0.0.1\nrepo1-storage-ca-file=/ca\n"
            )
            wanted = Bucket("b", "s3.test", "r", "10.0.0.1", 8443, "/ca", True)
            self.assertEqual(bucket_of(file), wanted)


class Sessions(unittest.TestCase):
    def ask(self, status: int, answer: str) -> tuple[Credentials, dict[str, list[str]]]:
        seen: dict[str, list[str]] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                seen.update(parse_qs(self.rfile.read(int(self.headers["content-length"])).decode()))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.handle_request, daemon=True).start()
        self.addCleanup(server.server_close)
        with TemporaryDirectory() as folder:
            (Path(folder) / "token").write_text("of-the-pod\n")
            environment = {
                "REPORTS_FOLDER": f"{folder}/none",
                "AWS_ROLE_ARN": "arn:aws:iam::1:role/proof",
                "AWS_WEB_IDENTITY_TOKEN_FILE": f"{folder}/token",
                "AWS_ENDPOINT_URL_STS": f"http://127.0.0.1:{server.server_port}",
            }
            with mock.patch.dict(os.environ, environment):
                return report_credentials(BUCKET), seen

    def test_without_keys_the_pods_role_is_asked_for(self) -> None:
        answer = (
            "<r><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S/+=</SecretAccessKey>"
            "<SessionToken>T</SessionToken></Credentials></r>"
        )
        credentials, seen = self.ask(200, answer)
        self.assertEqual(credentials, Credentials("A", "S/+=", "T"))
        self.assertEqual(seen["WebIdentityToken"], ["of-the-pod"])
        self.assertEqual(seen["Action"], ["AssumeRoleWithWebIdentity"])

    def test_a_role_that_is_not_granted_is_an_error(self) -> None:
        with self.assertRaisesRegex(S3Error, "AccessDenied"):
            self.ask(403, "<Code>AccessDenied</Code>")
        with self.assertRaisesRegex(S3Error, "another shape"):
            self.ask(200, "<html>")


if __name__ == "__main__":
    unittest.main()
