//! Decimal numbers, read exactly: no float ever stands between a text and a
//! signed coordinate.

/// Digits and signs of the longest number read.
const CHARS_MAX: usize = 40;

/// Reads `[+-]digits[.digits]` as a whole number of units of 10^-`places`, rounded
/// half away from zero. `None` for anything else and for what does not fit.
pub(crate) fn scaled(text: &str, places: usize) -> Option<i64> {
    if text.len() > CHARS_MAX {
        return None;
    }
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let mut value: i64 = 0;
    let padded = fraction.bytes().chain(std::iter::repeat(b'0'));
    for byte in whole.bytes().chain(padded.take(places)) {
        value = value.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
    }
    if fraction.as_bytes().get(places).is_some_and(|byte| *byte >= b'5') {
        value = value.checked_add(1)?;
    }
    Some(if negative { -value } else { value })
}

/// Degrees of latitude in 1e-7, -90 to 90.
pub(crate) fn latitude_e7(text: &str) -> Option<i32> {
    degrees_e7(text, 900_000_000)
}

/// Degrees of longitude in 1e-7, -180 to 180.
pub(crate) fn longitude_e7(text: &str) -> Option<i32> {
    degrees_e7(text, 1_800_000_000)
}

fn degrees_e7(text: &str, limit: i32) -> Option<i32> {
    let value = i32::try_from(scaled(text.trim(), 7)?).ok()?;
    (-limit..=limit).contains(&value).then_some(value)
}

/// A count of people: `12`, `1,234`, `12.0`. `None` for signs, fractions and all
/// else: a count is read or refused, never repaired.
pub(crate) fn count(text: &str) -> Option<u32> {
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => {
            whole
        }
        Some(_) => return None,
        None => text,
    };
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let mut digits = first.to_owned();
    let grouped = whole.contains(',');
    if grouped && !(1..=3).contains(&first.len()) {
        return None;
    }
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        digits.push_str(group);
    }
    if digits.is_empty() || digits.len() > 10 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(scaled("31.965203600000", 7), Some(319_652_036));
        assert_eq!(scaled("-113.011894500000", 7), Some(-1_130_118_945));
        assert_eq!(scaled("0.00000005", 7), Some(1));
        assert_eq!(scaled("-.5", 1), Some(-5));
        assert_eq!(scaled("48", 7), Some(480_000_000));
        for bad in ["", ".", "-", "1e5", "1,5", " 1", "٣", "0x1", "1.2.3", "99999999999999"] {
            assert_eq!(scaled(bad, 7), None, "{bad}");
        }
        assert_eq!(latitude_e7("90"), Some(900_000_000));
        assert_eq!(latitude_e7("90.1"), None);
        assert_eq!(longitude_e7("-180.0"), Some(-1_800_000_000));
        assert_eq!(longitude_e7("1130"), None);
    }

    #[test]
    fn counts_are_read_or_refused() {
        assert_eq!(count("1,022"), Some(1_022));
        assert_eq!(count("12.0"), Some(12));
        assert_eq!(count("0"), Some(0));
        for bad in
            ["-1", "12.5", "1,2", "1,0222", "12.", "~5", ">10", "", "1e3", "4294967296", ",123"]
        {
            assert_eq!(count(bad), None, "{bad}");
        }
    }
}
