"""The JWTs that the local Data API accepts: HS256 with a secret of the stack's own, kept in its home."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

ISSUER = "flux-local"
# The two keys of a project never change, so that they can be copied into a caller's settings: fixed times, far apart.
_KEY_ISSUED_AT = 1_700_000_000
_KEY_EXPIRES_AT = 4_102_444_800


def secret_in(home: Path) -> str:
    """The secret of the stack in this home, made at the first call. Readable by its owner only, never committed."""
    path = home / "jwt-secret"
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
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
