"""The lab's secrets: made once, kept in the state as Pulumi secrets, never printed."""

import secrets
from typing import Any

import pulumi
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

SECRET_OUTPUTS = (
    "postgres_password",
    "redis_password",
    "jwt_secret",
    "user_private_key",
    "host_private_key",
)


class _CredentialsProvider(ResourceProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:  # noqa: ARG002 - the signature is Pulumi's
        user_private, user_public = _make_key_pair()
        host_private, host_public = _make_key_pair()
        outputs = {
            "postgres_password": secrets.token_hex(24),
            "redis_password": secrets.token_hex(24),
            "jwt_secret": secrets.token_hex(32),
            "user_private_key": user_private,
            "user_public_key": user_public,
            "host_private_key": host_private,
            "host_public_key": host_public,
        }
        return CreateResult(id_=f"credentials-{secrets.token_hex(4)}", outs=outputs)


def _make_key_pair() -> tuple[str, str]:
    """A fresh Ed25519 key pair in OpenSSH's formats: the private key's file, the public key's line."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return private.decode(), public.decode()


class Credentials(Resource, module="fairground", name="Credentials"):
    """Passwords, the JWT secret, and the SSH keys of the lab's user and of its host.

    The host's key is made here, before the host is, so that the very first connection can be held against it.
    Passwords are hexadecimal: they stand in URLs and in a Redis configuration file as they are.
    """

    postgres_password: pulumi.Output[str]
    redis_password: pulumi.Output[str]
    jwt_secret: pulumi.Output[str]
    user_private_key: pulumi.Output[str]
    user_public_key: pulumi.Output[str]
    host_private_key: pulumi.Output[str]
    host_public_key: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the credentials of the lab called `name`."""
        outputs: dict[str, None] = dict.fromkeys((*SECRET_OUTPUTS, "user_public_key", "host_public_key"))
        secret = pulumi.ResourceOptions(additional_secret_outputs=list(SECRET_OUTPUTS))
        super().__init__(_CredentialsProvider(), name, outputs, pulumi.ResourceOptions.merge(secret, opts))
