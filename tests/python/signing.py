"""DSSE signatures as proto/README.md describes them: Ed25519 and ECDSA P-256."""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class VerificationFailed(Exception):
    """A signature does not hold."""


def payload_type(name):
    """The full payload type, e.g. of "header"."""
    return f"application/vnd.barid.{name}.v1+protobuf"


def pae(kind, payload):
    """The bytes that are signed: DSSE's pre-authentication encoding."""
    kind = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


class VerifyingKey:
    """A public key."""

    def __init__(self, key):
        self.key = key
        self.spki = key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.keyid = hashlib.sha256(self.spki).digest()[:8]

    @classmethod
    def from_spki(cls, spki):
        """From a SubjectPublicKeyInfo in DER."""
        return cls(serialization.load_der_public_key(spki))

    def algorithm(self):
        """The name of its SignatureAlgorithm."""
        if isinstance(self.key, ed25519.Ed25519PublicKey):
            return "SIGNATURE_ALGORITHM_ED25519"
        if isinstance(self.key, ec.EllipticCurvePublicKey) and self.key.curve.name == "secp256r1":
            return "SIGNATURE_ALGORITHM_ECDSA_P256_SHA256"
        raise VerificationFailed("the key is neither Ed25519 nor ECDSA P-256")

    def verify(self, expected, kind, payload, signature):
        """Fails unless this key signed `payload` as what was expected."""
        if kind != payload_type(expected):
            raise VerificationFailed(f"signed as {kind}, not as {expected}")
        signed = pae(kind, payload)
        try:
            if self.algorithm() == "SIGNATURE_ALGORITHM_ED25519":
                self.key.verify(signature, signed)
            else:
                if utils.decode_dss_signature(signature)[1] > P256_ORDER // 2:
                    raise VerificationFailed("an ECDSA signature is not in its low-S form")
                self.key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError) as cause:
            raise VerificationFailed(f"the signature over a {expected} does not hold") from cause


class SigningKey:
    """An agency's signing key."""

    def __init__(self, key):
        self.key = key

    @classmethod
    def load(cls, path):
        """From a PKCS#8 file in PEM."""
        return cls(serialization.load_pem_private_key(path.read_bytes(), password=None))

    def public(self):
        """Its public half."""
        return VerifyingKey(self.key.public_key())

    def sign(self, kind, payload):
        """The signature over `payload` as `kind`, e.g. "header"."""
        signed = pae(payload_type(kind), payload)
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(signed)
        r, s = utils.decode_dss_signature(self.key.sign(signed, ec.ECDSA(hashes.SHA256())))
        return utils.encode_dss_signature(r, min(s, P256_ORDER - s))
