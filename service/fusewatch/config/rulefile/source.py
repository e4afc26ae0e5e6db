"""The files of a configuration: one file, or the YAML files of a folder, joined into one text that can be stored."""

import json
from dataclasses import dataclass
from pathlib import Path

from fusewatch.config.rulefile.yamltree import MAX_BYTES
from fusewatch.errors import ConfigError, Problem

_HEADER = "#% fusewatch files: "


@dataclass(frozen=True, slots=True)
class Part:
    """One file: its name as messages say it, and its text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """What was read. `text` holds all of it, with variables not filled in."""

    parts: tuple[Part, ...]
    files: tuple[Path, ...]
    text: str


def read_files(path: Path) -> Source:
    """The file, or the ``*.yaml`` and ``*.yml`` of the folder in the order of their names; raises ConfigError."""
    files = _files(path)
    parts: list[Part] = []
    problems: list[Problem] = []
    for file in files:
        try:
            parts.append(Part(str(file), _text(file)))
        except ValueError as error:
            problems.append(Problem(str(file), 0, "", str(error)))
    if problems:
        raise ConfigError(problems)
    if sum(len(part.text) for part in parts) > MAX_BYTES:
        raise ConfigError([Problem(str(path), 0, "", f"the files are larger than {MAX_BYTES // 1024} kB together")])
    single = files == [path] and not parts[0].text.startswith(_HEADER)
    return Source(tuple(parts), tuple(files), parts[0].text if single else _join(parts))


def read_text(text: str, name: str) -> Source:
    """The parts of a stored text. `name` is said in messages; the file names of a folder come after it."""
    first, _, rest = text.partition("\n")
    if not first.startswith(_HEADER):
        return Source((Part(name, text),), (), text)
    lines = rest.split("\n")
    parts = []
    at = 0
    try:
        for file, count in json.loads(first.removeprefix(_HEADER)):
            parts.append(Part(f"{name}/{file}", "\n".join(lines[at : at + int(count)])))
            at += int(count)
    except (ValueError, TypeError, RecursionError):
        raise ConfigError([Problem(name, 1, "", "the header of a stored folder is damaged")]) from None
    return Source(tuple(parts), (), text)


def _join(parts: list[Part]) -> str:
    index = [(Path(part.name).name, part.text.count("\n") + 1) for part in parts]
    return "\n".join([_HEADER + json.dumps(index), *(part.text for part in parts)])


def _files(path: Path) -> list[Path]:
    try:
        if not path.is_dir():
            return [path]
        # A ConfigMap's own folders and editors' files begin with a dot.
        found = sorted(f for f in path.iterdir() if f.suffix in (".yaml", ".yml") and not f.name.startswith("."))
        found = [file for file in found if file.is_file()]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise ConfigError([Problem(str(path), 0, "", f"cannot be read ({reason})")]) from None
    if not found:
        raise ConfigError([Problem(str(path), 0, "", "no *.yaml file is in this folder", "put a budget file into it")])
    return found


def _text(file: Path) -> str:
    """The text of a file; ValueError says what is wrong with it."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ValueError("there is no such file; `fusewatch init` writes one") from None
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    if len(content) > MAX_BYTES:
        raise ValueError(f"is larger than {MAX_BYTES // 1024} kB; a budget file is a page or two")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"is not UTF-8 text (line {line}); save it as UTF-8") from None
