"""Jigasi's tokens: whether a JWT was signed by the owner of a key, for us, and not too long ago."""

from pathlib import Path

from hark.engine.types import ConfigError

ISSUER = "jigasi"
LEEWAY_S = 30  # how far the clocks of Jigasi and of this server may differ


class JigasiTokens:
    """RS256 tokens of one key, as Jigasi makes them for each connection (RFC 7519)."""

    def __init__(self, public_key: Path, audience: str) -> None:
        """`public_key` is a PEM file; `audience` is what Jigasi has as `jwt_audience`.

        Raises:
            ConfigError: PyJWT is not installed, or the file holds no public RSA key.
        """
        try:
            import jwt
            from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
            from cryptography.hazmat.primitives.serialization import load_pem_public_key
        except ImportError:
            raise ConfigError(
                "jigasi_public_key needs PyJWT and cryptography: "
                "pip install 'PyJWT[crypto]' (the extra [jigasi])"
            ) from None
        try:
            key = load_pem_public_key(public_key.read_bytes())
        except (OSError, ValueError) as error:
            raise ConfigError(f"jigasi_public_key {public_key} cannot be read: {error}") from None
        if not isinstance(key, RSAPublicKey):
            raise ConfigError(f"jigasi_public_key {public_key} is no RSA key")
        self._jwt, self._key, self._audience = jwt, key, audience

    def accept(self, token: str) -> bool:
        """Whether a token is signed by the key, of Jigasi, for this audience, and not expired."""
        try:
            self._jwt.decode(
                token,
                self._key,
                algorithms=["RS256"],
                issuer=ISSUER,
                audience=self._audience,
                leeway=LEEWAY_S,
                options={"require": ["iss", "aud", "exp"]},
            )
        except (self._jwt.InvalidTokenError, ValueError, RecursionError):
            return False  # the latter two for what only looks like a token
        return True
