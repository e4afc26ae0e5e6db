"""What is wrong or doubtful with the destinations of a budget file beyond its shape, told without asking anybody."""

from collections.abc import Iterator

from fusewatch.config.rulefile import AppriseConfig, DestinationConfig, Loaded, SlackConfig, WebhookConfig
from fusewatch.errors import Problem


def template_problems(loaded: Loaded) -> list[Problem]:
    """Every mistake in the templates of destinations, each tried on a sample of every kind of message."""
    written = [config.template for config in loaded.destinations if config.template is not None]
    if not written:
        return []
    from fusewatch.notify.worded import template_mistakes  # noqa: PLC0415 - loads Jinja2

    found = []
    for template in written:
        for part, place in template.places:
            source = template.title if part == "title" else template.body
            for mistake in template_mistakes(source) if source is not None else ():
                what = f"line {mistake.line} of the template: {mistake.what}"
                found.append(place.problem(what, mistake.right))
    return found


def destination_warnings(loaded: Loaded) -> list[Problem]:
    """What can be meant, but hardly is: messages that cross the internet as plain text, or that nobody signed; and
    destinations for which something is not installed, whose messages wait."""
    return [problem for config in loaded.destinations for problem in warnings_of(config)]


def warnings_of(config: DestinationConfig) -> Iterator[Problem]:
    """What is doubtful about one destination."""
    from fusewatch.notify.addresses import plain_and_public  # noqa: PLC0415 - `check` loads only what it needs

    if host := plain_and_public(_address(config)):
        what = f"messages to {host} travel as plain http, so that anybody on the way can read and change them"
        right = "write https://, or reach it inside your own network"
        yield _warning(config, what, right)

    if isinstance(config, WebhookConfig) and not config.secrets:
        what = "messages are not signed, so that the receiver cannot tell who sent them"
        yield _warning(config, what, 'write secret: "${HOOK_SECRET}"')

    if isinstance(config, AppriseConfig):
        from fusewatch.notify.extras import has_apprise  # noqa: PLC0415 - as above

        if not has_apprise():
            yield _warning(
                config, "apprise is not installed, so what is for it waits", "pip install 'fusewatch[apprise]'"
            )


def _warning(config: DestinationConfig, what: str, right: str) -> Problem:
    if config.place is not None:
        return config.place.problem(what, right)
    return Problem("environment", 0, config.name, what, right)


def _address(config: DestinationConfig) -> str:
    match config:
        case WebhookConfig(url=url):
            return url.get_secret_value()
        case SlackConfig(webhook_url=url) if url is not None:
            return url.get_secret_value()
        case _:
            return ""
