"""The engine's side of a Pulumi program, in this process: takes registrations, asks the creator, answers.

Pulumi's own mock monitor passes on neither protection, parents, dependencies, aliases nor ignored changes,
calls from several threads at once, and takes duplicate names and missing archives without a word. Not so
this one.
"""

import threading
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2
from google.protobuf.struct_pb2 import Struct
from pulumi import Archive, FileArchive
from pulumi.output import Unknown
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockMonitor, Mocks
from pulumi.runtime.proto import resource_pb2

from sluice.errors import SluiceError
from sluice.local.aliases import former_urns
from sluice.local.declared import UNKNOWN, Creator, Declared

_STACK = "pulumi:pulumi:Stack"


class Monitor(MockMonitor):
    """Keeps every declared resource, and the stack's outputs."""

    def __init__(self, project: str, stack: str, create: Creator, *, preview: bool) -> None:
        super().__init__(_Unused())
        self.preview = preview
        self.outputs: dict[str, Any] = {}
        self.first_error: Exception | None = None
        self._declared: dict[str, Declared] = {}
        self._project, self._stack, self._create = project, stack, create
        self._lock = threading.Lock()

    @property
    def declared(self) -> list[Declared]:
        """All resources in the order of registration, components included."""
        return list(self._declared.values())

    def features(self) -> set[int]:
        """Say what this monitor can do, as the runtime asks at the start of a program."""
        return set(self.GetDeploymentInfo(None).supportedFeatures)  # type: ignore[no-untyped-call]  # Pulumi has no types there

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Name a resource as the engine does: with the types of all components around it."""
        around = parent.split("::")[2] if parent else _STACK
        qualified = type_ if around == _STACK else f"{around}${type_}"
        return f"urn:pulumi:{self._stack}::{self._project}::{qualified}::{name}"

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 the protocol's name
        """Take one declaration, one at a time; nothing more is created after a failure."""
        with self._lock:
            try:
                return self._register(request)
            except Exception as error:
                self.first_error = self.first_error or error
                raise

    def Invoke(self, request: Any) -> Any:  # noqa: N802 the protocol's name
        """Refuse: a program that asks the cloud a question cannot be previewed without an account."""
        raise self._refusal(f"calls {request.tok}")

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 the protocol's name
        """Refuse, for the same reason."""
        raise self._refusal(f"looks up {request.name} ({request.type})")

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 the protocol's name
        """Keep the stack's outputs; those of components go nowhere."""
        if request.urn.split("::")[2] == _STACK:
            self.outputs = _plain(rpc.deserialize_properties(request.outputs, keep_unknowns=True))
        return empty_pb2.Empty()

    def _refusal(self, what: str) -> SluiceError:
        error = SluiceError(f"the program {what}: a preview without an account must not ask the cloud")
        with self._lock:
            self.first_error = self.first_error or error
        return error

    def _register(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == _STACK:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        if self.first_error is not None:
            raise SluiceError("not created, since an earlier resource failed")
        if urn in self._declared:
            raise SluiceError(
                f"two resources are called {request.name!r} ({request.type}): rename one in infra/"
            )
        declared = self._declaration(request, urn)
        for archive in _archives(declared.inputs):
            if not Path(archive).exists():
                raise SluiceError(f"{request.name} wants to upload {archive}, which does not exist")
        self._declared[urn] = declared
        if not declared.custom:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        return self._created(declared, request)

    def _created(self, declared: Declared, request: Any) -> Any:
        state = Struct()
        state.CopyFrom(request.object)
        if self.preview and not declared.type.startswith("pulumi:providers:"):
            return resource_pb2.RegisterResourceResponse(urn=declared.urn, object=state)
        try:
            id_, outputs = self._create(declared)
        except SluiceError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            if isinstance(error, KeyError):
                reason = f"declare its {reason}, which the local cloud does not make up"
            raise SluiceError(f"could not create {declared.name} ({declared.type}): {reason}") from error
        state.update(outputs)
        return resource_pb2.RegisterResourceResponse(urn=declared.urn, id=id_, object=state)

    def _declaration(self, request: Any, urn: str) -> Declared:
        is_root = not request.parent or request.parent.split("::")[2] == _STACK
        return Declared(
            type=request.type,
            name=request.name,
            inputs=_plain(rpc.deserialize_properties(request.object, keep_unknowns=True)),
            urn=urn,
            parent=None if is_root else request.parent,
            protect=request.protect,
            custom=request.custom,
            depends_on=tuple(sorted(request.dependencies)),
            aliases=former_urns(request, urn, self._declared.get(request.parent)),
            ignore_changes=tuple(request.ignoreChanges),
            delete_before_replace=request.deleteBeforeReplace,
            retained=request.retainOnDelete,
            provider=request.provider or request.providers.get(request.type.partition(":")[0], ""),
        )


class _Unused(Mocks):
    """What Pulumi's monitor would ask; the one above answers everything itself."""

    def call(self, args: Any) -> Any:
        raise NotImplementedError(args)

    def new_resource(self, args: Any) -> Any:
        raise NotImplementedError(args)


def _plain(value: Any) -> Any:  # noqa: PLR0911 one line per kind of value
    """Turn what the wire carries into what boto3 and people take."""
    if rpc.is_rpc_secret(value):
        return _plain(rpc.unwrap_rpc_secret(value))
    match value:
        case dict():
            return {key: _plain(value[key]) for key in sorted(value)}
        case list():
            return [_plain(item) for item in value]
        case Unknown():
            return UNKNOWN
        case FileArchive():
            return {"archive": str(value.path)}
        case Archive():
            raise SluiceError("only directories and files can be uploaded: use pulumi.FileArchive")
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _archives(value: Any) -> list[str]:
    if isinstance(value, dict):
        if set(value) == {"archive"}:
            return [value["archive"]]
        return [found for item in value.values() for found in _archives(item)]
    return [found for item in value for found in _archives(item)] if isinstance(value, list) else []
