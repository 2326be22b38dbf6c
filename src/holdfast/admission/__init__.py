"""How much may come in: limits on what is asked too often. (Waiting lines and back pressure will live here too.)"""

from .limits import Left, give_back, spend

__all__ = ["Left", "give_back", "spend"]
