"""Request ids, log lines, metrics and traces."""
