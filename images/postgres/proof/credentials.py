"""Where the region's bucket is, and who may file reports there."""

from __future__ import annotations

import os
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from .s3 import Bucket, Credentials, S3Error


def bucket_of(configuration: Path) -> Bucket:
    """The bucket of pgbackrest.conf."""
    pairs = (line.split("=", 1) for line in configuration.read_text().splitlines() if "=" in line)
    options = {name.strip(): value.strip() for name, value in pairs}
    endpoint, _, port = options["repo1-s3-endpoint"].partition(":")
    return Bucket(
        name=options["repo1-s3-bucket"],
        endpoint=endpoint,
        region=options["repo1-s3-region"],
        host=options.get("repo1-storage-host"),
        port=int(options.get("repo1-storage-port", port or "443")),
        ca_file=options.get("repo1-storage-ca-file"),
        path_style=options.get("repo1-s3-uri-style") == "path",
    )


def report_credentials(bucket: Bucket) -> Credentials:
    """
    The keys of the mounted Secret, else a session of the pod's own role.

    :raises S3Error: when the role is not granted
    """
    folder = Path(os.environ["REPORTS_FOLDER"])
    if (folder / "access-key").exists():
        keys = [(folder / name).read_text().strip() for name in ("access-key", "secret-key")]
        return Credentials(*keys)
    return _web_identity(
        os.environ.get("AWS_ENDPOINT_URL_STS", f"https://sts.{bucket.region}.amazonaws.com")
    )


def _web_identity(endpoint: str) -> Credentials:
    query = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": os.environ["AWS_ROLE_ARN"],
        "RoleSessionName": "restore-proof",
        "WebIdentityToken": Path(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"]).read_text().strip(),
    }
    call = urllib.request.Request(endpoint, urllib.parse.urlencode(query).encode())
    try:
        with urllib.request.urlopen(call, timeout=20) as response:
            answer = response.read().decode()
    except urllib.error.HTTPError as error:
        raise S3Error(f"the role is not granted: {error.read()[:300]!r}") from None
    except OSError as error:
        raise S3Error(f"the role cannot be asked for: {error}") from None
    found = [re.search(f"<{name}>([^<]+)</{name}>", answer) for name in _PARTS]
    if None in found:
        raise S3Error("the answer about the role has another shape")
    return Credentials(*(match[1] for match in found if match is not None))


_PARTS = ("AccessKeyId", "SecretAccessKey", "SessionToken")
