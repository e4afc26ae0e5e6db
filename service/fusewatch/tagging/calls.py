"""One model call being recorded: from the request to its usage, its error or its early end."""

import threading
from dataclasses import dataclass, field
from typing import Literal

from fusewatch.tagging import sdk
from fusewatch.tagging.complaints import complain_once, harmless
from fusewatch.tagging.tally import Tally
from fusewatch.tagging.usage import Usage

Level = Literal["DEFAULT", "WARNING", "ERROR"]


@dataclass(slots=True)
class Call:
    """Writes into `generation`, or nowhere when that is None. It ends once, whatever is told later.

    `owned` is whether the generation is ours to end; one that the application opened it ends itself.
    """

    generation: sdk.Generation | None
    owned: bool
    tally: Tally = field(default_factory=Tally)
    _begun: bool = False
    _over: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def saw(self, chunk: object) -> None:
        """A chunk of a stream passed."""
        with harmless("Reading a chunk"):
            self.tally.saw(chunk)
            if not self._begun and self.generation is not None:
                self._begun = True
                self.generation.update(completion_start_time=sdk.now())

    def end(self, *, end_ns: int | None = None) -> None:
        """The stream is over. Without usage it is recorded as a call of unknown size, never as a free one."""
        usage = self.tally.usage()
        if usage is None:
            complain_once("stream without usage", _NO_USAGE)
            self._close("The stream reported no usage", "WARNING", end_ns)
        else:
            self.record(usage, end_ns=end_ns)

    def record(self, usage: Usage, *, end_ns: int | None = None) -> None:
        """The provider's answer with its usage."""
        self._close("", "DEFAULT", end_ns, usage)

    def fail(self, error: BaseException) -> None:
        """The call or its stream broke off; what was reported until then is kept.

        Only the kind of the error and its status are told: providers put parts of prompts and keys into their texts.
        """
        status = getattr(error, "status_code", None)
        told = type(error).__name__ + (f" {status}" if isinstance(status, int) else "")
        self._close(told, "ERROR", None, self.tally.usage())

    def cut_short(self) -> None:
        """Nobody reads on. Does nothing after the end."""
        self._close("The stream was closed before its end", "WARNING", None, self.tally.usage())

    def _close(self, told: str, level: Level, end_ns: int | None, usage: Usage | None = None) -> None:
        with self._lock:
            if self._over:
                return
            self._over = True
        if self.generation is None:
            return
        with harmless("Recording a call"):
            write(self.generation, usage, self.tally.model, told=told, level=level)
        if self.owned:
            with harmless("Ending a generation"):
                self.generation.end(end_time=end_ns)


_NO_USAGE = (
    "a stream ended without usage; OpenAI sends it with stream_options={'include_usage': True}, which chat_openai() "
    "asks for by itself"
)


def write(
    generation: sdk.Generation, usage: Usage | None, model: str, *, told: str = "", level: Level = "DEFAULT"
) -> None:
    """Puts a call's facts into a generation, if that is still open."""
    if not sdk.is_open(generation):
        complain_once("ended", "a generation had ended before its usage came; the usage is lost to Langfuse")
        return
    if usage is not None:
        apart = usage.reasoning if "output_reasoning_tokens" not in usage.details else 0
        parameters = {**sdk.parameters_of(generation), "service_tier": usage.tier} if usage.tier else None
        generation.update(
            model=usage.model or model or None,
            usage_details=dict(usage.details),
            metadata={"reasoning_tokens": apart} if apart else None,
            model_parameters=parameters,
        )
    elif model:
        generation.update(model=model)
    if told:
        generation.update(level=level, status_message=told)
