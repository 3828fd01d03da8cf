"""Who says it: the speech synthesisers, the recorded digits, rooms and lines."""
