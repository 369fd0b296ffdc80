"""The API's description, for programs and for people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from engine.api.operations import Call, Document, operation

DOCUMENT = web.AppKey("openapi", bytes)
"""The OpenAPI document, made when the application is."""

DOCUMENT_FOR_PAGE = web.AppKey("openapi_for_page", bytes)
"""The same for the page."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Smart PTZ API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/docs/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  // Null keeps it from asking a server on the internet whether the document is valid.
  validatorUrl: null,
});
"""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")


@operation("GET", "/openapi.json", tag="documentation", role=None)
async def get_openapi(call: Call) -> Document:
    """This document."""
    return Document(call.request.app[DOCUMENT])


def add_page(app: web.Application) -> None:
    """Adds `/docs`, the page for people: Swagger UI from its package, nothing from the internet."""
    from swagger_ui_bundle import swagger_ui_path

    folder = Path(swagger_ui_path)
    app.router.add_get("/docs", _show_page)
    app.router.add_get("/docs/start.js", _show_start)
    app.router.add_get("/docs/openapi.json", _show_document)
    for name in _FILES:
        app.router.add_get(f"/docs/{name}", _file(folder / name))


async def _show_page(_request: web.Request) -> web.Response:
    return web.Response(text=_PAGE, content_type="text/html", headers={"Content-Security-Policy": _POLICY})


async def _show_start(_request: web.Request) -> web.Response:
    return web.Response(text=_START, content_type="text/javascript")


async def _show_document(request: web.Request) -> web.Response:
    return web.Response(body=request.app[DOCUMENT_FOR_PAGE], content_type="application/json")


def _file(path: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def show(_request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path)

    return show
