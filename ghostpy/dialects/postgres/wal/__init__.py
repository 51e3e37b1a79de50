"""The change stream: a slot and its publication, the two ways to read from it, and what the bytes mean."""
