"""Build packages aside: `python -m infra.build_packages '{"functions": [...], ...}'`, for `sluice package`.

The request is an object: `functions` (folders below functions/), `pipeline` (a file), `python` and
`architecture` (or neither, for this machine), and `output` (a folder, or null for the project's own). The
answer is an object on stdout: each function's directory. An error is one line on stderr.
"""

import json
import sys
from pathlib import Path

from infra.packaging import package
from infra.packaging_target import Host, Target
from sluice.errors import SluiceError


def main(request: str) -> int:
    """Build what the request names."""
    wanted = json.loads(request)
    on_lambda = wanted.get("python") is not None
    target = Target(python=wanted["python"], architecture=wanted["architecture"]) if on_lambda else Host()
    built: dict[str, str] = {}
    try:
        for function in wanted["functions"]:
            built[function] = package(
                function,
                pipeline=wanted["pipeline"],
                with_dependencies=True,
                target=target,
                output=Path(wanted["output"]) if wanted.get("output") else None,
            )
    except SluiceError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(built))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
