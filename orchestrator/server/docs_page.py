"""The page at /docs: the endpoints and documents of the service, made from its OpenAPI description.

The usual documentation pages load scripts from other hosts; this one is a single HTML text and works without a network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from fastapi.responses import HTMLResponse

_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "X-Frame-Options": "DENY"}

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #d0d7de; } code, pre { font-family: ui-monospace, monospace; }
pre { background: #f6f8fa; padding: 1rem; overflow: auto; } .method { font-weight: 700; }
"""


def docs_page(openapi: Mapping[str, Any]) -> HTMLResponse:
    """The whole page. `openapi` is the application's OpenAPI document."""
    info = openapi["info"]
    operations = [
        _operation(method, path, operation)
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = [_schema(name, schema) for name, schema in openapi["components"]["schemas"].items()]
    body = "".join(
        (
            f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>",
            f"<p>{escape(info['description'])}</p>",
            '<p>The same as a document: <a href="/openapi.json">/openapi.json</a>.</p>',
            "<h2>Endpoints</h2>",
            *operations,
            "<h2>Documents</h2>",
            *schemas,
        )
    )
    head = f"<meta charset=utf-8><title>{escape(info['title'])}</title><style>{_STYLE}</style>"
    return HTMLResponse(f"<!doctype html><html lang=en>{head}{body}", headers=_HEADERS)


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    answers = "".join(
        f"<li><code>{escape(status)}</code> {escape(answer['description'])}</li>"
        for status, answer in operation["responses"].items()
    )
    takes = _reference(operation.get("requestBody", {}))
    body = f"<p>Takes {takes}.</p>" if takes else ""
    return (
        f"<h3><code><span class=method>{method.upper()}</span> {escape(path)}</code></h3>"
        f"<p>{escape(operation.get('description', operation['summary']))}</p>{body}<ul>{answers}</ul>"
    )


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    return f'<h3 id="{escape(name)}">{escape(name)}</h3><pre>{escape(json.dumps(schema, indent=2))}</pre>'


def _reference(request_body: Mapping[str, Any]) -> str:
    for content in request_body.get("content", {}).values():
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        if name:
            return f'<a href="#{escape(name)}">{escape(name)}</a>'
    return ""
