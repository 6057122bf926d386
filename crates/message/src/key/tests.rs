use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use ed25519_dalek::Signer;
use proptest::prelude::{any, prop_assert_eq, proptest};
use proptest::test_runner::Config;

use super::{Algorithm, KeyError, PublicKey, SignatureError, SigningKey, ecdsa};
use crate::dsse::PayloadType;

const BOTH: [Algorithm; 2] = [Algorithm::Ed25519, Algorithm::EcdsaP256];

#[test]
fn keys_survive_der_and_pem() {
    for algorithm in BOTH {
        let key = SigningKey::generate(algorithm).unwrap();
        let again = SigningKey::from_pem(&key.to_pem()).unwrap();
        assert_eq!(again.public(), key.public());
        assert_eq!(again.public().algorithm(), algorithm);
        let public = PublicKey::from_pem(&key.public().to_pem()).unwrap();
        assert_eq!(public.keyid(), key.public().keyid());
        assert_eq!(
            SigningKey::from_pem(&public.to_pem()).unwrap_err(),
            KeyError::NotPem { label: "PRIVATE KEY" }
        );
        assert!(!format!("{key:?}").contains(&key.to_pem()[40..60]));
    }
}

#[test]
fn a_signature_holds_for_its_bytes_key_and_kind_only() {
    for algorithm in BOTH {
        let [key, other] = [(); 2].map(|()| SigningKey::generate(algorithm).unwrap());
        let sig = key.sign(PayloadType::Header, b"bytes");
        let check = |key: &SigningKey, kind, bytes: &[u8], sig: &[u8]| {
            key.public().verify(kind, bytes, sig)
        };
        assert_eq!(check(&key, PayloadType::Header, b"bytes", &sig), Ok(()));
        let invalid = Err(SignatureError::Invalid);
        assert_eq!(check(&key, PayloadType::Ack, b"bytes", &sig), invalid);
        assert_eq!(check(&key, PayloadType::Header, b"byteS", &sig), invalid);
        assert_eq!(check(&other, PayloadType::Header, b"bytes", &sig), invalid);
        for form in [&sig[..0], &sig[1..], &[&sig[..], &[0]].concat()] {
            let malformed = Err(SignatureError::Malformed);
            assert_eq!(check(&key, PayloadType::Header, b"bytes", form), malformed);
        }
    }
}

#[test]
fn the_two_libraries_make_the_same_ed25519_signature() {
    let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let der = key.to_pkcs8_der();
    // PKCS#8 v1 of RFC 8410: the seed is the end.
    let seed: [u8; 32] = der[der.len() - 32..].try_into().unwrap();
    let theirs = ed25519_dalek::SigningKey::from_bytes(&seed);
    let pae = crate::dsse::pae(PayloadType::Header, b"bytes");
    assert_eq!(key.sign(PayloadType::Header, b"bytes"), theirs.sign(&pae).to_bytes());
}

#[test]
fn p256_signatures_have_low_s_and_the_high_twin_is_refused() {
    let key = SigningKey::generate(Algorithm::EcdsaP256).unwrap();
    for round in 0..64_u8 {
        let sig = key.sign(PayloadType::Header, &[round]);
        let form = ecdsa::Signature::from_der(&sig).unwrap();
        assert!(form.is_low_s());
        let high = form.mirrored().to_der();
        let pae = crate::dsse::pae(PayloadType::Header, &[round]);
        let point = &key.public().spki()[26..];
        let lenient = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
        lenient.verify(&pae, &high).expect("the twin verifies where S may be high");
        let strict = key.public().verify(PayloadType::Header, &[round], &high);
        assert_eq!(strict, Err(SignatureError::Malformed));
    }
}

#[test]
fn the_published_dsse_signature_verifies() {
    // DSSE protocol 1.0, "Test Vectors": the P-256 key by its coordinates, the signature
    // as raw r || s, over a payload type that is not ours.
    let x = "67cd390f77aa359cb08c2235f652270493a9ed832b0abcc01f70954c0390d238";
    let y = "0c782bd54e269125a44f4433aff1432ce94e12bca73aa67ac80cea12608ddf74";
    let r = "03726ab101ad56c2763b6c6aac8e487275e2a79193a09dc5f859d9f8ef3c4a3b";
    let s = "51eab0c06a369b64a7222537d4887a893dc200ae21060074d57825235b624864";
    let key = PublicKey::from_p256(&hex(&["04", x, y].concat())).unwrap();
    let [r, s] = [r, s].map(|number| hex(number).try_into().unwrap());
    let sig = ecdsa::Signature::new(r, s).to_der();
    let pae = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
    assert_eq!(key.verify_bytes(pae, &sig), Ok(()));
    assert_eq!(key.verify_bytes(&pae[1..], &sig), Err(SignatureError::Invalid));
}

#[test]
fn weak_and_foreign_keys_are_refused() {
    let spki = |raw: &[u8; 32]| PublicKey::from_ed25519(raw).map(|_| ());
    // The eight points of small order, and encodings of y at and above p.
    for point in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        let refused = spki(&hex(point).try_into().unwrap());
        assert!(matches!(refused, Err(KeyError::Weak | KeyError::NotOnCurve)), "{point}");
    }
    let p256 = SigningKey::generate(Algorithm::EcdsaP256).unwrap();
    let mut off_curve = p256.public().spki().to_vec();
    off_curve[90] ^= 1;
    assert_eq!(PublicKey::from_spki(&off_curve).unwrap_err(), KeyError::NotOnCurve);
    let trailing = [&p256.public().spki()[..], &[0]].concat();
    assert_eq!(PublicKey::from_spki(&trailing).unwrap_err(), KeyError::NotSpki);
    assert_eq!(PublicKey::from_spki(&[]).unwrap_err(), KeyError::NotSpki);
    assert_eq!(SigningKey::from_pkcs8_der(&trailing).unwrap_err(), KeyError::NotPkcs8);
}

proptest! {
    #![proptest_config(Config { cases: 32, ..Config::default() })]
    #[test]
    fn ed25519_signing_is_deterministic(payload in proptest::collection::vec(any::<u8>(), 0..300)) {
        let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
        let sign = || key.sign(PayloadType::Ack, &payload);
        prop_assert_eq!(sign(), sign());
        prop_assert_eq!(key.public().verify(PayloadType::Ack, &payload, &sign()), Ok(()));
    }
}

/// Reads hexadecimal.
fn hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}
