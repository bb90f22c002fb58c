"""Search: a sink into OpenSearch, the setup of what it writes to, and a domain if there is none to go to.

Off by default. The setup runs within a deployment, before the sink's mapping begins: an index that is made
without its template would have fields of OpenSearch's own guessing.
"""

from datetime import date
from typing import TYPE_CHECKING, Any, Final

import pulumi
import pulumi_aws as aws

from infra.dead_letters import DeadLetters
from infra.environment import Environment, Network
from infra.function import Code, Function
from infra.ledger import Ledger
from infra.policy import allow
from infra.role import role
from infra.search_domain import SETUP_METHODS, SINK_METHODS, SINK_PATH, SearchDomain, domain_arn
from infra.sink_function import Sink, retried_in_parts
from infra.stream import Stream
from sluice.pipeline import Pipeline
from sluice.sinks.opensearch.indices import Indices
from sluice.sinks.opensearch.templates import Shape, State, wanted

if TYPE_CHECKING:
    from infra.search_network import SearchNetwork

SINK: Final = "search"
"""What the sink is called in ledger, dead letters, audit and exports."""


class Search(pulumi.ComponentResource):
    """Everything of the search sink but its function and mapping: see `sink`."""

    def __init__(self, name: str, env: Environment, *, pipeline: Pipeline, path: str) -> None:
        super().__init__("sluice:infra:Search", name, None, env.component)
        self._resource, self._env, self._pipeline, self._path = name, env, pipeline, path
        self._settings = settings = env.settings.search_sink
        self._indices = Indices(
            settings.prefix or env.names.prefix,
            settings.period,
            date.fromisoformat(settings.indices_since),
            settings.furthest_ahead,
        )
        self._role = self._made_role(f"{name}-sink", called=env.names.sink(SINK), duty=f"{SINK} sink")
        setup = self._made_role(f"{name}-setup", called=env.names.thing("search-setup"), duty="search setup")
        network, self._network = self._networks()
        self._domain = (
            SearchDomain(name, env, self, master=setup, sink=self._role, network=network)
            if settings.mode == "domain"
            else None
        )
        self._arn = settings.endpoint_arn or domain_arn(env)
        self.environment: dict[str, pulumi.Input[str]] = {
            "SLUICE_SEARCH_ENDPOINT": self._domain.endpoint if self._domain else settings.endpoint or "",
            "SLUICE_SEARCH_SERVICE": settings.service,
        }
        self.after = [self._set_up(setup)] if env.settings.search_setup.enabled else []
        self.outputs = {
            "endpoint": self.environment["SLUICE_SEARCH_ENDPOINT"],
            "service": settings.service,
            "prefix": self._indices.prefix,
            "domain": self._domain.called if self._domain else None,
        }
        self.register_outputs(self.outputs)

    def sink(self, *, stream: Stream, dead_letters: DeadLetters, ledger: Ledger) -> Sink:
        """Say what the sink's function and mapping are made of."""
        settings = self._settings
        return Sink(
            sink=SINK,
            key="search_sink",
            function="search_sink",
            description="Delivers the stream's events to OpenSearch",
            settings=settings,
            stream=stream,
            dead_letters=dead_letters,
            ledger=ledger,
            pipeline=self._path,
            parallelization=settings.parallelization,
            mapping=retried_in_parts(settings),
            environment={
                **self.environment,
                "SLUICE_SEARCH_PREFIX": self._indices.prefix,
                "SLUICE_SEARCH_PERIOD": settings.period,
                "SLUICE_SEARCH_SINCE": settings.indices_since,
                "SLUICE_SEARCH_AHEAD": str(settings.furthest_ahead),
                "MAX_CONCURRENCY": str(settings.max_concurrency),
                "MAX_BULK_DOCUMENTS": str(settings.max_bulk_documents),
                "MAX_BULK_BYTES": str(settings.max_bulk_bytes),
            },
            statements=[self._may("WriteToOpenSearch", SINK_METHODS, SINK_PATH)],
            role=self._role,
            network=self._network,
            after=self.after or ([self._domain.domain] if self._domain else []),
        )

    def _made_role(self, name: str, *, called: str, duty: str) -> aws.iam.Role:
        """Make a role before its function: the domain names both, and the functions need its address."""
        return role(name, self._env, self, called=called, duty=duty)

    def _networks(self) -> "tuple[SearchNetwork | None, Network | None]":
        settings = self._settings
        if not settings.subnet_ids:
            return None, None
        from infra.search_network import SearchNetwork  # noqa: PLC0415 - all of EC2, a third of a second

        network = SearchNetwork(
            self._resource,
            self._env,
            self,
            domain=settings.mode == "domain",
            reader_cidrs=self._env.settings.search_domain.reader_cidrs,
        )
        return network, Network(subnet_ids=settings.subnet_ids, security_group_ids=[network.functions.id])

    def _may(self, sid: str, methods: tuple[str, ...], path: str) -> dict[str, Any]:
        """Allow requests; a collection's own policies say what they may ask (OpenSearch Serverless, IAM)."""
        if self._settings.service == "aoss":
            return allow(sid, ["aoss:APIAccessAll"], self._arn)
        return allow(sid, methods, f"{self._arn}{path}")

    def _set_up(self, role: aws.iam.Role) -> aws.lambda_.Invocation:
        """Apply the wanted state; invoked again whenever that, or what applies it, is another."""
        env, name = self._env, f"{self._resource}-setup"
        function = Function(
            name,
            env,
            self,
            Code(
                called=env.names.thing("search-setup"),
                folder="search_setup",
                description="Sets OpenSearch up for the search sink",
                duty="search setup",
                settings=env.settings.search_setup,
                pipeline=self._path,
                statements=[self._may("SetOpenSearchUp", SETUP_METHODS, "/*")],
                environment=self.environment,
                after=[self._domain.domain] if self._domain else [],
                role=role,
                network=self._network,
            ),
        )
        return aws.lambda_.Invocation(
            f"{name}-invocation",
            function_name=function.name,
            input=pulumi.Output.json_dumps(self._wanted()),
            # A new domain is empty, whatever the state was.
            triggers={"endpoint": self.environment["SLUICE_SEARCH_ENDPOINT"]},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[function.function, function.policy]),
        )

    def _wanted(self) -> State:
        settings, domain = self._settings, self._env.settings.search_domain
        managed = settings.service == "es"
        copies = settings.replicas
        if copies is None:
            copies = min(domain.instance_count - 1, max(1, domain.zones - 1)) if self._domain else 1
        return wanted(
            self._pipeline.contract,
            Shape(
                indices=self._indices,
                retention_days=settings.retention_days,
                shards=settings.shards if managed else None,
                replicas=copies if managed else None,
            ),
            writers=[self._role.arn] if managed else [],
            readers=domain.readers if self._domain else [],
        )
