"""The names of a run's commands, for completion: without loading what carries them out. A test keeps them in step."""

WORDS = (
    "help", "status", "sup", "eta", "explain", "coordinates", "applier", "inspector", "chunk-size", "dml-batch-size", "workers",
    "nice-ratio", "max-impact", "max-lag-millis", "max-load", "critical-load", "throttle-query", "throttle-http", "throttle-control-replicas",
    "replication-lag-query", "window", "deadline", "throttle", "no-throttle", "postpone-cut-over-flag-file", "unpostpone", "verify", "revert",
    "stop", "abort", "panic", "cpu-profile",
)  # fmt: skip
