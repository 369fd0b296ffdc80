"""A device that shows a drawn test picture: to try the library, and to read."""
