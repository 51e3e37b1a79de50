"""What points at a table from outside, and is pointed at the new one in the exchange."""
