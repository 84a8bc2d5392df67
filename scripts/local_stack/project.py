"""Paths of the checkout, and the `[api]` table of supabase/config.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
NODE_MODULES = ROOT / "node_modules"
LOCAL = ROOT / ".local"
SUPABASE = ROOT / "supabase"


@dataclass(frozen=True)
class ApiConfig:
    """The `[api]` table of supabase/config.toml."""

    schemas: tuple[str, ...]
    extra_search_path: tuple[str, ...]
    max_rows: int


def api_config(supabase: Path = SUPABASE) -> ApiConfig:
    api = tomllib.loads((supabase / "config.toml").read_text())["api"]
    return ApiConfig(tuple(api["schemas"]), tuple(api["extra_search_path"]), api["max_rows"])
