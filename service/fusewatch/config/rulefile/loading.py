"""The budget file, from the disk or from a stored text, to rules: every problem at once, or all of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from fusewatch.config.environment import Environment
from fusewatch.config.rulefile.compile import compile_rules
from fusewatch.config.rulefile.connect import Connections
from fusewatch.config.rulefile.interpolate import fill
from fusewatch.config.rulefile.loaded import DestinationConfig, Loaded
from fusewatch.config.rulefile.merge import merge
from fusewatch.config.rulefile.models import BudgetFile
from fusewatch.config.rulefile.names import known_names, mentioned_destinations, name_problems
from fusewatch.config.rulefile.reports import digest_problems
from fusewatch.config.rulefile.retained import retention_problems
from fusewatch.config.rulefile.source import Part, Source, read_files, read_text
from fusewatch.config.rulefile.yamltree import Path as TreePath
from fusewatch.config.rulefile.yamltree import Tree, read_tree
from fusewatch.domain.rules import DestinationPolicy
from fusewatch.errors import ConfigError, Problem

_COMMENT = "a # after a space begins a comment: put the value in quotes"


def load(path: Path, environ: Mapping[str, str], *, secrets: bool) -> Loaded:
    """Read a budget file, or a folder of them.

    With `secrets` every variable that is needed must be set; without, one that is not set is a warning. Raises
    ConfigError with every problem.
    """
    return _load(read_files(path), environ, secrets=secrets)


def inputs(path: Path, environ: Mapping[str, str]) -> object:
    """What `load` reads, to be compared: while it is equal, loading again says the same. None where the budget file
    itself cannot be read. Of files with secrets it is who they are, when they changed and how long they are."""
    try:
        parts = read_files(path).parts
    except ConfigError:
        return None
    return parts, tuple(_state_of(value) for name, value in sorted(environ.items()) if name.endswith("_FILE"))


def _state_of(name: str) -> tuple[int, ...]:
    try:
        found = Path(name).stat()
    except (OSError, ValueError):
        return ()
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def load_text(text: str, name: str, environ: Mapping[str, str], *, secrets: bool) -> Loaded:
    """Read what `Loaded.text` held; `name` stands in messages where the path would."""
    return _load(read_text(text, name), environ, secrets=secrets)


def _load(source: Source, environ: Mapping[str, str], *, secrets: bool) -> Loaded:
    tree, problems = _tree(source.parts)
    environment = Environment(environ)
    wrong, unset = fill(tree, environment)
    problems += wrong
    file, found = _validate(tree)
    problems += found
    problems += digest_problems(file, tree) if file else []
    if problems or file is None:
        raise ConfigError([*problems, *(unset if secrets else ())])
    connections = Connections(file, environment, mentioned_destinations(tree), tree.place)
    projects = connections.projects()
    destinations = connections.destinations()
    warnings = [*unset, *connections.problems, *environment.problems]
    if secrets and warnings:
        raise ConfigError(warnings)
    policies = {d.name: _policy(d) for d in destinations}
    rules = compile_rules(file, policies, _default_notify(file, policies))
    if short := retention_problems(rules, tree):
        raise ConfigError(short)
    return Loaded(
        rules=rules,
        projects=projects,
        destinations=destinations,
        warnings=tuple(sorted(warnings)),
        text=source.text,
        files=source.files,
        heartbeat=connections.heartbeat(),
        exports=connections.exports(),
    )


def _policy(config: DestinationConfig) -> DestinationPolicy:
    return DestinationPolicy(
        config.name,
        config.type,
        config.least,
        config.timezone,
        quiet=config.quiet_hours,
        urgent=config.urgent,
        relays=config.relays,
        follows=config.follows,
    )


def _tree(parts: Sequence[Part]) -> tuple[Tree, list[Problem]]:
    """The tree of all parts. Where one is no YAML, nothing can be said about names, so this is all that is told."""
    read = [read_tree(part.text, part.name) for part in parts]
    problems = [problem for _, found in read for problem in found]
    if any(not tree.values for tree, _ in read) and problems:
        raise ConfigError(problems)
    if empty := [tree for tree, _ in read if not tree.values]:
        raise ConfigError([tree.place(()).problem("the file is empty", 'begin with "version: 1"') for tree in empty])
    tree, twice = merge([tree for tree, _ in read])
    return tree, [*problems, *twice]


def _validate(tree: Tree) -> tuple[BudgetFile | None, list[Problem]]:
    """The models, and everything that is wrong with the values."""
    # A section without entries, every line of it a comment, is the same as no section.
    values = {name: value for name, value in tree.values.items() if value is not None or name == "version"}
    problems = name_problems(tree)
    file = None
    try:
        file = BudgetFile.model_validate(values, context=known_names(tree))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        problems += [_problem(tree, d["loc"], d.get("ctx", {})) for d in details]
    return file, problems


def _problem(tree: Tree, loc: tuple[int | str, ...], context: Mapping[str, object]) -> Problem:
    """A pydantic error at the place where its value stands.

    Its location also names what does not stand in the file (the type of a destination, the parts of a short form).
    """
    path: TreePath = ()
    for step in loc:
        if (*path, step) in tree.places:
            path = (*path, step)
    what, right = str(context.get("what", "this cannot be read")), str(context.get("right", ""))
    return tree.place(path).problem(what, _COMMENT if path in tree.hashed else right)


def _default_notify(file: BudgetFile, policies: Mapping[str, DestinationPolicy]) -> tuple[str, ...]:
    """The file's own `notify`; without one, or where this version can send to none of it, `slack`, else `terminal`."""
    if file.notify is not None:
        wanted = tuple(name for name in file.notify if name in policies)
        if wanted or not file.notify:
            return wanted
    return next(((name,) for name in ("slack", "terminal") if name in policies), ())
