"""Which operation serves a path."""

from starlette.types import Scope

from dao_service.errors import MethodNotAllowedError, NotFoundError
from dao_service.operations import Operation

PREFIX = "/api/v1/"
NO_SUCH_PATH = "There is no such path."


def path_of(scope: Scope) -> str:
    """A request's path without the root path, which a server that was told of one (`--root-path`) puts in front."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/"):
        return path[len(root) :]
    return path


class Routes:
    """The operations of one contract, by path and method."""

    def __init__(self, operations: tuple[Operation, ...]) -> None:
        # None stands for an id, because no part of a path that was sent equals it.
        self._by_path: dict[tuple[str | None, ...], dict[str, Operation]] = {}
        for operation in operations:
            pattern = tuple(None if part.startswith("{") else part for part in operation.path.strip("/").split("/"))
            methods = self._by_path.setdefault(pattern, {})
            methods[operation.method] = operation
            if operation.method == "GET":
                methods["HEAD"] = operation

    def find(self, method: str, path: str) -> tuple[Operation, str]:
        """The operation for a path under the prefix, and the id in it ("" where it has none).

        Raises `NotFoundError` for an unknown path and `MethodNotAllowedError` for a method that the path does not take.
        """
        methods, key = self._methods(path)
        if methods is None:
            raise NotFoundError(NO_SUCH_PATH)
        operation = methods.get(method)
        if operation is None:
            raise MethodNotAllowedError(methods)
        return operation, key

    def has(self, path: str) -> bool:
        """Whether the path exists, whatever its methods."""
        return self._methods(path)[0] is not None

    def _methods(self, path: str) -> tuple[dict[str, Operation] | None, str]:
        parts = tuple(path.removesuffix("/").split("/"))
        methods = self._by_path.get(parts)
        if methods is None and len(parts) > 1 and parts[1]:
            return self._by_path.get((parts[0], None, *parts[2:])), parts[1]
        return methods, ""
