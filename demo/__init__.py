"""The product at work: simulated cameras, the engine, and Home Assistant, started, watched and measured together."""
