"""The JWTs that the local Data API accepts: HS256 with a secret of the stack's own, kept in its home."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import tempfile
import time
from pathlib import Path
from typing import Any

ISSUER = "flux-local"
# Fixed times, so that the project's two keys never change and can be copied into a caller's settings.
_KEY_ISSUED_AT = 1_700_000_000
_KEY_EXPIRES_AT = 4_102_444_800


def secret_in(home: Path) -> str:
    """The secret of the stack in this home, made at the first call. Only its owner can read it; it is never committed."""
    path = home / "jwt-secret"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=home, prefix="jwt-secret-") as file:  # mode 600
            file.write(secrets.token_urlsafe(48))
            file.flush()
            # Atomic, and never over the secret that another process made first.
            with contextlib.suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text().strip()


def sign(secret: str, claims: dict[str, Any]) -> str:
    signed = ".".join(_encoded(part) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_base64url(signature)}"


def project_key(secret: str, role: str) -> str:
    """The `anon` or `service_role` key of a project."""
    return sign(secret, {"iss": ISSUER, "role": role, "iat": _KEY_ISSUED_AT, "exp": _KEY_EXPIRES_AT})


def user_token(
    secret: str, user_id: str, *, role: str = "authenticated", seconds: int = 3600, claims: dict[str, Any] | None = None
) -> str:
    """What Supabase Auth gives a signed-in user. `claims` adds to the standard ones or replaces them."""
    now = int(time.time())
    standard = {"iss": ISSUER, "sub": user_id, "aud": "authenticated", "role": role, "iat": now, "exp": now + seconds}
    return sign(secret, standard | (claims or {}))


def _encoded(part: dict[str, Any]) -> str:
    return _base64url(json.dumps(part, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
