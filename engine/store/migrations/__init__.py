"""The history of the tables, run by `engine.store.database` whenever a store is opened."""
