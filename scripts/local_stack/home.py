"""Where a stack keeps its data, logs and keys."""

import os
import tempfile
from pathlib import Path

from .errors import StackError
from .project import LOCAL


def home_folder() -> Path:
    """FLUX_HOME, or .local in the checkout. It may not exist yet."""
    return Path(os.environ.get("FLUX_HOME") or LOCAL).absolute()


def make_home(home: Path) -> None:
    """Make the folder if it does not exist. Raises StackError if it is no folder or cannot be written to."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        # Try it: permissions don't tell, for example on a file system that is mounted read-only.
        tempfile.TemporaryFile(dir=home).close()
    except OSError as error:
        not_a_folder = isinstance(error, FileExistsError | NotADirectoryError)
        why = "is not a folder" if not_a_folder else f"can't be written to ({error.strerror})"
        raise StackError(f"{home} {why}: set FLUX_HOME to a folder that you can write to") from None
