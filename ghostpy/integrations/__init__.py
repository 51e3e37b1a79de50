"""ghostpy within other tools. Each is imported by those who use it, and needs its package: `ghostpy[alembic]`, `ghostpy[django]`."""
