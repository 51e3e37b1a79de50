"""`python -m ghostpy`, the same as the `ghostpy` command."""

from ghostpy.cli.main import entry_point

if __name__ == "__main__":
    entry_point()
