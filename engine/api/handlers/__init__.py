"""One module a resource; each declares its operations."""
