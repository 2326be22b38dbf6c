"""A command as anyone types it: a process of its own, on a test's database."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from holdfast.kit import crypto


def holdfast(url: str, *words: str, typed: str = "", **environment: str) -> tuple[int, str]:
    """How it ended and what it said; `typed` is what it is given to read."""
    given = {"HOLDFAST_DATABASE_URL": url, "HOLDFAST_SECRETS": json.dumps(crypto._secrets())}
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", *words],
        env=os.environ | given | environment,
        capture_output=True,
        text=True,
        check=False,
        input=typed,
    )
    return done.returncode, done.stdout + done.stderr
