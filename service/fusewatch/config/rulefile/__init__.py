"""The budget file: strict YAML with positions, variables filled in, models, and the domain's rules in the end."""

from fusewatch.config.rulefile.loaded import (
    AlertmanagerConfig,
    AppriseConfig,
    ConsoleConfig,
    DestinationConfig,
    EmailConfig,
    ExportConfig,
    HeartbeatConfig,
    Loaded,
    PagerdutyConfig,
    ProjectConfig,
    SlackConfig,
    TemplateConfig,
    WebhookConfig,
)
from fusewatch.config.rulefile.loading import inputs, load, load_text

__all__ = [
    "AlertmanagerConfig",
    "AppriseConfig",
    "ConsoleConfig",
    "DestinationConfig",
    "EmailConfig",
    "ExportConfig",
    "HeartbeatConfig",
    "Loaded",
    "PagerdutyConfig",
    "ProjectConfig",
    "SlackConfig",
    "TemplateConfig",
    "WebhookConfig",
    "inputs",
    "load",
    "load_text",
]
