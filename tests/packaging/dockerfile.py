"""The Dockerfile as a list of stages, read just far enough for its tests."""

import re
from dataclasses import dataclass, field
from functools import cache

from tests.packaging.declared import read


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its keyword in capitals and its arguments on one line."""

    word: str
    rest: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: the image it starts from, and what follows."""

    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        return [instruction.rest for instruction in self.instructions if instruction.word == word]

    def one(self, word: str) -> str:
        (rest,) = self.all(word)
        return rest

    def environment(self) -> dict[str, str]:
        return dict(pair.split("=", 1) for rest in self.all("ENV") for pair in rest.split())


@dataclass(frozen=True, slots=True)
class Dockerfile:
    arguments: dict[str, str]
    """The build arguments that stand before the first stage, with their defaults."""
    stages: list[Stage]


def parse(text: str) -> Dockerfile:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    parsed = Dockerfile({}, [])
    for line in filter(None, map(str.strip, joined.splitlines())):
        word, rest = line.split(None, 1)
        if word == "FROM":
            parsed.stages.append(Stage(rest.split()[0]))
        elif parsed.stages:
            parsed.stages[-1].instructions.append(Instruction(word, rest))
        else:
            name, _, default = rest.partition("=")
            parsed.arguments[name] = default
    return parsed


@cache
def ours() -> Dockerfile:
    return parse(read("Dockerfile"))
