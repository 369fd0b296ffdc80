"""Events: the broker, the subscriptions of pull points, topics and their filters."""
