"""The REST paths of Google's projects, their APIs and their billing, and the token service of accounts."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sluice.local.google.errors import TokenRefusedError, invalid_argument
from sluice.local.google.iam import Iam
from sluice.local.google.projects import Projects
from sluice.local.google.tokens import Tokens

Handler = Callable[[Request], Awaitable[Response]]
Routes = list[tuple[str, list[str], Handler]]
_ENCODE: Final = msgspec.json.Encoder().encode
_PROJECT: Final = "/v1/projects/{project}"
_SERVICES: Final = _PROJECT + "/services"


class ProjectsApi:
    """Projects over HTTP; the handlers raise ApiError."""

    def __init__(self, iam: Iam, tokens: Tokens) -> None:
        self._projects = Projects(iam, tokens)

    def routes(self) -> Routes:
        """Return what anybody may ask."""
        return [
            ("/token", ["POST"], self._token),
            (_PROJECT + ":testIamPermissions", ["POST"], self._allowed),
        ]

    def administration(self) -> Routes:
        """Return what the owner may ask."""
        return [
            (_PROJECT + ":undelete", ["POST"], self._undelete),
            (_PROJECT + "/billingInfo", ["GET", "PUT"], self._billing),
            (_SERVICES, ["GET"], self._services),
            (_SERVICES + "/{service}:enable", ["POST"], self._enable),
            (_SERVICES + "/{service}:disable", ["POST"], self._disable),
            (_SERVICES + "/{service}", ["GET"], self._service),
            (_PROJECT, ["GET", "DELETE"], self._project),
        ]

    async def _token(self, request: Request) -> Response:
        try:
            return _json(self._projects.token(await request.body()))
        except TokenRefusedError as error:
            return _json(error.document(), error.status)

    async def _allowed(self, request: Request) -> Response:
        project = request.path_params["project"]
        return _json(
            self._projects.allowed(project, await _object(request), request.headers.get("authorization"))
        )

    async def _project(self, request: Request) -> Response:
        project = request.path_params["project"]
        if request.method == "DELETE":
            return _json(self._projects.delete(project))
        return _json(self._projects.get(project))

    async def _undelete(self, request: Request) -> Response:
        return _json(self._projects.delete(request.path_params["project"], undo=True))

    async def _billing(self, request: Request) -> Response:
        body = await _object(request) if request.method == "PUT" else None
        return _json(self._projects.billing(request.path_params["project"], body))

    async def _services(self, request: Request) -> Response:
        return _json(self._projects.services(request.path_params["project"], dict(request.query_params)))

    async def _service(self, request: Request) -> Response:
        return _json(self._projects.service(request.path_params["project"], request.path_params["service"]))

    async def _enable(self, request: Request) -> Response:
        return self._switched(request, on=True)

    async def _disable(self, request: Request) -> Response:
        return self._switched(request, on=False)

    def _switched(self, request: Request, *, on: bool) -> Response:
        params = request.path_params
        return _json(self._projects.switch(params["project"], params["service"], on=on))


def _json(body: Any, status: int = 200) -> Response:
    return Response(_ENCODE(body), status, media_type="application/json")


async def _object(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError):
        raise invalid_argument("Invalid JSON payload received. An object is expected.") from None
