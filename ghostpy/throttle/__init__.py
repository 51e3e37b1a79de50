"""Many signals, one gate with a reason."""
