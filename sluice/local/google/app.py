"""The HTTP side: the REST paths of Google's IAM, its token service, and one of our own for tokens' lives."""

import datetime as dt
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from sluice.local.bigquery.errors import ApiError
from sluice.local.google.access import Access
from sluice.local.google.errors import TokenRefusedError, denied, invalid_argument
from sluice.local.google.exchange import Exchange
from sluice.local.google.iam import PROJECT_NUMBER, Iam, denied_account
from sluice.local.google.projects_api import ProjectsApi
from sluice.local.google.tokens import Lifetime, Tokens

Handler = Callable[[Request], Awaitable[Response]]
_ENCODE: Final = msgspec.json.Encoder().encode
_PROJECT: Final = "/v1/projects/{project}"
_POOLS: Final = _PROJECT + "/locations/global/workloadIdentityPools"
_ACCOUNTS: Final = _PROJECT + "/serviceAccounts"
_POOL_ID: Final = re.compile(r"(?!gcp-)[a-z0-9-]{4,32}")
_ACCOUNT_ID: Final = re.compile(r"[a-z]([-a-z0-9]{4,28})[a-z0-9]")
_ROLE_ID: Final = re.compile(r"[a-zA-Z0-9_.]{3,64}")
"""IAM API: ids of pools and providers; of service accounts; of custom roles."""

_LONGEST_SECONDS: Final = 3600
"""A service account's token lasts no longer, unless an organisation allows it."""


