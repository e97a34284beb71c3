"""Signed assertions (JSON Web Tokens, RFC 7519) by which an OAuth 2 client says who it is: RFC 7523, with RSA keys."""

import base64
import time
import uuid
from typing import Any, Final

from ampp.config.http import OAuth2
from ampp.deliver.sender import SendError
from ampp.template.jsontext import to_json

__all__ = ["JWT_BEARER", "assertion"]

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"

_LIFE: Final = 600
"""Seconds that an assertion is good for."""


def assertion(config: OAuth2, key: str) -> str:
    """What `config` claims, signed with the PEM text `key` (this takes a millisecond or two of a processor).

    `claims` go over those that upstream makes up. Raises `SendError` for a key that is none.
    """
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": config.iss or config.client_id,
        "sub": config.client_id,
        "jti": str(uuid.uuid4()),
        "aud": config.audience or config.token_url,
        "iat": now,
        "exp": now + _LIFE,
    }
    if config.scopes:
        claims["scope"] = " ".join(config.scopes)
    algorithm = config.signature_algorithm or "RS256"
    header = {"alg": algorithm, "typ": "JWT"}
    if config.client_certificate_key_id:
        header["kid"] = config.client_certificate_key_id
    said = f"{_part(header)}.{_part(claims | config.claims)}"
    return f"{said}.{_encoded(_signed(said.encode(), key, algorithm))}"


def _part(value: dict[str, Any]) -> str:
    return _encoded(to_json(dict(sorted(value.items()))).encode())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _signed(data: bytes, key: str, algorithm: str) -> bytes:
    """RSASSA-PKCS1-v1_5 over the hash that the algorithm's name says."""
    # Takes tens of milliseconds to import, and hardly anybody needs it.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if "-----BEGIN" not in key:
        raise _unusable("invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key")
    try:
        private = load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's own text may quote the key.
        raise _unusable("invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key without a password") from None
    if not isinstance(private, RSAPrivateKey):
        raise _unusable("key is not a valid RSA private key")
    hashed = {"RS256": hashes.SHA256(), "RS384": hashes.SHA384(), "RS512": hashes.SHA512()}[algorithm]
    try:
        return private.sign(data, PKCS1v15(), hashed)
    except ValueError:
        raise _unusable(f"the RSA key is too short for {algorithm}") from None


def _unusable(why: str) -> SendError:
    return SendError(f"oauth2: client_certificate_key: {why}", retry=True)
