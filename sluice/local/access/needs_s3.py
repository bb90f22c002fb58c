"""What S3's operations need of IAM, told by method, path and query.

From the user guide, "Required permissions for Amazon S3 API operations".
"""

import re
from typing import Final
from urllib.parse import parse_qs, unquote
from xml.etree import ElementTree as ET

from sluice.local.access.request import Need, Request

_HOST: Final = re.compile(r"(?P<bucket>[a-z0-9.-]+)\.s3[.-][a-z0-9.-]*amazonaws\.com")

_OF_A_BUCKET: Final = {
    "acl": "BucketAcl",
    "cors": "BucketCORS",
    "encryption": "EncryptionConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "notification": "BucketNotification",
    "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
}
"""Parts of a bucket's configuration, by their place in the query, as IAM calls them behind Get and Put."""

_OF_AN_OBJECT: Final = {
    "acl": "Acl",
    "legal-hold": "LegalHold",
    "retention": "Retention",
    "tagging": "Tagging",
}

_BUCKET_ACTIONS: Final = {
    "GET": "ListBucket",
    "HEAD": "ListBucket",
    "PUT": "CreateBucket",
    "DELETE": "DeleteBucket",
}
_OBJECT_ACTIONS: Final = {
    "GET": "GetObject",
    "HEAD": "GetObject",
    "PUT": "PutObject",
    "POST": "PutObject",
    "DELETE": "DeleteObject",
}
_OBJECT_HEADERS: Final = {b"x-amz-acl": "PutObjectAcl", b"x-amz-tagging": "PutObjectTagging"}
"""Headers of a PUT that set more than the object."""


def s3(request: Request) -> list[Need]:
    """What an operation of S3 needs."""
    bucket, key = place(request)
    query = parse_qs(request.query, keep_blank_values=True)
    if not bucket:
        return [Need("s3:ListAllMyBuckets", "*")]
    of_bucket = f"arn:{request.partition}:s3:::{bucket}"
    if not key:
        return _bucket(request, query, of_bucket)
    return _object(request, query, f"{of_bucket}/{key}")


def place(request: Request) -> tuple[str, str]:
    """The bucket and the key of a request, in its host or its path; empty where it names none."""
    path = unquote(request.path).lstrip("/")
    found = _HOST.fullmatch(request.headers.get(b"host", b"").decode("latin-1").partition(":")[0])
    if found:
        return found["bucket"], path
    bucket, _, key = path.partition("/")
    return bucket, key


def _bucket(request: Request, query: dict[str, list[str]], arn: str) -> list[Need]:
    if "delete" in query and request.method == "POST":
        return [
            Need(f"s3:DeleteObject{'Version' if version else ''}", f"{arn}/{key}")
            for key, version in _deleted(request.body)
        ]
    for part, called in _OF_A_BUCKET.items():
        if part in query:
            return [Need(f"s3:{'Get' if request.method == 'GET' else 'Put'}{called}", arn)]
    if "location" in query:
        return [Need("s3:GetBucketLocation", arn)]
    if "uploads" in query:
        return [Need("s3:ListBucketMultipartUploads", arn)]
    if "versions" in query:
        return [Need("s3:ListBucketVersions", arn)]
    context = {f"s3:{name}": tuple(query[name]) for name in ("prefix", "delimiter") if name in query}
    return [Need(f"s3:{_BUCKET_ACTIONS.get(request.method, request.method)}", arn, lambda _world: context)]


def _object(request: Request, query: dict[str, list[str]], arn: str) -> list[Need]:
    method = request.method
    if "uploadId" in query and method in ("GET", "DELETE"):
        return [Need("s3:ListMultipartUploadParts" if method == "GET" else "s3:AbortMultipartUpload", arn)]
    version = "Version" if "versionId" in query else ""
    for part, called in _OF_AN_OBJECT.items():
        if part in query:
            verb = {"GET": "Get", "DELETE": "Delete"}.get(method, "Put")
            return [Need(f"s3:{verb}Object{version}{called}", arn)]
    action = _OBJECT_ACTIONS.get(method, method)
    found = [Need(f"s3:{action}{version if method in ('GET', 'HEAD', 'DELETE') else ''}", arn)]
    if method == "PUT":
        found += [
            Need(f"s3:{more}", arn) for header, more in _OBJECT_HEADERS.items() if header in request.headers
        ]
        source = request.headers.get(b"x-amz-copy-source")
        if source:
            path, _, of_version = unquote(source.decode("latin-1")).lstrip("/").partition("?versionId=")
            read = f"s3:GetObject{'Version' if of_version else ''}"
            found.append(Need(read, f"arn:{request.partition}:s3:::{path}"))
    return found


def _deleted(body: bytes) -> list[tuple[str, str | None]]:
    """Keys, and versions where they are named, of a request that deletes several objects."""
    try:
        root = ET.fromstring(body)  # noqa: S314 - sent by the functions of this machine
    except ET.ParseError:  # S3 says so itself
        return []
    objects = [one for one in root.iter() if one.tag.rpartition("}")[2] == "Object"]
    found = [{child.tag.rpartition("}")[2]: child.text for child in one} for one in objects]
    return [(str(one.get("Key")), one.get("VersionId")) for one in found]
