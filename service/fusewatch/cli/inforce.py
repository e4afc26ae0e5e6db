"""The rules that commands go by: those of the budget file, or those that the daemon goes on with while it is broken."""

from pathlib import Path

from fusewatch.cli.common import environ
from fusewatch.config.rulefile import load, load_text
from fusewatch.config.settings import Settings
from fusewatch.domain.rules import RuleSet
from fusewatch.errors import ConfigError
from fusewatch.ports import Store, StoredRules


def rules_in_force(settings: Settings, store: Store) -> RuleSet:
    """ConfigError for a broken file where no good one was ever read."""
    try:
        return load(Path(settings.config), environ(), secrets=False).rules
    except ConfigError:
        stored = store.read(lambda unit: unit.rules())
        if stored is None:
            raise
        return parse_stored(stored)


def parse_stored(stored: StoredRules) -> RuleSet:
    """The rules of a budget file as it was. ConfigError where it is not understood any more."""
    name, text = stored.files[0]
    return load_text(text, name, environ(), secrets=False).rules
