//! PEM blocks (RFC 7468), strict: one block, one label, nothing else.

use zeroize::Zeroizing;

use super::KeyError;

/// Label of a SubjectPublicKeyInfo.
pub(super) const PUBLIC_KEY: &str = "PUBLIC KEY";
/// Label of a PKCS#8 private key.
pub(super) const PRIVATE_KEY: &str = "PRIVATE KEY";

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const LINE: usize = 64;

/// Writes one block. The text is wiped when dropped: it may be a private key.
pub(super) fn encode(label: &'static str, der: &[u8]) -> Zeroizing<String> {
    // Reserved in full, so that no half-written copy stays behind in memory.
    let mut text = Zeroizing::new(String::with_capacity(der.len() * 3 / 2 + 128));
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    for (position, group) in der.chunks(3).enumerate() {
        let word = group.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
        let word = word << (8 * (3 - group.len()));
        for digit in 0..4 {
            let value = (word >> (18 - 6 * digit)) & 63;
            let value = usize::try_from(value).expect("six bits");
            text.push(if digit > group.len() { '=' } else { char::from(ALPHABET[value]) });
        }
        if (position + 1) % (LINE / 4) == 0 || (position + 1) * 3 >= der.len() {
            text.push('\n');
        }
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

/// Reads one block.
pub(super) fn decode(label: &'static str, text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    block(label, text).and_then(base64).ok_or(KeyError::NotPem { label })
}

/// What stands between the lines of the label.
fn block<'a>(label: &str, text: &'a str) -> Option<&'a str> {
    let text = text.trim().strip_prefix("-----BEGIN ")?.strip_prefix(label)?;
    let text = text.strip_prefix("-----")?.strip_suffix("-----")?;
    text.strip_suffix(label)?.strip_suffix("-----END ")
}

/// Reads base64 (RFC 4648) with padding, white space between lines allowed.
fn base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut word = 0_u32;
    let (mut digits, mut padding) = (0_usize, 0_usize);
    for symbol in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let value = if symbol == b'=' {
            padding += 1;
            0
        } else if padding > 0 {
            return None;
        } else {
            ALPHABET.iter().position(|letter| *letter == symbol)?
        };
        word = word << 6 | u32::try_from(value).ok()?;
        digits += 1;
        if digits % 4 == 0 {
            let group = word.to_be_bytes();
            bytes.extend_from_slice(group.get(1..4_usize.checked_sub(padding)?)?);
            word = 0;
        }
    }
    (digits > 0 && digits % 4 == 0 && padding <= 2).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{PUBLIC_KEY, base64, block, decode, encode};

    proptest! {
        #[test]
        fn blocks_are_what_others_write(der in proptest::collection::vec(any::<u8>(), 1..200)) {
            let text = encode(PUBLIC_KEY, &der);
            let inner = block(PUBLIC_KEY, &text).unwrap().replace('\n', "");
            prop_assert_eq!(&inner, &STANDARD.encode(&der));
            let read = decode(PUBLIC_KEY, &text).unwrap();
            prop_assert_eq!(&read[..], &der[..]);
        }
    }

    #[test]
    fn other_blocks_and_broken_base64_are_refused() {
        for text in ["", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----", "MCow"] {
            assert!(decode(PUBLIC_KEY, text).is_err(), "{text}");
        }
        assert!(decode(PUBLIC_KEY, &encode("CERTIFICATE", b"abc")).is_err());
        for text in ["A", "AA", "AAA", "AA=A", "A===", "====", "AAAA=", "AA-_", "AA==AAAA"] {
            assert!(base64(text).is_none(), "{text}");
        }
        assert_eq!(base64(" AA\n==").unwrap().as_slice(), [0]);
    }
}
