"""Media profiles and what belongs to them, shared by both media services."""
