//! Dates as tables print them: every style that has one reading, and both readings
//! of those that have two.

use std::fmt;

use time::{Date, Month, Weekday};

/// A date of which parts may be unknown; shown as ISO 8601.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartialDate {
    Year(u16),
    Month(u16, Month),
    Day(Date),
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Year(year) => write!(f, "{year:04}"),
            Self::Month(year, month) => write!(f, "{year:04}-{:02}", u8::from(*month)),
            Self::Day(date) => {
                write!(f, "{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
            }
        }
    }
}

impl PartialDate {
    fn year(self) -> i32 {
        match self {
            Self::Year(year) | Self::Month(year, _) => i32::from(year),
            Self::Day(date) => date.year(),
        }
    }

    fn month(self) -> Option<Month> {
        match self {
            Self::Year(_) => None,
            Self::Month(_, month) => Some(month),
            Self::Day(date) => Some(date.month()),
        }
    }
}

/// Which number comes first in dates like 05/01/2020.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum DateOrder {
    /// No date of the file tells.
    #[default]
    Untold,
    DayFirst,
    MonthFirst,
    /// Some dates of the file can only be one, some only the other.
    Mixed,
}

impl DateOrder {
    /// What is known after one more date of the same column.
    pub(crate) fn learn(self, printed: &str) -> Self {
        let told = match parse(printed).map(|readings| readings.style) {
            Some(Style::DayFirst) => Self::DayFirst,
            Some(Style::MonthFirst) => Self::MonthFirst,
            _ => return self,
        };
        match self {
            Self::Untold => told,
            known if known == told => known,
            _ => Self::Mixed,
        }
    }
}

/// How a date was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// One reading, whatever the file's order.
    Plain,
    /// Numbers that can only be day, month, year.
    DayFirst,
    /// Numbers that can only be month, day, year.
    MonthFirst,
    /// Numbers that can be both.
    Either,
}

/// What one printed date can mean.
#[derive(Debug)]
struct Readings {
    style: Style,
    /// Day first, where there are two.
    dates: Vec<PartialDate>,
    weekday: Option<Weekday>,
}

/// Why a date was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DateFault {
    Unreadable,
    Ambiguous,
    /// It contradicts this.
    Contradicted(String),
}

/// What else a row says about its date, as printed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Beside<'a> {
    pub(crate) year: Option<&'a str>,
    pub(crate) month: Option<&'a str>,
}

/// Reads a date, by the order of its file where it has two readings, and holds it
/// against the weekday in it and the year and month beside it.
pub(crate) fn read(
    printed: &str,
    order: DateOrder,
    beside: Beside<'_>,
) -> Result<PartialDate, DateFault> {
    let readings = parse(printed).ok_or(DateFault::Unreadable)?;
    let mut dates = readings.dates;
    if readings.style == Style::Either {
        match order {
            DateOrder::DayFirst => dates.truncate(1),
            DateOrder::MonthFirst => drop(dates.remove(0)),
            DateOrder::Untold | DateOrder::Mixed => {}
        }
    }
    if let Some(weekday) = readings.weekday {
        dates.retain(|date| matches!(date, PartialDate::Day(day) if day.weekday() == weekday));
        if dates.is_empty() {
            return Err(DateFault::Contradicted(weekday.to_string()));
        }
    }
    if let Some(text) = beside.year {
        let year = parse_year(text).ok_or(DateFault::Unreadable)?;
        dates.retain(|date| date.year() == i32::from(year));
        if dates.is_empty() {
            return Err(DateFault::Contradicted(text.to_owned()));
        }
    }
    if let Some(text) = beside.month {
        let month = parse_month(text).ok_or(DateFault::Unreadable)?;
        dates.retain(|date| date.month().is_none_or(|known| known == month));
        if dates.is_empty() {
            return Err(DateFault::Contradicted(text.to_owned()));
        }
    }
    dates.dedup();
    match dates.as_slice() {
        [date] => Ok(*date),
        _ => Err(DateFault::Ambiguous),
    }
}

/// A date of which only the year, or year and month, stand in columns.
pub(crate) fn from_parts(
    year: &str,
    month: Option<&str>,
    day: Option<&str>,
) -> Result<PartialDate, DateFault> {
    let year = parse_year(year).ok_or(DateFault::Unreadable)?;
    let Some(month) = month else {
        return Ok(PartialDate::Year(year));
    };
    let month = parse_month(month).ok_or(DateFault::Unreadable)?;
    let Some(day) = day else {
        return Ok(PartialDate::Month(year, month));
    };
    let day = number(day.trim(), 2).and_then(|day| civil(year, month.into(), day));
    day.map(PartialDate::Day).ok_or(DateFault::Unreadable)
}

/// The longest date read, bytes.
const PRINTED_MAX: usize = 64;

fn parse(printed: &str) -> Option<Readings> {
    let printed = printed.trim();
    if printed.len() > PRINTED_MAX || !printed.is_ascii() {
        return None;
    }
    let (date, time) = split_time(printed);
    if time.is_some_and(|time| !is_time(time)) {
        return None;
    }
    if !date.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ,-/.".contains(&byte)) {
        return None;
    }
    let mut words: Vec<&str> =
        date.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let weekday = words.first().copied().and_then(parse_weekday);
    if weekday.is_some() {
        words.remove(0);
    }
    let named = words.iter().position(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let (style, dates) = match named {
        Some(position) => {
            let month = parse_month(words.remove(position))?;
            (Style::Plain, vec![with_month_name(month, &words)?])
        }
        None => numeric(&words)?,
    };
    Some(Readings { style, dates, weekday })
}

