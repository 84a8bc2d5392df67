"""Settings, read from the environment once."""

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Each field is the environment variable of the same name, in capitals."""

    database_url: str
    """A `postgresql+asyncpg://` URL."""
    pool_size: int = 20


settings = Settings()
