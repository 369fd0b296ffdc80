"""Who asks, and may they: HTTP digest, WS-UsernameToken, access classes."""
