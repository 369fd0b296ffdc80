"""The passwords of a demo: random, kept in one file of mode 0600, so that the next start knows them."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path


class SecretsFile:
    """Names and their secrets."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._secrets: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name: str) -> str:
        """The secret of a name, made when it is asked for the first time. Strong enough for the engine's rules."""
        if name not in self._secrets:
            self.set(name, f"{secrets.token_urlsafe(12)}-aA1")
        return self._secrets[name]

    def find(self, name: str) -> str | None:
        """The secret of a name; None if there is none."""
        return self._secrets.get(name)

    def set(self, name: str, secret: str) -> None:
        """Keeps a secret."""
        self._secrets[name] = secret
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self._secrets, file)