/// Cuts `2020-01-05T06:00:00Z` or `10/27/2014 - 12:00` before its time of day.
fn split_time(printed: &str) -> (&str, Option<&str>) {
    let Some(colon) = printed.find(':') else {
        return (printed, None);
    };
    let before = printed[..colon].trim_end_matches(|c: char| c.is_ascii_digit());
    let time = &printed[before.len()..];
    let date = before.strip_suffix('T').unwrap_or(before);
    (date.trim_end_matches([' ', ',', '-']), Some(time))
}

/// `HH:MM[:SS[.fff]][ AM|PM][Z|UTC|GMT|±HH[:]MM]`.
pub(crate) fn is_time(text: &str) -> bool {
    let clock_end =
        text.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(text.len());
    let (clock, rest) = text.split_at(clock_end);
    let mut parts = clock.split(':');
    let in_range = |part: Option<&str>, below: u16| {
        part.and_then(|part| number(part, 2)).is_some_and(|value| value < below)
    };
    if !in_range(parts.next(), 24) || !in_range(parts.next(), 60) {
        return false;
    }
    if let Some(seconds) = parts.next() {
        let whole = seconds.split_once('.').map_or(seconds, |(whole, _)| whole);
        if !in_range(Some(whole), 61) {
            return false;
        }
    }
    parts.next().is_none() && is_zone(rest.trim())
}

fn is_zone(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    match upper.as_str() {
        "" | "Z" | "UTC" | "GMT" | "AM" | "PM" | "LT" => true,
        other => {
            let digits = other.strip_prefix(['+', '-']).unwrap_or("").replace(':', "");
            digits.len() == 4 && number(&digits, 4).is_some_and(|value| value <= 1_400)
        }
    }
}

/// `5 January 2020`, `January 05, 2020`, `Jan 2020`, `2020 January 5`.
fn with_month_name(month: Month, numbers: &[&str]) -> Option<PartialDate> {
    let (year, day) = match *numbers {
        [year] => (parse_year(year)?, None),
        [first, second] if second.len() == 4 => (parse_year(second)?, Some(first)),
        [first, second] if first.len() == 4 => (parse_year(first)?, Some(second)),
        _ => return None,
    };
    let Some(day) = day else {
        return Some(PartialDate::Month(year, month));
    };
    let bare = day.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if !matches!(&day[bare.len()..], "" | "st" | "nd" | "rd" | "th") {
        return None;
    }
    civil(year, month.into(), number(bare, 2)?).map(PartialDate::Day)
}

fn numeric(words: &[&str]) -> Option<(Style, Vec<PartialDate>)> {
    let plain = |date: PartialDate| Some((Style::Plain, vec![date]));
    match *words {
        [year] if year.len() == 4 => plain(PartialDate::Year(parse_year(year)?)),
        [compact] if compact.len() == 8 && compact.bytes().all(|byte| byte.is_ascii_digit()) => {
            let month = u8::try_from(number(&compact[4..6], 2)?).ok()?;
            plain(PartialDate::Day(civil(
                parse_year(&compact[..4])?,
                month,
                number(&compact[6..], 2)?,
            )?))
        }
        [year, month] if year.len() == 4 => {
            plain(PartialDate::Month(parse_year(year)?, parse_month(month)?))
        }
        [month, year] if year.len() == 4 => {
            plain(PartialDate::Month(parse_year(year)?, parse_month(month)?))
        }
        [year, month, day] if year.len() == 4 => {
            let month = u8::try_from(number(month, 2)?).ok()?;
            plain(PartialDate::Day(civil(parse_year(year)?, month, number(day, 2)?)?))
        }
        [first, second, year] if year.len() == 4 => {
            let year = parse_year(year)?;
            let (first, second) = (number(first, 2)?, number(second, 2)?);
            let reading = |month: u16, day: u16| civil(year, u8::try_from(month).ok()?, day);
            match (reading(second, first), reading(first, second)) {
                (Some(one), Some(other)) => {
                    Some((Style::Either, vec![PartialDate::Day(one), PartialDate::Day(other)]))
                }
                (Some(date), None) => Some((Style::DayFirst, vec![PartialDate::Day(date)])),
                (None, Some(date)) => Some((Style::MonthFirst, vec![PartialDate::Day(date)])),
                (None, None) => None,
            }
        }
        _ => None,
    }
}

fn civil(year: u16, month: u8, day: u16) -> Option<Date> {
    let month = Month::try_from(month).ok()?;
    Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()
}

/// Digits only, at most `digits_max` of them.
fn number(text: &str, digits_max: usize) -> Option<u16> {
    let fits = !text.is_empty() && text.len() <= digits_max;
    (fits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn parse_year(text: &str) -> Option<u16> {
    let text = text.trim();
    let whole = text.strip_suffix(".0").unwrap_or(text);
    number(whole, 4).filter(|year| (1900..2200).contains(year))
}

/// A month by English name, its first three letters, or number.
fn parse_month(text: &str) -> Option<Month> {
    let text = text.trim().trim_end_matches('.');
    let whole = text.strip_suffix(".0").unwrap_or(text);
    if let Some(month) = number(whole, 2) {
        return Month::try_from(u8::try_from(month).ok()?).ok();
    }
    (1..=12)
        .filter_map(|month| Month::try_from(month).ok())
        .find(|month| names(&month.to_string(), text))
}

fn parse_weekday(text: &str) -> Option<Weekday> {
    let mut day = Weekday::Monday;
    for _ in 0..7 {
        if names(&day.to_string(), text) {
            return Some(day);
        }
        day = day.next();
    }
    None
}

/// Whether a text is a name in full or cut to three letters or more (`Sept`).
fn names(name: &str, text: &str) -> bool {
    text.len() >= 3 && name.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests;
