"""make install-dev and scripts/supabase_setup.sh: `python -m local_stack.setup [--migrate]`."""

import argparse
import socket
import sys

from . import migrations
from .errors import StackError, exit_code_of
from .installation import install
from .ports import LOOPBACK, port_in
from .postgres import DATABASE, PASSWORD, SUPERUSER

_GUIDES_PORT = 54322


def main() -> int:
    """Run the command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m local_stack.setup", description="Installs what is missing in the checkout.")
    parser.add_argument("--migrate", action="store_true", help="and apply the migrations to the database at DB_PORT (54322)")
    arguments = parser.parse_args()
    if arguments.migrate:
        _migrate(port_in("DB_PORT", _GUIDES_PORT))
    else:
        install()
    return 0


def _migrate(port: int) -> None:
    try:
        socket.create_connection((LOOPBACK, port), timeout=5).close()
    except OSError:
        raise StackError(f"no database at port {port}: start scripts/dev or supabase start, or set DB_PORT to its port") from None
    install()
    migrations.migrate(f"postgresql://{SUPERUSER}:{PASSWORD}@{LOOPBACK}:{port}/{DATABASE}")
    print("the migrations are applied")


if __name__ == "__main__":
    sys.exit(exit_code_of(main))
