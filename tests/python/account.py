"""One agency's account at a node: what `barid init` writes into its folder."""

import tomllib
from dataclasses import dataclass
from urllib.parse import urlsplit

import grpc

from signing import SigningKey


@dataclass(frozen=True)
class Account:
    """The contents of a client.toml, with its files read."""

    endpoint: str
    server_name: str
    node: str
    address: str
    certificate: bytes
    key: bytes
    ca: bytes
    signing_key: SigningKey

    @classmethod
    def load(cls, path, endpoint=None):
        """Reads client.toml; the paths in it are relative to its folder."""
        table = tomllib.loads(path.read_text())
        folder = path.parent
        return cls(
            endpoint=endpoint or table["endpoint"],
            server_name=table["server_name"],
            node=table["node"],
            address=table["address"],
            certificate=(folder / table["certificate"]).read_bytes(),
            key=(folder / table["key"]).read_bytes(),
            ca=(folder / table["ca"]).read_bytes(),
            signing_key=SigningKey.load(folder / table["signing_key"]),
        )

    def channel(self, proto):
        """A mutually authenticated channel with the published retry table."""
        url = urlsplit(self.endpoint)
        if url.scheme != "https":
            raise ValueError(f"the endpoint {self.endpoint} is not https")
        options = [("grpc.service_config", (proto / "service-config.json").read_text())]
        if url.hostname != self.server_name:
            # The node's certificate is checked for this name in place of the endpoint's host.
            options.append(("grpc.ssl_target_name_override", self.server_name))
        credentials = grpc.ssl_channel_credentials(self.ca, self.key, self.certificate)
        return grpc.secure_channel(url.netloc, credentials, options)
