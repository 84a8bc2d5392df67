"""Settings from files, as Docker, Compose and Kubernetes mount secrets."""

from pathlib import Path

import pytest

from dao_service.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def only_these(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with only the folder and PostgREST's URL."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("POSTGREST_URL", "http://postgrest:3000")


def test_a_setting_is_read_from_the_file_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "supabase_service_role_key").write_text("from-a-file\n")
    (tmp_path / "service_api_keys").write_text('{"agent": "1.2"}\n')
    settings = load_settings()
    assert settings.data_api == ("http://postgrest:3000", "from-a-file")
    assert settings.service_api_keys == {"agent": "1.2"}


def test_the_environment_overrides_the_file_unless_it_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "supabase_service_role_key").write_text("from-a-file")
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", "")
    assert load_settings().data_api[1] == "from-a-file"
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", "from-the-environment")
    assert load_settings().data_api[1] == "from-the-environment"


def test_an_invalid_value_in_a_file_is_reported_in_one_line_without_the_value(tmp_path: Path) -> None:
    (tmp_path / "supabase_service_role_key").write_text("from-a-file")
    (tmp_path / "database_url").write_text("mysql://user:hunter2@host/db")
    with pytest.raises(SystemExit) as ended:
        load_settings()
    assert "DATABASE_URL: is not a postgresql:// URL" in str(ended.value)
    assert "hunter2" not in str(ended.value)
    assert "\n" not in str(ended.value)


def test_a_missing_folder_is_reported_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / "gone"))
    with pytest.raises(SystemExit, match="SECRETS_DIR: is not a folder"):
        load_settings()
