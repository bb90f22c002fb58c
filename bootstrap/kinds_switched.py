"""What a deployment may do with what only a setting brings about: see bootstrap/kinds.py."""

from typing import Final

from bootstrap.kinds import Kind

SWITCHED: Final[tuple[Kind, ...]] = (
    Kind(
        service="lambda",
        types=("lambda/codeSigningConfig:CodeSigningConfig",),
        on=("code-signing-config:*",),
        looks="GetCodeSigningConfig ListTags",
        changes="DeleteCodeSigningConfig UntagResource UpdateCodeSigningConfig",
        changes_everywhere="CreateCodeSigningConfig",
        condition="tagged",
        when="code_signing",
    ),
    Kind(
        service="lambda",
        types=(),
        on=("code-signing-config:*",),
        changes="TagResource",
        condition="to be tagged",
        when="code_signing",
    ),
    Kind(
        service="signer",
        types=("signer/signingJob:SigningJob", "signer/signingProfile:SigningProfile"),
        on=("/signing-profiles/{words}*", "/signing-jobs/*"),
        looks="DescribeSigningJob GetSigningProfile ListTagsForResource",
        changes="CancelSigningProfile StartSigningJob TagResource UntagResource",
        changes_everywhere="PutSigningProfile",
        when="code_signing",
    ),
    Kind(
        service="s3",
        types=("s3/bucketObjectv2:BucketObjectv2",),
        on=("{prefix}-code-*/*",),
        looks="GetObject GetObjectTagging GetObjectVersion",
        changes="DeleteObject DeleteObjectVersion PutObject PutObjectTagging",
        when="code_signing",
    ),
    Kind(
        service="kms",
        types=("kms/alias:Alias",),
        on=("alias/{prefix}",),
        changes="CreateAlias DeleteAlias UpdateAlias",
        looks_everywhere="ListAliases",
        when="key",
    ),
    Kind(
        service="kms",
        types=("kms/key:Key",),
        on=("key/*",),
        looks="DescribeKey GetKeyPolicy GetKeyRotationStatus ListKeyPolicies ListResourceTags",
        changes=(
            "CreateAlias CreateGrant Decrypt DeleteAlias DisableKeyRotation EnableKeyRotation Encrypt "
            "GenerateDataKey PutKeyPolicy ScheduleKeyDeletion UntagResource UpdateAlias "
            "UpdateKeyDescription"
        ),
        condition="tagged",
        when="key",
    ),
    Kind(
        service="kms",
        types=(),
        on=("key/*",),
        changes="TagResource",
        changes_everywhere="CreateKey",
        condition="to be tagged",
        when="key",
    ),
    Kind(
        service="ec2",
        types=("ec2/securityGroup:SecurityGroup",),
        on=("security-group/*",),
        changes=(
            "AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress DeleteSecurityGroup DeleteTags "
            "ModifySecurityGroupRules RevokeSecurityGroupEgress RevokeSecurityGroupIngress"
        ),
        looks_everywhere=(
            "DescribeNetworkInterfaces DescribeSecurityGroupRules DescribeSecurityGroups DescribeSubnets "
            "DescribeVpcs"
        ),
        condition="tagged",
        when="network",
    ),
    Kind(
        service="ec2",
        types=(
            "vpc/securityGroupEgressRule:SecurityGroupEgressRule",
            "vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        ),
        on=("security-group-rule/*",),
        changes="DeleteTags ModifySecurityGroupRules",
        condition="tagged",
        when="network",
    ),
    Kind(
        service="ec2",
        types=(),
        on=("security-group/*", "security-group-rule/*"),
        changes="AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateSecurityGroup CreateTags",
        condition="to be tagged",
        when="network",
    ),
    Kind(
        service="apigateway",
        types=(
            "apigatewayv2/api:Api",
            "apigatewayv2/authorizer:Authorizer",
            "apigatewayv2/integration:Integration",
            "apigatewayv2/route:Route",
            "apigatewayv2/stage:Stage",
        ),
        on=("/apis", "/apis/*", "/tags/*"),
        looks="GET",
        changes="DELETE PATCH POST PUT",
        when="api",
    ),
)
