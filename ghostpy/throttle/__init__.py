"""Many signals, one gate with a reason. Not there yet: only the pace of chunks is steered (`engine/pace.py`)."""
