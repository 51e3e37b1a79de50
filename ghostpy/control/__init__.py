"""An operator's commands to a run under way: one table of them, a server, a client."""
