"""A fake OpenID Connect provider on loopback: whoever comes is the person whose claims it holds."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import driving

CLIENT, SECRET = "evalkit-dashboard", "made-up-for-a-test"


@dataclass
class Provider:
    """`address` is the issuer; `claims` who logs in next; `codes` what each code was given for."""

    address: str
    claims: dict[str, Any]
    codes: dict[str, dict[str, str]] = field(default_factory=dict)


@contextmanager
def provider() -> Iterator[Provider]:
    """The provider, serving discovery, authorization, token and keys."""
    from joserfc import jwt
    from joserfc.jwk import RSAKey

    key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})
    found = Provider("", {})

    def discovery() -> dict[str, Any]:
        at = found.address
        return {
            "issuer": at, "authorization_endpoint": f"{at}/authorize", "token_endpoint": f"{at}/token", "jwks_uri": f"{at}/keys",
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"], "scopes_supported": ["openid", "email", "profile"],
        }  # fmt: skip

    def token(code: str) -> dict[str, Any]:
        asked, now = found.codes.pop(code), int(time.time())
        claims = {"iss": found.address, "sub": "1", "aud": CLIENT, "iat": now, "exp": now + 300, **found.claims}
        if "nonce" in asked:
            claims["nonce"] = asked["nonce"]
        return {"access_token": "a", "token_type": "Bearer", "expires_in": 300,
                "id_token": jwt.encode({"alg": "RS256", "kid": "k1"}, claims, key)}  # fmt: skip

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            where = urlsplit(self.path)
            if where.path == "/authorize":
                asked = {name: values[0] for name, values in parse_qs(where.query).items()}
                code = secrets.token_urlsafe(8)
                found.codes[code] = asked
                self.send_response(302)
                back = urlencode({"code": code, "state": asked["state"]})
                self.send_header("Location", f"{asked['redirect_uri']}?{back}")
                self.end_headers()
            elif where.path == "/keys":
                self._json({"keys": [key.as_dict(private=False)]})
            else:
                self._json(discovery())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._json(token(parse_qs(body)["code"][0]))

        def _json(self, said: dict[str, Any]) -> None:
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nothing on the terminal."""

    with driving.loopback(Handler) as address:
        found.address = address
        yield found
