"""Every option, checked at start: all wrong keys are reported at once.

One TOML file (``MOTCUA_CONFIG`` or ``--config``); every key can come from
``MOTCUA__SECTION__KEY``; a secret is a string, ``{ file = "…" }`` or ``{ env = "…" }``.
``docs/configuration.md`` is generated from these types. The one home of ``os.environ``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from gateway.foundation.decode import decode
from gateway.foundation.problems import FieldError, Problem
from gateway.signing_settings import Positive, SigningSection
from signing.commands.system_words import reason_of

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Where the gateway listens and how the world sees it."""

    host: str = "127.0.0.1"  # the address to listen on
    port: Port = 8080  # the port to listen on
    public_url: str = "http://127.0.0.1:8080"  # what citizens, portals and providers see
    mode: str = "test"  # test | live: live refuses insecure settings
    requests_per_second: int = 200  # per portal; 0 = no limit
    shutdown_s: Positive = 20  # time for requests in flight to finish
    upload_limit: Positive = 50 * 1024 * 1024  # bytes of one uploaded file
    trusted_proxies: list[str] = []  # networks whose X-Forwarded-For is believed


class DatabaseSection(msgspec.Struct, frozen=True, kw_only=True):
    """The queue and store of record."""

    url: str = "sqlite:///var/motcua.db"  # or postgresql://user@host/name
    writers: Positive | None = None  # writer threads; SQLite 1, PostgreSQL 2 when left out
    migrate: bool = True  # bring SQLite's schema up at start; PostgreSQL is migrated by command


class RedisSection(msgspec.Struct, frozen=True, kw_only=True):
    """Optional: only makes things faster."""

    url: str = ""  # redis://host:6379/0; empty = none


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """Where documents are kept."""

    url: str = "var/files"  # a folder, file:///… or s3://bucket
    # bytes: larger documents are streamed in and out, and signed from file to file
    large_from: Annotated[int, msgspec.Meta(ge=1, le=64 * 1024 * 1024)] = 20 * 1024 * 1024


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """Keys that live outside the database; the first encrypts, each decrypts."""

    master_keys: list[str] = []  # seal webhook secrets in the database; newest first
    pepper: str = ""  # under which API keys are hashed; a new one ends every key


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """What is said on standard error."""

    level: str = "info"  # debug | info | warning | error
    format: str = "json"  # json | text


class Province(msgspec.Struct, frozen=True, kw_only=True):
    """Names and help shown on pages and paper."""

    name: str = "Tỉnh Mẫu"  # the province
    agency: str = "Trung tâm Phục vụ hành chính công"  # who stands behind the pages
    phone: str = "1900 0000"  # the help line shown on every page
    hours: str = "7:30–17:00, thứ Hai đến thứ Sáu"  # when somebody answers it


class Payments(msgspec.Struct, frozen=True, kw_only=True):
    """How payments behave."""

    expires_in_s: Positive = 86_400  # of a payment whose portal does not say
    refund_approval_above_vnd: int = 1_000_000  # more needs a second person
    # when a provider that stays silent is asked, counted from the attempt
    query_after_s: tuple[int, ...] = (120, 300, 900, 3_600, 86_400)
    methods: list[str] = []  # accounts offered at checkout, in order; empty = all


class Shipments(msgspec.Struct, frozen=True, kw_only=True):
    """How parcels are followed."""

    poll_s: Annotated[float, msgspec.Meta(gt=0)] = 60.0  # how often each carrier's feed is read


