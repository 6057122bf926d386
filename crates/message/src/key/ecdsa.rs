//! The form of an ECDSA P-256 signature: DER, and the lower of the two S values.

/// Order of the group of P-256 (SP 800-186, 3.2.1.3), big-endian.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// Half of [`ORDER`], rounded down: the greatest S that is low.
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde,
    0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

/// R and S, big-endian.
pub(super) struct Signature {
    r: [u8; 32],
    s: [u8; 32],
}

impl Signature {
    /// Reads DER, of which there is exactly one form: two positive INTEGERs of
    /// fewest bytes in one SEQUENCE, nothing after it.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let [0x30, len, content @ ..] = der else {
            return None;
        };
        // Two INTEGERs of 33 bytes stay below 128, so lengths have the short form.
        if usize::from(*len) != content.len() {
            return None;
        }
        let (r, rest) = integer(content)?;
        let (s, rest) = integer(rest)?;
        rest.is_empty().then_some(Self { r, s })
    }

    /// Whether S is the lower of the two values that verify.
    pub(super) fn is_low_s(&self) -> bool {
        self.s <= HALF_ORDER
    }

    /// The same signature with the lower S.
    pub(super) fn into_low_s(mut self) -> Self {
        if !self.is_low_s() {
            self.s = order_minus(&self.s);
        }
        self
    }

    /// The other signature that verifies wherever this one does.
    #[cfg(test)]
    pub(super) fn mirrored(&self) -> Self {
        Self { r: self.r, s: order_minus(&self.s) }
    }

    /// From two numbers, big-endian.
    #[cfg(test)]
    pub(super) fn new(r: [u8; 32], s: [u8; 32]) -> Self {
        Self { r, s }
    }

    /// Writes DER.
    pub(super) fn to_der(&self) -> Vec<u8> {
        let mut content = Vec::with_capacity(70);
        for number in [&self.r, &self.s] {
            let zeros = number.iter().take_while(|byte| **byte == 0).count().min(31);
            let digits = &number[zeros..];
            let sign = usize::from(digits[0] >= 0x80);
            content.extend([2, length(sign + digits.len())]);
            content.extend(std::iter::repeat_n(0, sign));
            content.extend_from_slice(digits);
        }
        [&[0x30, length(content.len())], content.as_slice()].concat()
    }
}

/// A DER length of the short form.
fn length(len: usize) -> u8 {
    u8::try_from(len).expect("two INTEGERs of at most 33 bytes")
}

/// Reads one positive INTEGER of at most 256 bits and what follows it.
fn integer(der: &[u8]) -> Option<([u8; 32], &[u8])> {
    let [2, len, rest @ ..] = der else {
        return None;
    };
    let (content, rest) = rest.split_at_checked(usize::from(*len))?;
    let digits = match content {
        // A leading zero stands only where the number would else be negative.
        [0, digits @ ..] if digits.first().is_some_and(|byte| *byte >= 0x80) => digits,
        [1..=0x7f, ..] => content,
        _ => return None,
    };
    let mut number = [0; 32];
    number[32_usize.checked_sub(digits.len())?..].copy_from_slice(digits);
    Some((number, rest))
}

/// [`ORDER`] minus a number below it.
fn order_minus(number: &[u8; 32]) -> [u8; 32] {
    let mut difference = [0; 32];
    let mut borrow = false;
    for place in (0..32).rev() {
        let (value, under) = ORDER[place].overflowing_sub(number[place]);
        let (value, under_again) = value.overflowing_sub(u8::from(borrow));
        difference[place] = value;
        borrow = under || under_again;
    }
    difference
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{HALF_ORDER, ORDER, Signature, order_minus};

    proptest! {
        #[test]
        fn der_has_one_form(r in any::<[u8; 32]>(), s in any::<[u8; 32]>()) {
            let der = Signature { r, s }.to_der();
            let read = Signature::from_der(&der).unwrap();
            prop_assert_eq!((read.r, read.s), (r, s));
            for extra in [0, 2, 0x30] {
                prop_assert!(Signature::from_der(&[&der[..], &[extra]].concat()).is_none());
            }
            prop_assert!(Signature::from_der(&der[..der.len() - 1]).is_none());
        }
    }

    #[test]
    fn the_two_halves_of_the_order_mirror_each_other() {
        let mut above = HALF_ORDER;
        above[31] += 1;
        assert_eq!(order_minus(&HALF_ORDER), above);
        let high = Signature { r: [1; 32], s: above };
        assert!(!high.is_low_s());
        assert_eq!(high.into_low_s().s, HALF_ORDER);
        assert_eq!(order_minus(&ORDER), [0; 32]);
    }

    #[test]
    fn padded_negative_and_zero_numbers_are_refused() {
        for der in [
            &[0x30, 6, 2, 1, 0, 2, 1, 1][..],
            &[0x30, 6, 2, 1, 0x80, 2, 1, 1],
            &[0x30, 7, 2, 2, 0, 1, 2, 1, 1],
            &[0x30, 6, 2, 0, 2, 2, 1, 1],
            &[0x30, 0x81, 6, 2, 1, 1, 2, 1, 1],
            &[0x30, 0],
            &[],
        ] {
            assert!(Signature::from_der(der).is_none(), "{der:x?}");
        }
        assert!(Signature::from_der(&[0x30, 6, 2, 1, 1, 2, 1, 1]).is_some());
    }
}
