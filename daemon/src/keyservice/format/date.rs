//! Times of the key service: milliseconds since 1970, in UTC.

use std::borrow::Cow;

use audit::civil;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::FormatError;

/// A time, from 1970 to 9999.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Date(u64);

impl Date {
    /// The time so many milliseconds after the beginning of 1970; the last one there is for any later.
    pub fn from_milliseconds(milliseconds: u64) -> Self {
        Self(milliseconds.min(LAST))
    }

    /// The milliseconds since the beginning of 1970.
    pub fn milliseconds(self) -> u64 {
        self.0
    }

    /// As in XML: `2026-11-22T01:02:03Z`, with a fraction where there is one.
    pub fn iso(self) -> String {
        let (seconds, milliseconds) = (self.0 / 1000, self.0 % 1000);
        let (days, rest) = (seconds / DAY, seconds % DAY);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        let fraction = match milliseconds {
            0 => String::new(),
            _ => format!(".{milliseconds:03}"),
        };
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
    }

    /// Reads `2026-11-22`, `2026-11-22T01:02`, `2026-11-22T01:02:03.456Z` or `+01:00`, `+0100` in the
    /// place of the `Z` (without either it is UTC; a space may stand for the `T`), and
    /// `/Date(1795309323000)/`, as JSON writes it with a `\` before each `/`, too.
    ///
    /// # Errors
    /// [`FormatError::Malformed`]; for times before 1970, too.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let text = text.trim().to_ascii_uppercase().replace("\\/", "/");
        let milliseconds = match text.strip_prefix("/DATE(") {
            Some(rest) => rest.strip_suffix(")/").and_then(|rest| decimal(rest, rest.len())),
            None => parse_iso(&text),
        };
        milliseconds.filter(|time| *time <= LAST).map(Self).ok_or(NO_DATE)
    }
}

impl Serialize for Date {
    /// `/Date(1795309323000)/`; [`answer`](super::answer) puts a `\` before each `/`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("/Date({})/", self.0))
    }
}

impl JsonSchema for Date {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Date".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": r"^/Date\([0-9]+\)/$" })
    }
}

fn parse_iso(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (time, offset) = match time.find(['+', '-', 'Z']) {
        Some(at) => time.split_at_checked(at)?,
        None => (time, "Z"),
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = match time.len() {
        5 => numbers(time, ':', [2, 2]).map(|[hour, minute]| [hour, minute, 0])?,
        _ => numbers(time, ':', [2, 2, 2])?,
    };
    let real = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && (hour < 24 && minute < 60 && second < 60);
    let fraction = decimal(fraction.get(..3).unwrap_or(fraction), fraction.len().min(3))?
        .checked_mul([100, 10, 1].get(fraction.len().clamp(1, 3) - 1).copied()?)?;
    let local = ((days(year, month, day) * 24 + hour) * 60 + minute).checked_mul(60)? + second;
    let seconds = match offset.split_at_checked(1)? {
        ("Z", "") => local,
        (sign, offset) => {
            let [hours, minutes] = match offset.split_at_checked(2)? {
                (hours, minutes) if minutes.len() == 2 => {
                    [decimal(hours, 2)?, decimal(minutes, 2)?]
                }
                _ => numbers(offset, ':', [2, 2])?,
            };
            let offset = (hours <= 14 && minutes < 60).then_some((hours * 60 + minutes) * 60)?;
            if sign == "+" { local.checked_sub(offset)? } else { local.checked_add(offset)? }
        }
    };
    real.then_some(seconds.checked_mul(1000)? + fraction)
}

/// Numbers of so many digits with `separator` between.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        *number = decimal(parts.next()?, digits)?;
    }
    parts.next().is_none().then_some(numbers)
}

fn decimal(text: &str, digits: usize) -> Option<u64> {
    let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| fits)
}

/// The other way of [`civil`]; the year is 1970 or later.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, from_march) = match month {
        3.. => (year, month - 3),
        _ => (year.saturating_sub(1), month + 9),
    };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * from_march + 2) / 5 + day.saturating_sub(1);
    (era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year).saturating_sub(TO_1970)
}

fn days_of(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const DAY: u64 = 86_400;
const ERA: u64 = 146_097;
/// The end of 9999.
const LAST: u64 = 253_402_300_799_999;
const NO_DATE: FormatError =
    FormatError::Malformed("a date must be like 2026-11-22T01:02:03Z, and not before 1970");
const TO_1970: u64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read() {
        for (milliseconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_795_309_323_000, "2026-11-22T01:02:03Z"),
            (1_795_309_323_040, "2026-11-22T01:02:03.040Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (LAST, "9999-12-31T23:59:59.999Z"),
        ] {
            let date = Date::from_milliseconds(milliseconds);
            assert_eq!(date.iso(), text);
            assert_eq!(Date::parse(text), Ok(date));
            let json = serde_json::to_string(&date).unwrap();
            assert_eq!(json, format!("\"/Date({milliseconds})/\""));
            assert_eq!(Date::parse(json.trim_matches('"')), Ok(date));
        }
        assert_eq!(Date::from_milliseconds(u64::MAX).milliseconds(), LAST);
    }

    #[test]
    fn every_day_comes_back() {
        for day in (0..2_932_896).step_by(13) {
            let (year, month, of_month) = civil(day);
            assert_eq!(days(year, month, of_month), day);
            assert!(of_month <= days_of(year, month));
        }
    }

    #[test]
    fn other_forms_are_read() {
        let at = 1_795_309_323_000;
        for (text, milliseconds) in [
            ("2026-11-22T02:02:03+01:00", at),
            ("2026-11-21T19:32:03-05:30", at),
            ("2026-11-21t19:32:03-0530", at),
            ("2026-11-22T01:02:03z", at),
            (r"\/Date(1795309323000)\/", at),
            (" 2026-11-22 01:02:03 ", at),
            ("2026-11-22T01:02", at - 3000),
            ("2026-11-22", at - 3_723_000),
            ("2026-11-22T01:02:03.5Z", at + 500),
            ("2026-11-22T01:02:03.4567891", at + 456),
        ] {
            assert_eq!(Date::parse(text).map(Date::milliseconds), Ok(milliseconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for bad in [
            "",
            "tomorrow",
            "2026",
            "22.11.2026",
            "2026-13-01",
            "2026-02-29",
            "2026-11-31",
            "2026-00-01",
            "2026-11-00",
            "1969-12-31",
            "+2026-11-22",
            "2026-11-22T",
            "2026-11-22T24:00",
            "2026-11-22T01",
            "2026-11-22T01:60",
            "2026-11-22T01:02:60",
            "2026-11-22T01:02:03X",
            "2026-11-22T01:02:03+1",
            "2026-11-22T01:02:03+15:00",
            "2026-11-22T01:02:03+01:0",
            "2026-11-22T01:02:03+01",
            "2026-11-22T01:02:03+0160",
            "2026-11-22T01:02:03ZZ",
            "2026-11-22T01:02:03.Z",
            "1970-01-01T00:00+01:00",
            "/Date()/",
            "/Date(-1)/",
            "/Date(1)",
            "/Date(99999999999999999999)/",
            "/Date(999999999999999)/",
            "\u{662}026-11-22",
            "2026-11-22T01:02:03.\u{e9}\u{e9}",
        ] {
            assert_eq!(Date::parse(bad), Err(NO_DATE), "{bad:?}");
        }
    }
}
