//! Names in Latin letters as a machine-readable zone has them: the tables of ICAO Doc
//! 9303, part 3, section 6, B (Cyrillic) and C (Arabic script, with the letters of
//! Persian, Urdu and Pashto).
//!
//! A letter stands for a letter, so that the name in its own script can be found again;
//! it says nothing of how the name is spoken. There is no table for Bengali in Doc 9303.

use thiserror::Error;

/// A character for which the tables have nothing: another script, a vowel mark, a letter
/// of a language that they do not cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the tables of ICAO Doc 9303-3 have nothing for character {position} of the name")]
pub struct NotInTable {
    /// Its position in the name, in characters from 1.
    pub position: usize,
}

/// Doubles the letter before it.
const SHADDA: char = '\u{651}';
/// Lengthens a line and says nothing.
const TATWEEL: char = '\u{640}';
/// Has two forms: at the end of a part of a name, and before another letter.
const TEH_MARBUTA: char = '\u{629}';

/// The name in capital letters A to Z, its parts with single spaces between.
///
/// # Errors
/// [`NotInTable`] for the first character that has none.
pub fn icao9303(name: &str) -> Result<String, NotInTable> {
    let mut written = String::with_capacity(name.len());
    let mut last: &str = "";
    let mut letters = name.chars().enumerate().peekable();
    while let Some((before, letter)) = letters.next() {
        let ends = letters.peek().is_none_or(|(_, next)| is_break(*next));
        let latin = match letter {
            _ if is_break(letter) => {
                if !written.is_empty() && !written.ends_with(' ') {
                    written.push(' ');
                }
                last = "";
                continue;
            }
            // Joiners, which only shape letters; apostrophes, which a zone leaves out.
            TATWEEL | '\u{200c}' | '\u{200d}' | '\'' | '\u{2019}' => continue,
            SHADDA if !last.is_empty() => last,
            TEH_MARBUTA if ends => "XAH",
            TEH_MARBUTA => "XTA",
            'a'..='z' | 'A'..='Z' => {
                written.push(letter.to_ascii_uppercase());
                last = "";
                continue;
            }
            other => arabic(other)
                .or_else(|| cyrillic(other))
                .ok_or(NotInTable { position: before + 1 })?,
        };
        written.push_str(latin);
        last = latin;
    }
    Ok(written.trim_end().to_owned())
}

/// Whether a text is what a zone can hold of a name: capital letters and single spaces.
pub fn is_icao9303(name: &str) -> bool {
    name.split(' ')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_uppercase()))
}

/// What a zone has a filler for.
fn is_break(letter: char) -> bool {
    letter.is_whitespace() || letter == '-'
}

/// Section C.
fn arabic(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ء' => "XE",
        'آ' => "XAA",
        'أ' => "XAE",
        'ؤ' => "U",
        'إ' => "I",
        'ئ' => "XI",
        'ا' => "A",
        'ب' => "B",
        'ت' => "T",
        'ث' => "XTH",
        'ج' => "J",
        'ح' => "XH",
        'خ' => "XKH",
        'د' => "D",
        'ذ' => "XDH",
        'ر' => "R",
        'ز' => "Z",
        'س' => "S",
        'ش' => "XSH",
        'ص' => "XSS",
        'ض' => "XDZ",
        'ط' => "XTT",
        'ظ' => "XZZ",
        'ع' => "E",
        'غ' => "G",
        'ف' => "F",
        'ق' => "Q",
        'ك' => "K",
        'ل' => "L",
        'م' => "M",
        'ن' => "N",
        'ه' => "H",
        'و' => "W",
        'ى' => "XAY",
        'ي' | 'ې' => "Y",
        other => return further_arabic(other),
    })
}

