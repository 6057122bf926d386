//! Private keys: what a signature is made with.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use barid_proto::message::v1 as pb;
use bytes::Bytes;
use zeroize::Zeroizing;

use super::{Algorithm, KeyError, PublicKey, ecdsa, pem};
use crate::dsse::{PayloadType, pae};

/// A private key. Never printed; wiped from memory by the library when dropped.
pub struct SigningKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    EcdsaP256(EcdsaKeyPair),
}

impl SigningKey {
    /// A new key, from the system's randomness.
    ///
    /// # Errors
    /// [`KeyError::Generation`].
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let pair = match algorithm {
            Algorithm::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
            Algorithm::EcdsaP256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map(Pair::EcdsaP256)
            }
        };
        Self::of(pair.or(Err(KeyError::Generation))?)
    }

    /// Reads an unencrypted PKCS#8 private key in DER: Ed25519 or P-256.
    ///
    /// # Errors
    /// [`KeyError::NotPkcs8`].
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8(der)
            .map(Pair::Ed25519)
            .or_else(|_| {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der).map(Pair::EcdsaP256)
            })
            .or(Err(KeyError::NotPkcs8))?;
        Self::of(pair)
    }

    fn of(pair: Pair) -> Result<Self, KeyError> {
        let public = match &pair {
            Pair::Ed25519(pair) => PublicKey::from_ed25519(pair.public_key().as_ref())?,
            Pair::EcdsaP256(pair) => PublicKey::from_p256(pair.public_key().as_ref())?,
        };
        Ok(Self { pair, public })
    }

    /// Reads one PEM block `PRIVATE KEY` (PKCS#8).
    ///
    /// # Errors
    /// [`KeyError::NotPem`] and [`KeyError::NotPkcs8`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8_der(&pem::decode(pem::PRIVATE_KEY, text)?)
    }

    /// The key as PKCS#8 v1 in DER, wiped when dropped.
    pub fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        let document = match &self.pair {
            Pair::Ed25519(pair) => pair.to_pkcs8v1(),
            Pair::EcdsaP256(pair) => pair.to_pkcs8v1(),
        };
        let document = document.expect("a key pair that was made or read can be written");
        Zeroizing::new(document.as_ref().to_vec())
    }

    /// One PEM block `PRIVATE KEY` (PKCS#8), wiped when dropped.
    pub fn to_pem(&self) -> Zeroizing<String> {
        pem::encode(pem::PRIVATE_KEY, &self.to_pkcs8_der())
    }

    /// The public key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a payload as this kind of thing. Ed25519 gives 64 bytes, always the same
    /// for the same payload; P-256 gives DER with low S, different each time.
    pub fn sign(&self, payload_type: PayloadType, payload: &[u8]) -> Vec<u8> {
        self.sign_bytes(&pae(payload_type, payload))
    }

    /// Signs bytes as they are, for formats that bring their own context (C2SP signed
    /// notes). A key that is used so must be used for nothing else.
    pub fn sign_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Ed25519(pair) => pair.sign(bytes).as_ref().to_vec(),
            Pair::EcdsaP256(pair) => {
                let signature = pair
                    .sign(&SystemRandom::new(), bytes)
                    .expect("a P-256 key pair that was checked signs any bytes");
                ecdsa::Signature::from_der(signature.as_ref())
                    .expect("the library writes DER")
                    .into_low_s()
                    .to_der()
            }
        }
    }

    /// Signs a payload and puts it into its envelope.
    pub fn envelope(&self, payload_type: PayloadType, payload: Bytes) -> pb::Envelope {
        let sig = self.sign(payload_type, &payload).into();
        let keyid = Bytes::copy_from_slice(self.public.keyid().as_bytes());
        pb::Envelope {
            payload,
            payload_type: payload_type.as_str().to_owned(),
            signatures: vec![pb::Signature { sig, keyid }],
        }
    }
}

/// Names the public key only.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {})", self.public.algorithm(), self.public.keyid())
    }
}
