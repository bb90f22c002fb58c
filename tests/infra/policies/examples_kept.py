"""Slips in encryption, logs, traces, secrets and what keeps data."""

from typing import Final

from tests.infra.policies.made import (
    ACCOUNT,
    BUCKET_POLICY,
    DATASET,
    FUNCTION,
    KEY,
    KEY_ARN,
    LOGGED,
    LOGS,
    QUEUE,
    QUEUE_URL,
    SAFE_KEY,
    SAFE_QUEUE,
    TABLE,
    TOPIC,
    Example,
    allow,
    doc,
    domain,
    function,
    made,
    pair,
    topic_policy,
    unprotected,
    without_tls,
)

V2: Final = "aws:s3/bucketV2:BucketV2"
OBJECTS: Final = "arn:aws:s3:::b-b/*"
OWNER: Final = {"AWS": "arn:aws:iam::1:role/admin"}
EXAMPLES: Final[tuple[Example, ...]] = (
    pair(
        "encryption-tls-only",
        QUEUE,
        {"url": "other", "sqsManagedSseEnabled": True},
        {"url": QUEUE_URL, "sqsManagedSseEnabled": True},
        SAFE_QUEUE,
    ),
    *(
        Example(
            rule="encryption-tls-only",
            broken=made(V2, bucket="b-b"),
            mended=made(V2, bucket="b-b", policy=without_tls("s3:*", [OBJECTS, "arn:aws:s3:::b-b"], said)),
            beside=(made(BUCKET_POLICY, "box-policy", bucket="b-b", policy=slip),),
        )
        for slip, said in (
            (without_tls("s3:*", OBJECTS), False),
            (without_tls("s3:*", "arn:aws:s3:::other"), ["false"]),
            (without_tls("s3:*", "*", "true"), "false"),
        )
    ),
    Example(
        rule="encryption-tls-domains",
        broken=domain(
            domainEndpointOptions={"enforceHttps": True, "tlsSecurityPolicy": "Policy-Min-TLS-1-0-2019-07"}
        ),
        mended=domain(),
    ),
    Example(
        rule="encryption-https-addresses",
        broken=function({"SLUICE_SEARCH_ENDPOINT": "http://search.example.com"}),
        mended=function({"SLUICE_SEARCH_ENDPOINT": "https://search.example.com"}),
        beside=(LOGGED,),
    ),
    pair(
        "encryption-at-rest",
        QUEUE,
        {"url": QUEUE_URL},
        {"url": QUEUE_URL, "kmsMasterKeyId": "alias/aws/sqs"},
        SAFE_QUEUE,
    ),
    Example(rule="encryption-at-rest", broken=domain(encryptAtRest={}), mended=domain()),
    *(
        pair("encryption-at-rest", TOPIC, {"policy": topic_policy("events.amazonaws.com")}, mended)
        for mended in (
            {"policy": topic_policy("cloudwatch.amazonaws.com")},
            {"policy": topic_policy("events.amazonaws.com"), "kmsMasterKeyId": "alias/aws/sns"},
        )
    ),
    pair(
        "encryption-own-key",
        LOGS,
        {"name": "/a", "retentionInDays": 7},
        {"name": "/a", "retentionInDays": 7, "kmsKeyId": KEY_ARN},
        made(FUNCTION, "box-f", name="f", kmsKeyArn=KEY_ARN),
        made(LOGS, "box-logs", name="/aws/lambda/f", retentionInDays=30, kmsKeyId=KEY_ARN),
    ),
    pair("encryption-keys", KEY, {"deletionWindowInDays": 30}, SAFE_KEY),
    pair(
        "encryption-keys",
        KEY,
        {**SAFE_KEY, "policy": doc(allow("kms:*", "*", Principal={"AWS": "arn:aws:iam::1:role/admin"}))},
        {
            **SAFE_KEY,
            "policy": doc(allow("kms:PutKeyPolicy", "*", Principal={"AWS": "arn:aws:iam::1:role/admin"})),
        },
    ),
    *(
        pair(
            "encryption-keys",
            "aws:kms/keyPolicy:KeyPolicy",
            {"policy": doc({**allow(wide, "*", Principal=OWNER), **more})},
            {"policy": doc(allow("kms:DescribeKey", "*", Principal=OWNER))},
        )
        for wide, more in (("KMS:*", {}), ("kms:Put*", {}), ("*", {}), ([], {"NotAction": "kms:Sign"}))
    ),
    pair("logs-end", LOGS, {"name": "/a"}, {"name": "/a", "retentionInDays": 30}),
    Example(
        rule="logs-declared",
        broken=function(),
        mended=function(loggingConfig={"logGroup": "/aws/lambda/other"}),
        beside=(made(LOGS, "box-logs", name="/aws/lambda/other", retentionInDays=30),),
    ),
    Example(
        rule="functions-traced",
        broken=function(),
        mended=function(tracingConfig={"mode": "Active"}),
        beside=(LOGGED, made(FUNCTION, "box-f", name="f", tracingConfig={"mode": "Active"})),
    ),
    *(
        Example(
            rule="no-secrets", broken=function({key: slip}), mended=function({key: mended}), beside=(LOGGED,)
        )
        for key, slip, mended in (
            ("SLUICE_KEY_ID", "AKIAIOSFODNN7EXAMPLE", "alias/sluice"),
            ("SLUICE_CREDENTIALS", '{"private_key": "x"}', '{"type": "external_account"}'),
            ("SLUICE_URL", "jdbc:redshift://h:5439/d?password=hunter2", "jdbc:redshift://h:5439/d"),
            ("SLUICE_TOKEN", "abc", f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:s"),
        )
    ),
    Example(
        rule="data-protected",
        broken=unprotected(made(DATASET, datasetId="d", project="p")),
        mended=made(DATASET, datasetId="d", project="p"),
    ),
    Example(
        rule="data-protected",
        broken=unprotected(
            made(
                "aws:lambda/eventSourceMapping:EventSourceMapping",
                eventSourceArn="arn:aws:kinesis:r:1:stream/s",
            )
        ),
        mended=unprotected(
            made(
                "aws:lambda/eventSourceMapping:EventSourceMapping",
                eventSourceArn="arn:aws:dynamodb:r:1:table/t/stream/1",
            )
        ),
    ),
    pair(
        "data-refused-by-the-cloud",
        DATASET,
        {"datasetId": "d", "project": "p", "deleteContentsOnDestroy": True},
        {"datasetId": "d", "project": "p", "deleteContentsOnDestroy": False},
    ),
    pair(
        "data-recoverable",
        TABLE,
        {"name": "abc", "deletionProtectionEnabled": True, "serverSideEncryption": {"enabled": True}},
        {
            "name": "abc",
            "deletionProtectionEnabled": True,
            "serverSideEncryption": [{"enabled": True}],
            "pointInTimeRecovery": {"enabled": True},
        },
    ),
)
