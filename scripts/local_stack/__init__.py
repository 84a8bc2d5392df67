"""The local stack: Postgres, PostgREST, an API gateway and the adapter, without Docker and without root.

`with LocalStack() as stack:` starts a fresh one on free ports. Importing this needs the standard library only, because the commands
install the rest.
"""

from .errors import PortTaken, StackError
from .http_servers import Adapter
from .ports import free_port
from .postgres import Postgres
from .stack import LocalStack

__all__ = ["Adapter", "LocalStack", "PortTaken", "Postgres", "StackError", "free_port"]
