"""Lost access is recovered from the machine itself, never remotely (SITE-4)."""

from __future__ import annotations

import sys

from engine.access import Access, AccessError
from engine.config import Site
from engine.core.clock import SystemClock
from engine.store import Store, StoreFailure


async def reset_password(site: Site, username: str, password: str) -> int:
    """Sets a user's password, and ends their sessions and tokens. Returns an exit code."""
    try:
        async with Store(site.data_dir) as store:
            access = Access(store, SystemClock())
            await access.open()
            await access.reset_password(username, password)
    except (AccessError, StoreFailure) as error:
        print(f"The password of {username!r} was not changed: {error}", file=sys.stderr)
        return 1
    print(f"The password of {username!r} is changed.")
    return 0
