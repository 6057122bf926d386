//! Numbers that standards and registers print, and each of them with one digit changed.

use super::{CheckDigit, ContainerNumber, Format, HsCode, IdentifierError, ImoNumber, Mrz};
use super::{Unlocode, Vin};

/// Whether a number parses and no other last digit does.
fn last_digit_counts(number: &str, parses: fn(&str) -> Result<(), IdentifierError>) {
    assert_eq!(parses(number), Ok(()), "{number}");
    let (rest, last) = number.split_at(number.len() - 1);
    for digit in ('0'..='9').filter(|digit| !last.contains(*digit)) {
        let other = format!("{rest}{digit}");
        assert_eq!(parses(&other), Err(IdentifierError::CheckDigit), "{other}");
    }
}

#[test]
fn containers() {
    for number in ["CSQU3054383", "MSKU6011672", "TOLU4734787", "HLXU2008419"] {
        last_digit_counts(number, |text| ContainerNumber::parse(text).map(drop));
    }
    for other in ["", "CSQU305438", "CSQA3054383", "csqu3054383", "CSQU 305438", "CSQUé54383"] {
        assert!(matches!(ContainerNumber::parse(other), Err(IdentifierError::Form(_))), "{other}");
    }
}

#[test]
fn ships() {
    for number in ["9074729", "7710525", "9176187"] {
        last_digit_counts(number, |text| ImoNumber::parse(text).map(drop));
    }
    for other in ["", "907472", "90747290", "IMO9074", "907472x"] {
        assert!(matches!(ImoNumber::parse(other), Err(IdentifierError::Form(_))), "{other}");
    }
}

#[test]
fn vehicles() {
    for vin in ["1M8GDM9AXKP042788", "11111111111111111", "5GZCZ43D13S812715"] {
        assert!(Vin::parse(vin).is_ok(), "{vin}");
    }
    assert_eq!(Vin::parse("1M8GDM9A1KP042788"), Err(IdentifierError::CheckDigit));
    assert!(Vin::parse("WVWZZZ1JZXW000001").is_ok(), "Europe has no check digit");
    for other in ["", "WVWZZZ1JZXW00000", "WVWZZZ1JZXW0000O1", "wvwzzz1jzxw000001"] {
        assert!(matches!(Vin::parse(other), Err(IdentifierError::Form(_))), "{other}");
    }
}

#[test]
fn places_and_goods() {
    for code in ["PKTKM", "AFTOR", "IRMJV", "XZSEA", "US2AB"] {
        assert_eq!(Unlocode::parse(code).unwrap().as_str(), code);
    }
    for code in ["", "PKTK", "PKTK1", "PKTK0", "pktkm", "ZZTKM", "PKT-M", "PéKM"] {
        assert!(Unlocode::parse(code).is_err(), "{code}");
    }
    assert_eq!(HsCode::parse("130219").unwrap().as_str(), "130219");
    for code in ["", "1302", "1302190", "001234", "771234", "13021x"] {
        assert!(HsCode::parse(code).is_err(), "{code}");
    }
}

/// The specimens of Doc 9303.
const TD3: [&str; 2] = [
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
];
const TD2: [&str; 2] =
    ["I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6"];
const TD1: [&str; 3] = [
    "I<UTOD231458907<<<<<<<<<<<<<<<",
    "7408122F1204159UTO<<<<<<<<<<<6",
    "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
];
const MRV_A: [&str; 2] = [
    "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L8988901C4XXX4009078F96121096ZE184226B<<<<<<",
];
const MRV_B: [&str; 2] =
    ["V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "L8988901C4XXX4009078F9612109<<<<<<<<"];

#[test]
fn the_specimens_of_doc_9303_fit() {
    let formats: [(&[&str], Format); 5] = [
        (&TD3, Format::Td3),
        (&TD2, Format::Td2),
        (&TD1, Format::Td1),
        (&MRV_A, Format::MrvA),
        (&MRV_B, Format::MrvB),
    ];
    for (lines, format) in formats {
        let mrz = Mrz::parse(lines).unwrap();
        assert_eq!((mrz.format(), mrz.wrong_digits()), (format, &[][..]));
    }
}

#[test]
fn a_wrong_digit_is_named() {
    for (at, digit) in [
        (9, CheckDigit::Number),
        (19, CheckDigit::Birth),
        (27, CheckDigit::Expiry),
        (42, CheckDigit::Personal),
        (43, CheckDigit::Composite),
    ] {
        let mut line = TD3[1].to_owned();
        line.replace_range(at..=at, if &line[at..=at] == "9" { "8" } else { "9" });
        let mrz = Mrz::parse(&[TD3[0], &line]).unwrap();
        assert!(mrz.wrong_digits().contains(&digit), "{at}: {mrz:?}");
        // What the whole covers makes the whole wrong too, the personal number included.
        assert_eq!(mrz.wrong_digits().last(), Some(&CheckDigit::Composite));
    }
}

#[test]
fn a_long_number_ends_with_its_digit_in_the_optional_data() {
    let line = |digit| format!("I<UTOD23145890<734{digit}<<<<<<<<<<<");
    let second = "3407127M9507122UTO<<<<<<<<<<<2";
    let third = "STEVENSON<<PETER<JOHN<<<<<<<<<";
    let wrong = |digit| {
        let mrz = Mrz::parse(&[line(digit).as_str(), second, third]).unwrap();
        mrz.wrong_digits().to_vec()
    };
    assert_eq!(wrong(9), []);
    assert_eq!(wrong(8), [CheckDigit::Number, CheckDigit::Composite]);
}

#[test]
fn what_is_no_zone_is_refused() {
    for lines in [&[][..], &["P<UTO"], &[TD3[0]], &[TD3[0], TD2[1]], &[TD3[0], TD3[1], ""]] {
        assert!(Mrz::parse(lines).is_err(), "{lines:?}");
    }
    let small = TD3[1].to_ascii_lowercase();
    assert!(Mrz::parse(&[TD3[0], &small]).is_err());
}
