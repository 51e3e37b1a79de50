"""The migration itself. Speaks only to protocols; never names a database."""