class Webhooks(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries to portals."""

    allowed_networks: list[str] = []  # private networks portals may live in (TSLCD)
    timeout_s: float = 15.0  # for a portal's answer
    # waits before each sending of an event, ±20 %
    retry_s: tuple[int, ...] = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
    per_endpoint: Positive = 8  # deliveries in flight to one endpoint


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration file."""

    server: Server = Server()
    database: DatabaseSection = DatabaseSection()
    redis: RedisSection = RedisSection()
    files: Files = Files()
    secrets: Secrets = Secrets()
    log: Log = Log()
    province: Province = Province()
    payments: Payments = Payments()
    shipments: Shipments = Shipments()
    signing: SigningSection = SigningSection()
    webhooks: Webhooks = Webhooks()
    payment_accounts: dict[str, dict[str, Any]] = {}
    postal_accounts: dict[str, dict[str, Any]] = {}


class ConfigurationError(Exception):
    """Everything that is wrong with a configuration, one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(
    path: Path | None,
    environment: Mapping[str, str] | None = None,
    *,
    judge: Callable[[Settings], list[str]] | None = None,
) -> Settings:
    """Read file and environment.

    Args:
        path: the file; None = environment and defaults alone.
        environment: the process's own when left out.
        judge: finds what is wrong beyond types, such as accounts that cannot be built.

    Raises:
        ConfigurationError: naming every unknown, missing, ill-typed or insecure key.
    """
    env = os.environ if environment is None else environment
    data: dict[str, Any] = {}
    if path is not None:
        try:
            data = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigurationError([f"{path}: {reason_of(error)}"]) from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            sentence = f"{path.name}: không đúng TOML / not TOML: {error}"
            raise ConfigurationError([sentence]) from error
    problems: list[str] = []
    _overlay(data, env, problems)
    data = _resolve(data, env, "", problems, path.parent if path else Path())
    try:
        settings = decode(Settings, data)
    except Problem as problem:
        problems += [_sentence(e) for e in problem.errors]
        raise ConfigurationError(problems) from problem
    problems += insecurities(settings)
    problems += judge(settings) if judge else []
    if problems:
        raise ConfigurationError(problems)
    return settings


def config_path(argument: str | None) -> Path | None:
    """The file named by ``--config``, or by ``MOTCUA_CONFIG``."""
    name = argument or os.environ.get("MOTCUA_CONFIG")
    return Path(name) if name else None


def insecurities(settings: Settings) -> list[str]:
    """Why this configuration must not serve real citizens; empty in test mode."""
    if settings.server.mode not in ("test", "live"):
        return ["server.mode: phải là “test” hoặc “live”"]
    if settings.server.mode == "test":
        return []
    master_keys = settings.secrets.master_keys
    accounts = {**settings.payment_accounts, **settings.postal_accounts}
    rules = {
        "server.public_url: chế độ live cần https": (
            urlsplit(settings.server.public_url).scheme == "https"
        ),
        "secrets.master_keys: chế độ live cần ít nhất một khóa từ 32 ký tự": (
            bool(master_keys) and all(len(k) >= 32 for k in master_keys)
        ),
        "secrets.pepper: chế độ live cần từ 32 ký tự": len(settings.secrets.pepper) >= 32,
        "signing.trust.allow_loopback: không dùng PKI phát triển ở chế độ live": (
            not settings.signing.trust.allow_loopback
        ),
    }
    problems = [sentence for sentence, holds in rules.items() if not holds]
    problems += [
        f"{name}.{key}: chế độ live cần https"
        for name, account in accounts.items()
        for key, value in account.items()
        if key.endswith("url") and str(value).startswith("http://")
    ]
    return problems


def _sentence(error: FieldError) -> str:
    return f"{error.pointer.strip('/').replace('/', '.')}: {error.detail}"


def _overlay(data: dict[str, Any], env: Mapping[str, str], problems: list[str]) -> None:
    for name, text in sorted(env.items()):
        if not name.startswith("MOTCUA__"):
            continue
        path = [part.lower() for part in name.removeprefix("MOTCUA__").split("__")]
        node = data
        for part in path[:-1]:
            following = node.setdefault(part, {})
            if not isinstance(following, dict):
                problems.append(f"{name}: {part} không phải là một mục")
                break
            node = following
        else:
            node[path[-1]] = _typed(text)


def _typed(text: str) -> Any:
    """A TOML value when it reads as one (numbers, booleans, lists), else the text itself."""
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text


def _resolve(
    node: Any, env: Mapping[str, str], where: str, problems: list[str], folder: Path
) -> Any:
    if isinstance(node, dict):
        if set(node) == {"env"}:
            if node["env"] not in env:
                problems.append(f"{where}: biến môi trường {node['env']} chưa đặt")
            return env.get(node["env"], "")
        if set(node) == {"file"}:
            try:
                return (folder / node["file"]).read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                problems.append(f"{where}: không đọc được tệp ({type(error).__name__})")
                return ""
        return {
            k: _resolve(v, env, f"{where}.{k}".strip("."), problems, folder)
            for k, v in node.items()
        }
    if isinstance(node, list):
        return [_resolve(v, env, f"{where}.{i}", problems, folder) for i, v in enumerate(node)]
    return node
