"""Practice: throw-away installations of the real program, with real processes, to show and to break things."""

from .instance import Instance

__all__ = ["Instance"]
