"""The shadow's definition: an empty clone of the source, altered, and everything that belongs to a table."""