/// Section C: letters of Persian, Urdu, Pashto and others.
fn further_arabic(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ٱ' => "XXA",
        'ٹ' => "XXT",
        'ټ' => "XRT",
        'پ' => "P",
        'ځ' => "XKE",
        'څ' => "XXH",
        'چ' => "XC",
        'ڈ' => "XXD",
        'ډ' => "XDR",
        'ڑ' => "XXR",
        'ړ' => "XRR",
        'ږ' => "XRX",
        'ژ' => "XJ",
        'ښ' => "XXS",
        'ک' => "XKK",
        'ګ' => "XXK",
        'ڭ' => "XNG",
        'گ' => "XGG",
        'ں' => "XNN",
        'ڼ' => "XXN",
        'ھ' => "XDO",
        'ۀ' => "XYH",
        'ہ' => "XXG",
        'ۂ' => "XGE",
        'ۃ' => "XTG",
        'ی' => "XYA",
        'ۍ' => "XXY",
        'ے' => "XYB",
        'ۓ' => "XBE",
        _ => return None,
    })
}

/// Section B, without the exceptions that it has for single languages; small letters as
/// capital ones.
fn cyrillic(letter: char) -> Option<&'static str> {
    let capital = letter.to_uppercase().next()?;
    Some(match capital {
        'А' => "A",
        'Б' => "B",
        'В' => "V",
        'Г' | 'Ґ' | 'Ѓ' => "G",
        'Д' | 'Ђ' => "D",
        'Е' | 'Ё' | 'Э' => "E",
        'Є' => "IE",
        'Ж' => "ZH",
        'З' => "Z",
        'И' | 'Й' | 'І' | 'Ї' => "I",
        'Ј' => "J",
        'К' => "K",
        'Л' => "L",
        'Љ' => "LJ",
        'М' => "M",
        'Н' => "N",
        'Њ' => "NJ",
        'О' => "O",
        'П' => "P",
        'Р' => "R",
        'С' => "S",
        'Т' => "T",
        'У' | 'Ў' => "U",
        'Ф' => "F",
        'Х' => "KH",
        'Ц' => "TS",
        'Ч' => "CH",
        'Ш' => "SH",
        'Щ' => "SHCH",
        'Ъ' => "IE",
        'Ы' => "Y",
        'Ь' => "",
        'Ѕ' | 'Џ' => "DZ",
        'Ю' => "IU",
        'Я' => "IA",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{NotInTable, icao9303, is_icao9303};

    #[test]
    fn names_of_the_region() {
        for (name, latin) in [
            ("محمود عبدالرحيم", "MXHMWD EBDALRXHYM"),
            ("احمد کریمی", "AXHMD XKKRXYAMXYA"),
            ("گل‌پرې", "XGGLPRY"),
            ("فاطمة", "FAXTTMXAH"),
            ("فاطمةالزهراء", "FAXTTMXTAALZHRAXE"),
            ("محمّد", "MXHMMD"),
            ("رڼا ښکلا", "RXXNA XXSXKKLA"),
            ("ٹیپو بھٹو", "XXTXYAPW BXDOXXTW"),
            ("Шарипов Юсуф-Жон", "SHARIPOV IUSUF ZHON"),
            ("Игорь Щ'ъ", "IGOR SHCHIE"),
            ("O'Neill", "ONEILL"),
            (" a  b ", "A B"),
            ("", ""),
        ] {
            assert_eq!(icao9303(name).as_deref(), Ok(latin), "{name}");
            assert!(latin.is_empty() || is_icao9303(latin), "{latin}");
        }
    }

    #[test]
    fn what_the_tables_do_not_have_is_said() {
        for (name, position) in [("আহমেদ", 1), ("علي7", 4), ("مَحمود", 2), ("Ҷамшед", 1), ("山", 1)]
        {
            assert_eq!(icao9303(name), Err(NotInTable { position }), "{name}");
        }
        for name in ["", "Ahmad", "A  B", " A", "A-B", "A1", "AÉ"] {
            assert!(!is_icao9303(name), "{name}");
        }
    }
}
