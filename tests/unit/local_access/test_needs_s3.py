"""What S3's operations need of IAM, which tells them by verb, path and query."""

from typing import Any

import pytest

from tests.unit.local_access.rig import asked, request


@pytest.mark.parametrize(
    ("method", "address", "expected"),
    [
        ("GET", "/", [("ListAllMyBuckets", "*")]),
        ("GET", "/b?list-type=2&prefix=x", [("ListBucket", "b")]),
        ("HEAD", "/b", [("ListBucket", "b")]),
        ("GET", "/b/?location", [("GetBucketLocation", "b")]),
        ("GET", "/b?uploads", [("ListBucketMultipartUploads", "b")]),
        ("GET", "/b?versions", [("ListBucketVersions", "b")]),
        ("PUT", "/b?policy", [("PutBucketPolicy", "b")]),
        ("GET", "/b?encryption", [("GetEncryptionConfiguration", "b")]),
        ("GET", "/b/a%20key/x.json", [("GetObject", "b/a key/x.json")]),
        ("HEAD", "/b/k", [("GetObject", "b/k")]),
        ("GET", "/b/k?versionId=1", [("GetObjectVersion", "b/k")]),
        ("PUT", "/b/k", [("PutObject", "b/k")]),
        ("POST", "/b/k?uploads", [("PutObject", "b/k")]),
        ("PUT", "/b/k?partNumber=1&uploadId=u", [("PutObject", "b/k")]),
        ("POST", "/b/k?uploadId=u", [("PutObject", "b/k")]),
        ("DELETE", "/b/k?uploadId=u", [("AbortMultipartUpload", "b/k")]),
        ("GET", "/b/k?uploadId=u", [("ListMultipartUploadParts", "b/k")]),
        ("DELETE", "/b/k", [("DeleteObject", "b/k")]),
        ("PUT", "/b/k?tagging", [("PutObjectTagging", "b/k")]),
    ],
)
def test_s3_tells_its_operations_by_verb_path_and_query(
    method: str, address: str, expected: list[Any]
) -> None:
    path, _, query = address.partition("?")
    assert [
        (action.removeprefix("s3:"), (resource or "").removeprefix("s3:::"))
        for action, resource in asked(request("s3", method=method, path=path, query=query))
    ] == expected


def test_a_bucket_may_stand_in_the_host() -> None:
    named = request(
        "s3", method="GET", path="/k", headers={b"host": b"my.bucket.s3.eu-central-1.amazonaws.com"}
    )
    assert asked(named) == [("s3:GetObject", "s3:::my.bucket/k")]


def test_a_copy_reads_as_well() -> None:
    copy = request(
        "s3",
        method="PUT",
        path="/b/k",
        headers={b"x-amz-copy-source": b"/other/a%20key", b"x-amz-tagging": b"a=b"},
    )
    assert asked(copy) == [
        ("s3:PutObject", "s3:::b/k"),
        ("s3:PutObjectTagging", "s3:::b/k"),
        ("s3:GetObject", "s3:::other/a key"),
    ]


def test_each_object_that_is_deleted_at_once_is_asked_for() -> None:
    body = (
        b'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>a</Key></Object>'
        b"<Object><Key>b/c</Key><VersionId>1</VersionId></Object></Delete>"
    )
    assert asked(request("s3", path="/bucket", query="delete", body=body)) == [
        ("s3:DeleteObject", "s3:::bucket/a"),
        ("s3:DeleteObjectVersion", "s3:::bucket/b/c"),
    ]
