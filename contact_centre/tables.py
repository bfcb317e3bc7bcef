"""The metadata of the tables that belong to no single package: accounts and jobs."""

from typing import Final

from sqlalchemy import MetaData

metadata: Final = MetaData()
