"""The commands of a running migration. Not there yet."""
