"""Chromium: the system's, or Debian's package, unpacked without root."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .debian import debian_program
from .project import LOCAL

_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><dir>/usr/share/fonts</dir><cachedir>{cache}</cachedir></fontconfig>
"""

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No name resolves but this machine's own.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
"""Arguments of a headless Chromium that any account can start on a machine without a network."""


@dataclass(frozen=True)
class Browser:
    """Chromium's path, and the variables to add to its environment."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)


def chromium(report: Callable[[str], None] = print) -> Browser:
    """Find Chromium; download it at the first call if the system has none. Raises StackError without Chromium and apt."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if installed := shutil.which(name):
            return Browser(Path(installed))
    program = debian_program(
        "chromium", "chromium", report, directory=Path("usr/lib/chromium"), beside=("chromium-common", "fonts-dejavu-core")
    )
    root = program.path.parents[3]
    fonts = root / "fonts.conf"
    fonts.write_text(_FONTS.format(fonts=root / "usr" / "share" / "fonts", cache=LOCAL / "cache" / "fontconfig"))
    inherited = os.environ.get("LD_LIBRARY_PATH")
    libraries = os.pathsep.join(filter(None, (program.library_path, inherited)))
    return Browser(program.path, {"LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": str(fonts)})
