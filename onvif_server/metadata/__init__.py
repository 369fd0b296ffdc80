"""The metadata stream: documents of the type tt:MetadataStream."""
