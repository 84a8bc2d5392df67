"""scripts/mint-jwt: tokens and keys for calling the local Data API by hand."""

import argparse
from pathlib import Path

from . import tokens
from .errors import StackError
from .home import home_folder
from .option_types import user_id, whole_number

_EXAMPLE = """\
example:
  curl http://127.0.0.1:54321/rest/v1/tasks -H "Authorization: Bearer $(scripts/mint-jwt USER_ID)"
"""


def main() -> int:
    """Run the command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/mint-jwt",
        description="Prints a JWT that the local Data API accepts: a signed-in user's, or one of the project's keys.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("user_id", nargs="?", type=user_id, metavar="USER_ID", help="the user's id, in the token's sub")
    whose.add_argument("--key", choices=("anon", "service_role"), help="a key of the project instead of a user's token")
    parser.add_argument("--email", help="the user's e-mail address, in the token's email")
    parser.add_argument("--role", default="authenticated", help="the database role of the user (authenticated)")
    parser.add_argument("--seconds", type=whole_number, default=3600, help="how long the token is valid (3600)")
    parser.add_argument("--home", type=Path, default=home_folder(), help="the stack's folder (FLUX_HOME, or .local)")
    arguments = parser.parse_args()
    try:
        if not (arguments.home / "jwt-secret").exists():
            raise StackError(f"{arguments.home} has no secret yet: start scripts/dev first")
        secret = tokens.secret_in(arguments.home)
    except OSError as error:
        raise StackError(f"{error.filename} can't be read ({error.strerror}): it belongs to whoever ran scripts/dev") from None
    if arguments.key:
        print(tokens.project_key(secret, arguments.key))
    else:
        claims = {"email": arguments.email} if arguments.email else {}
        print(tokens.user_token(secret, arguments.user_id, role=arguments.role, seconds=arguments.seconds, claims=claims))
    return 0
