"""Tell Langfuse whose tokens these are: dimensions for every model call inside a block, and usage as reported.

Runs inside users' applications, over the Langfuse SDK (4.2 or newer, 5 included). Nothing here raises because of
Langfuse: a problem is said once in the log `fusewatch.tagging`, and the application goes on.

    from fusewatch.tagging import attribute, chat_openai

    @attribute(feature="summarization", team="content")
    def summarize(text: str, user: str) -> str:
        with attribute(user_id=user):
            answer = chat_openai(client, model="gpt-4o-mini", messages=[{"role": "user", "content": text}])
        return answer.choices[0].message.content
"""

try:
    import langfuse as _langfuse  # noqa: F401 - only to say what is missing, at the first import
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "fusewatch.tagging needs the Langfuse SDK; install it with: pip install 'fusewatch[tagging]'", name=error.name
    ) from error

from fusewatch.tagging.attribution import Attribution, attribute
from fusewatch.tagging.recording import flush, record_usage
from fusewatch.tagging.usage import Usage, usage_of
from fusewatch.tagging.wrappers import chat_anthropic, chat_openai, embed_openai, respond_openai

__all__ = [
    "Attribution",
    "Usage",
    "attribute",
    "chat_anthropic",
    "chat_openai",
    "embed_openai",
    "flush",
    "record_usage",
    "respond_openai",
    "usage_of",
]
