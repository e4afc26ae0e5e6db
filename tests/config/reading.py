"""The good files, a full environment, and a short way to read a few lines of a budget file."""

from pathlib import Path

from fusewatch.config.rulefile import Loaded, load_text

GOOD = Path(__file__).parent / "good"
KEYS = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-1"}
ALL_VARIABLES = {
    "SHOP_PK": "pk-shop",
    "SHOP_SK": "sk-shop",
    "LABS_PK": "pk-labs",
    "LABS_SK": "sk-labs",
    "HEALTHCHECK_URL": "https://hc.example.com/1",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "CONTENT_SLACK_URL": "https://hooks.example.com/content",
    "HOOK_SECRET": "whsec_c2VjcmV0",
    "PD_KEY": "pd-1",
    "SMTP_URL": "smtp://u:p@mail.example.com",
    "APPRISE_URL": "ntfy://topic",
}


def read(text: str, environ: dict[str, str] | None = None, *, secrets: bool = False) -> Loaded:
    return load_text(f"version: 1\n{text}", "budgets.yaml", environ or {}, secrets=secrets)
