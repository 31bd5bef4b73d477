"""The models of a process by name: those that the operands declare, and the command line's `default`.

Links the URL parser and what one exchange needs; the HTTP client with the first request. Which providers there are
is not known here: the app hands in the modules that speak as its providers do.
"""

from __future__ import annotations

import os

from agentdc_runtime.errors import ConfigError, IntelligenceError
from agentdc_runtime.models.backend import MOST_BODY, Backend
from agentdc_runtime.models.model import Line, Model
from agentdc_runtime.net.url import BadUrl
from agentdc_runtime.observe.log import INFO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType
    from typing import Any

    from agentdc_runtime.core.process import Process
    from agentdc_runtime.core.run import Run
    from agentdc_runtime.host.flags import Options
    from agentdc_runtime.models.breaker import Breaker
    from agentdc_runtime.models.message import Reply, Request
    from agentdc_runtime.models.model import Answered, Speaker
    from agentdc_runtime.net.http_client import Client

DEFAULT = "default"
PLACES = 65_536  # exchanges in flight; the limit of open files comes first
USED = "llm tokens"  # where the process keeps tokens by backend, model and direction, for /metrics
_CLIENT = "model client"  # where the process keeps the client, so that it is closed at the end


class Models:
    """Every model that nodes can ask.

    `dialects`: provider modules by name. `settings`: the backends of the operands. `options`: of the command line.
    ConfigError when one of them cannot be used.
    """

    __slots__ = ("_models", "_process")

    def __init__(
        self,
        dialects: Mapping[str, ModuleType],
        settings: list[dict[str, Any]],
        options: Options,
        process: Process,
    ) -> None:
        self._process = process
        self._models: dict[str, Model] = {}
        timeout = float(options.timeout_secs)
        lines: dict[str, Line] = {}
        breakers: dict[str, Breaker] = {}
        for each in settings:
            dialect = dialects.get(each["dialect"])
            if dialect is not None:  # else no node of this app asks it
                backend = Backend(each, dialect, self._secret, self._client)
                lines[each["name"]] = _line(backend, each, breakers)
        if DEFAULT not in lines and "rpc" in dialects:
            given = self._given(dialects["rpc"], options)
            if given is not None:
                lines[DEFAULT] = Line(given, {})
        failover = {each["name"]: each.get("failover", ()) for each in settings}
        for name, line in lines.items():
            rest = [lines[other] for other in failover.get(name, ()) if other in lines and other != name]
            self._models[name] = Model(name, (line, *rest), timeout)

    def begin(self, settings: list[dict[str, Any]]) -> None:
        """Every key is there; ConfigError about the first that is not."""
        assert self._process.secrets is not None
        for each in settings:
            name = each.get("api_key_env")
            if name is not None and each["name"] in self._models:
                known, value = self._process.secrets.at_once(name)
                if known and value is None:
                    raise ConfigError(f"the backend `{each['name']}`: the secret `{name}` is not set")

    def find(self, name: str) -> Model:
        """The model of this name; IntelligenceError when there is none."""
        model = self._models.get(name)
        if model is None:
            known = ", ".join(sorted(self._models)) or "<none>"
            hint = "; --intel-unix or --intel-http gives it" if name == DEFAULT else ""
            raise IntelligenceError(f"no model backend is called `{name}`; there are: {known}{hint}")
        return model

    async def ask(self, run: Run, model: Model, request: Request) -> Reply:
        """An answer, counted and told (spec 03 §6.8)."""
        answered = await model.ask(run, request)
        account(run, answered)
        return answered.reply

    def _given(self, rpc: ModuleType, options: Options) -> Speaker | None:
        """The model of the command line, if it names one."""
        speaker: Speaker | None = None
        if options.intel_unix is not None:
            speaker = rpc.OnSocket(options.intel_unix)
        elif options.intel_http is not None:
            bearer = _Bearer(options.intel_http_bearer_file)
            try:
                speaker = rpc.OverHttp(options.intel_http, bearer.read, self._client)
            except BadUrl as error:
                raise ConfigError(f"--intel-http: {error.reason}") from None
        return speaker

    async def _secret(self, name: str) -> str:
        assert self._process.secrets is not None
        return await self._process.secrets.resolve(name)

    def _client(self) -> Client:
        kept: Client | None = self._process.kept.get(_CLIENT)
        if kept is None:
            from agentdc_runtime.net.http_client import Client
            from agentdc_runtime.net.proxy import proxy_for

            kept = Client(cap=MOST_BODY, places=PLACES, proxy=lambda url: proxy_for(url, os.environ))
            self._process.kept[_CLIENT] = kept
        return kept


class _Bearer:
    """The token of `--intel-http`: read at start, so that a missing file is told there, and again when it changed."""

    __slots__ = ("_file",)

    def __init__(self, file: str | None) -> None:
        self._file = file
        self.read()

    def read(self) -> str:
        if self._file is None:
            token = os.environ.get("AGENTD_INTEL_HTTP_BEARER", "")
            return token if token.strip() else ""
        from agentdc_runtime.secrets.sources import from_file

        return from_file("intel-http-bearer-file", self._file, trim=True)


def _conventional(answered: Answered) -> dict[str, Any]:
    """The same in the words of OpenTelemetry's semantic conventions for generative AI, version 1.37."""
    reply, speaker = answered.reply, answered.line.speaker
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": speaker.system,
        "gen_ai.request.model": speaker.model,
        "gen_ai.response.model": reply.model or speaker.model,
        "gen_ai.response.finish_reasons": reply.stop or "",
        "gen_ai.usage.input_tokens": reply.prompt,
        "gen_ai.usage.output_tokens": reply.completion,
    }


def _line(backend: Backend, settings: dict[str, Any], breakers: dict[str, Breaker]) -> Line:
    """A backend with its cache, and the breaker that it shares with others of the same endpoint."""
    breaker = cache = None
    if settings.get("breaker") is not None:
        from agentdc_runtime.models.breaker import Breaker

        wanted = settings["breaker"]
        made = Breaker(wanted["failures"], float(wanted["open_secs"]))
        breaker = breakers.setdefault(backend.endpoint, made)
    if settings.get("cache") is not None:
        from agentdc_runtime.models.cache import Cache

        cache = Cache(settings["cache"]["entries"], float(settings["cache"]["ttl_secs"]))
    return Line(backend, settings, breaker, cache)


def account(run: Run, answered: Answered) -> None:
    """Count what an answer used, for the process and the run, and tell of it."""
    reply, speaker = answered.reply, answered.line.speaker
    process = run.process
    if not answered.cached:
        process.count({"llm_calls": 1, "llm_tokens": reply.tokens})
        run.root.tokens += reply.tokens
        used: dict[tuple[str, str, str], int] = process.kept.setdefault(USED, {})
        for direction, number in (("prompt", reply.prompt), ("completion", reply.completion)):
            key = (speaker.name, speaker.model, direction)
            used[key] = used.get(key, 0) + number
        if process.budget is not None:
            process.budget.add_tokens(reply.tokens)
    if run.journal is None:
        return
    fields: dict[str, Any] = {
        "node_id": run.last_node,
        "backend": speaker.name,
        "model": speaker.model,
        "prompt_tokens": reply.prompt,
        "completion_tokens": reply.completion,
        "latency_ms": int(answered.seconds * 1000),
    }
    if answered.cached:
        fields["cached"] = True
    fields |= _conventional(answered)
    run.journal.event(INFO, "llm.call", fields)
