"""`${NAME}` in the texts of a budget file → the variable's value: after YAML was read, so that no value breaks it."""

import re

from fusewatch.config.environment import Environment
from fusewatch.config.rulefile.yamltree import Path, Tree
from fusewatch.config.words import Filled
from fusewatch.errors import Problem

_REFERENCE = re.compile(r"\$(?:\$\{|\{([^}]*)(\}?))")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def fill(tree: Tree, environment: Environment) -> tuple[list[Problem], list[Problem]]:
    """Fill the texts of the tree in place. Returns (what is written wrongly, what is not set)."""
    wrong: list[Problem] = []
    unset: list[Problem] = []

    def walk(value: object, path: Path) -> object:
        if isinstance(value, dict):
            for key, entry in value.items():
                value[key] = walk(entry, (*path, key))
        elif isinstance(value, list):
            value[:] = [walk(item, (*path, index)) for index, item in enumerate(value)]
        elif isinstance(value, str) and "${" in value:
            return _filled(value, path)
        return value

    def _filled(text: str, path: Path) -> str:
        known = True

        def replace(match: re.Match[str]) -> str:
            nonlocal known
            name = match[1]
            if name is None:
                return "${"
            if not match[2] or not _VARIABLE.fullmatch(name):
                wrong.append(tree.place(path).problem("${ begins a variable that has no name", "write ${NAME}, or $${"))
                known = False
                return ""
            value = environment.get(name)
            if value is None:
                known = False
                if not any(problem.path in (name, f"{name}_FILE") for problem in environment.problems):
                    unset.append(tree.place(path).problem(f"{name} is not set", f"set {name} or {name}_FILE"))
            return value or ""

        filled = _REFERENCE.sub(replace, text)
        return Filled(filled, text, known=known) if filled != text or not known else text

    walk(tree.values, ())
    return wrong, unset
