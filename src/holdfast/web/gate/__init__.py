"""The gate's pages: a scanner for shared phones and tablets that installs itself and works without a network.

The page holds no data of its own: what it shows comes from ``/api/v1/gate`` and is kept on the device.
"""

from . import page

routes = page.routes

__all__ = ["routes"]
