"""SOAP 1.2 over HTTP by the official schemas: envelopes, faults, types, dispatch."""
