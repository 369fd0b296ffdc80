"""What must last: tables, pictures, retention. Everything that fails raises StoreFailure."""

from engine.store.errors import BlobMissing, StoreFailure, StoreFull
from engine.store.store import Store

__all__ = ["BlobMissing", "Store", "StoreFailure", "StoreFull"]
