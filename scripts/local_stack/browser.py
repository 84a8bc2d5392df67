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
    # Whatever is not this machine does not exist.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
"""What a headless Chromium is started with, by any account, on a machine without a network."""


@dataclass(frozen=True)
class Browser:
    """Chromium, and what its environment has beside ours."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)


def chromium(report: Callable[[str], None] = print) -> Browser:
    """Chromium, fetched at the first call where the system has none. A StackError where there is neither it nor apt."""
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
