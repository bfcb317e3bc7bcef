"""The HTTP API ``/api/v1``: rendering only. What may be done, and who sees what, is decided in the packages.

``operations`` is the one table of what there is; the router and the OpenAPI document are both made from it.
"""