class Google:
    """What Google holds beside BigQuery's data, and who may come to that."""

    def __init__(self) -> None:
        self.iam, self.tokens = Iam(), Tokens()
        self.access = Access(self.iam, self.tokens)
        self._exchange = Exchange(self.iam, self.tokens)
        self._projects = ProjectsApi(self.iam, self.tokens)

    def routes(self) -> list[tuple[str, list[str], Handler]]:
        """Return paths, methods and handlers; the handlers raise ApiError."""
        of_all = [
            ("/v1/token", ["POST"], self._token),
            (_ACCOUNTS + "/{email}:generateAccessToken", ["POST"], self._generate),
            ("/_sluice/aws", ["PUT"], self._aws),
            ("/_sluice/tokens", ["GET", "PUT", "DELETE"], self._lives),
        ]
        return [*of_all, *self._projects.routes()] + [
            (path, methods, self._by_the_owner(handler))
            for path, methods, handler in [*self._administration(), *self._projects.administration()]
        ]

    def _administration(self) -> list[tuple[str, list[str], Handler]]:
        return [
            (_POOLS, ["POST"], self._new_pool),
            (_POOLS + "/{pool}", ["GET", "PATCH", "DELETE"], self._pool),
            (_POOLS + "/{pool}/providers", ["POST"], self._new_provider),
            (_POOLS + "/{pool}/providers/{provider}", ["GET", "PATCH"], self._provider),
            (_PROJECT + "/roles", ["POST"], self._new_role),
            (_PROJECT + "/roles/{role}", ["GET", "PATCH", "DELETE"], self._role),
            (_ACCOUNTS, ["POST"], self._new_account),
            (_ACCOUNTS + "/{email}:getIamPolicy", ["POST"], self._get_policy),
            (_ACCOUNTS + "/{email}:setIamPolicy", ["POST"], self._set_policy),
            (_ACCOUNTS + "/{email}", ["GET", "PATCH"], self._account),
        ]

    async def _token(self, request: Request) -> Response:
        try:
            text = (await request.body()).decode()
            form = dict(parse_qsl(text, strict_parsing=True))
            return _json(await run_in_threadpool(self._exchange.answer, form))
        except TokenRefusedError as error:
            return _json(error.document(), error.status)
        except ValueError:
            refused = TokenRefusedError("invalid_request", "The request's body is not a form.")
            return _json(refused.document(), refused.status)

    async def _new_pool(self, request: Request) -> Response:
        found = _id(request.query_params.get("workloadIdentityPoolId"), _POOL_ID, "workloadIdentityPoolId")
        body = await _object(request)
        return _done(self.iam.create(_pool_name(found), {**body, "state": "ACTIVE"}))

    async def _pool(self, request: Request) -> Response:
        return await self._one(_pool_name(request.path_params["pool"]), request, _done)

    async def _new_provider(self, request: Request) -> Response:
        key = "workloadIdentityPoolProviderId"
        found = _id(request.query_params.get(key), _POOL_ID, key)
        pool = _pool_name(request.path_params["pool"])
        body = await _object(request)
        return _done(self.iam.create(f"{pool}/providers/{found}", {**body, "state": "ACTIVE"}))

    async def _provider(self, request: Request) -> Response:
        name = f"{_pool_name(request.path_params['pool'])}/providers/{request.path_params['provider']}"
        return await self._one(name, request, _done)

    async def _new_role(self, request: Request) -> Response:
        body = await _object(request)
        found = _id(body.get("roleId"), _ROLE_ID, "roleId")
        name = f"projects/{request.path_params['project']}/roles/{found}"
        return _json(self.iam.create(name, body.get("role") or {}))

    async def _role(self, request: Request) -> Response:
        return await self._one("projects/{project}/roles/{role}".format(**request.path_params), request)

    async def _new_account(self, request: Request) -> Response:
        body, project = await _object(request), request.path_params["project"]
        email = f"{_id(body.get('accountId'), _ACCOUNT_ID, 'accountId')}@{project}.iam.gserviceaccount.com"
        resource = {**(body.get("serviceAccount") or {}), "projectId": project, "email": email}
        return _json(self.iam.create(f"projects/{project}/serviceAccounts/{email}", resource))

    async def _account(self, request: Request) -> Response:
        return await self._one(self.iam.account(request.path_params["email"]), request)

    async def _get_policy(self, request: Request) -> Response:
        return _json(self.iam.policy(self.iam.account(request.path_params["email"])))

    async def _set_policy(self, request: Request) -> Response:
        account = self.iam.account(request.path_params["email"])
        return _json(self.iam.set_policy(account, (await _object(request)).get("policy") or {}))

    async def _generate(self, request: Request) -> Response:
        """Give whoever may act as a service account a token of that account."""
        email, body = request.path_params["email"], await _object(request)
        members = self.tokens.members(request.headers.get("authorization", ""))
        try:
            allowed = self.iam.may(members, "iam.serviceAccounts.getAccessToken", self.iam.account(email))
        except ApiError:  # Google does not tell strangers which accounts there are
            allowed = False
        if not allowed:
            raise denied_account(email)
        if not body.get("scope"):
            raise invalid_argument("scope is required")
        try:
            wanted = float(str(body.get("lifetime", f"{_LONGEST_SECONDS}s")).removesuffix("s"))
        except ValueError:
            wanted = 0.0
        if not 0 < wanted <= _LONGEST_SECONDS:
            raise invalid_argument(f"lifetime: accepted are at most {_LONGEST_SECONDS}s")
        token, seconds = self.tokens.issue(frozenset([f"serviceAccount:{email}"]), wanted)
        ends = dt.datetime.fromtimestamp(self.tokens.now() + seconds, dt.UTC)
        return _json({"accessToken": token, "expireTime": ends.isoformat().replace("+00:00", "Z")})

    async def _aws(self, request: Request) -> Response:
        """Take the address where AWS answers."""
        self._exchange.aws_url = str((await _object(request)).get("url") or "")
        return _json({})

    async def _lives(self, request: Request) -> Response:
        """Say how long tokens live from now on, or end all that are out."""
        if request.method == "DELETE":
            self.tokens.end()
        elif request.method == "PUT":
            try:
                self.tokens.lifetime = msgspec.convert(await _object(request), Lifetime, strict=False)
            except msgspec.ValidationError as error:
                raise invalid_argument(f"said and good_for are in seconds: {error}") from None
        return _json({"issued": self.tokens.issued, **msgspec.structs.asdict(self.tokens.lifetime)})

    def _by_the_owner(self, handler: Handler) -> Handler:
        """Refuse functions, which have tokens: no grant of the program's lets one administer."""

        async def refusing(request: Request) -> Response:
            if not self.tokens.is_owners(request.headers.get("authorization")):
                raise denied("iam.*", request.url.path.removeprefix("/v1/"))
            return await handler(request)

        return refusing

    async def _one(
        self, name: str, request: Request, answer: Callable[[dict[str, Any]], Response] | None = None
    ) -> Response:
        """Show a resource, change what is given of it, or delete it."""
        if request.method == "DELETE":
            return (answer or _json)(self.iam.delete(name))
        if request.method == "GET":
            return _json(self.iam.get(name))
        return (answer or _json)(self.iam.change(name, await _object(request)))


def _pool_name(pool: str) -> str:
    return f"projects/{PROJECT_NUMBER}/locations/global/workloadIdentityPools/{pool}"


def _id(given: Any, pattern: re.Pattern[str], key: str) -> str:
    if not isinstance(given, str) or not pattern.fullmatch(given):
        raise invalid_argument(f"{key} is {given!r}: accepted is {pattern.pattern}")
    return given


def _done(resource: dict[str, Any]) -> Response:
    """Answer a long-running operation, which here is over at once."""
    return _json({"name": f"{resource['name']}/operations/1", "done": True, "response": resource})


def _json(body: Any, status: int = 200) -> Response:
    return Response(_ENCODE(body), status, media_type="application/json")


async def _object(request: Request) -> dict[str, Any]:
    try:
        parsed = msgspec.json.decode(await request.body() or b"{}")
    except (msgspec.DecodeError, UnicodeError):
        raise invalid_argument("Invalid JSON payload received.") from None
    if not isinstance(parsed, dict):
        raise invalid_argument("Invalid JSON payload received. An object is expected.")
    return parsed
