"""Environment variables as the operator sets them: NAME, or NAME_FILE naming a file that holds the value."""

from collections.abc import Mapping
from pathlib import Path

from fusewatch.errors import Problem

PLACE = "environment"
_LARGEST_FILE = 64 * 1024


class Environment:
    """Reads variables once, and remembers what is wrong with them. An empty value counts as not set."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._values: dict[str, str | None] = {}
        self.problems: list[Problem] = []

    def get(self, name: str) -> str | None:
        """The value of NAME, or the stripped content of the file that NAME_FILE names; None when neither is set."""
        if name not in self._values:
            self._values[name] = self._read(name)
        return self._values[name]

    def _read(self, name: str) -> str | None:
        value = self._variables.get(name, "").strip()
        file = self._variables.get(f"{name}_FILE", "").strip()
        if value and file:
            self._complain(name, f"is set, and {name}_FILE too", "set one of them")
            return None
        return self._content(f"{name}_FILE", file) if file else value or None

    def _content(self, name: str, file: str) -> str | None:
        right = "name a file that holds the value and nothing else"
        try:
            with Path(file).open("rb") as stream:
                content = stream.read(_LARGEST_FILE + 1)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a path"
            self._complain(name, f"names a file that cannot be read ({reason})", right)
            return None
        try:
            text = content.decode("utf-8-sig").strip()
        except UnicodeDecodeError:
            self._complain(name, "names a file that is not UTF-8 text", right)
            return None
        if not text or len(content) > _LARGEST_FILE:
            self._complain(name, f"names a file that is {'too large' if text else 'empty'}", right)
            return None
        return text

    def _complain(self, name: str, what: str, right: str) -> None:
        self.problems.append(Problem(PLACE, 0, name, what, right))
