"""`fusewatch schema`: the JSON Schema of the budget file."""

from fusewatch.cli.common import print_json
from fusewatch.config.schema import json_schema


def command() -> None:
    """Print the JSON Schema of the budget file, so that editors complete and check it.

    For example: fusewatch schema > budgets.schema.json
    """
    print_json(json_schema())
