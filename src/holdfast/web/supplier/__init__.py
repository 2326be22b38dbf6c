"""A supplier's own page, by a link and without signing in: one tap says that it is still open."""

from . import page

routes = page.routes

__all__ = ["routes"]
