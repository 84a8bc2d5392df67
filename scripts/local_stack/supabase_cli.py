"""scripts/supabase: the Supabase CLI at the version that package-lock.json locks. It is a program of its own, without Node.js."""

import sys
from functools import partial

from . import programs
from .installation import install
from .project import ROOT
from .stopping import become


def main() -> int:
    """Install what is missing, then become the CLI. It reads supabase/ of the checkout, wherever it is started."""
    install(report=partial(print, file=sys.stderr))  # what the CLI prints may go to a file
    command = programs.supabase_cli()
    where = () if any(argument.startswith("--workdir") for argument in sys.argv[1:]) else ("--workdir", str(ROOT))
    sys.stdout.flush()
    become([str(command), *sys.argv[1:], *where])
