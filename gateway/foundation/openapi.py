"""OpenAPI 3.1 generated from the routes' own types; nothing is described twice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from gateway.foundation.problems import MEDIA_TYPE, FieldError
from gateway.foundation.web import Page, Route

_PARAMETER = re.compile(r"{(\w+)(?::[^}]*)?}")


class ProblemDocument(msgspec.Struct):
    """The shape of every error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    trace_id: str
    errors: list[FieldError] = []
    money_position: str | None = None
    retryable: bool | None = None


def document(routes: Iterable[Route | Page], version: str, public_url: str) -> dict[str, Any]:
    """The whole OpenAPI document of the API routes (pages are not part of the contract)."""
    api = [r for r in routes if isinstance(r, Route)]
    types = [t for r in api for t in (r.body, r.reply) if t is not None] + [ProblemDocument]
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    by_type = {_key(t): s for t, s in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route in api:
        path = _PARAMETER.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, by_type)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Motcua",
            "version": version,
            "summary": "Payments, e-signatures, certified copies and postal delivery",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _key(kind: Any) -> str:
    return repr(kind)


def _operation(route: Route, by_type: dict[str, Any]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route.path)
    ]
    parameters += [
        {"name": name, "in": "query", "description": about, "schema": {"type": "string"}}
        for name, about in route.query.items()
    ]
    if route.idempotent:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            }
        )
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": f"{route.method.lower()}{re.sub(r'[^A-Za-z0-9]+', '_', route.path)}",
        "tags": [route.path.split("/")[2] if route.path.startswith("/v1/") else "other"],
        "x-scope": route.scope,
        "parameters": parameters,
        "responses": {
            str(route.status): _content("application/json", by_type.get(_key(route.reply)), "OK"),
            "default": _content(MEDIA_TYPE, by_type[_key(ProblemDocument)], "Problem"),
        },
    }
    if route.multipart:
        parts: dict[str, Any] = {name: {"type": "string"} for name in route.form}
        parts["file"] = {"type": "string", "format": "binary"}
        schema = {"type": "object", "properties": parts, "required": sorted(parts)}
        operation["requestBody"] = {
            "required": True,
            "content": {"multipart/form-data": {"schema": schema}},
        }
    elif route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": by_type[_key(route.body)]}},
        }
    return operation


def _content(media: str, schema: Any, description: str) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": description}
    if schema is not None:
        answer["content"] = {media: {"schema": schema}}
    return answer
