//! For which time and which name a certificate is: what an operator should hear of before clients do.

use rustls::pki_types::CertificateDer;

use super::tls::is_for;
use crate::agreement::der::{INTEGER, Reader};
use crate::keyservice::format::date::Date;

/// The time for which a certificate is good, in Unix seconds, both ends included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Validity {
    /// From then on.
    pub(crate) from: u64,
    /// Up to then.
    pub(crate) until: u64,
}

impl Validity {
    /// That of `certificate` (RFC 5280, 4.1.2.5). `None` where it has none that can be read; a time
    /// before 1970 is one.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let mut signed = Reader::new(certificate).sequence()?.sequence()?;
        // The version stands there unless it is the first.
        let _ = signed.take(VERSION);
        signed.take(INTEGER)?;
        let (_algorithm, _issuer) = (signed.sequence()?, signed.sequence()?);
        let mut validity = signed.sequence()?;
        Some(Self { from: time(&mut validity)?, until: time(&mut validity)? })
    }

    /// What is amiss at the time `now`, or will be soon.
    fn objection(self, now: u64) -> Option<String> {
        let shown = |seconds: u64| Date::from_milliseconds(seconds.saturating_mul(1000)).iso();
        if now < self.from {
            let from = shown(self.from);
            return Some(format!("it is good from {from} on: is the clock of this host right?"));
        }
        let until = shown(self.until);
        match self.until.checked_sub(now) {
            None => Some(format!("it was good until {until}: renew it, clients refuse it")),
            Some(left) if left < SOON => Some(format!("it is good until {until}: renew it")),
            Some(_) => None,
        }
    }
}

/// Why clients refuse `certificate` of a server called `hostname` at the time `now` (Unix seconds),
/// or will do so soon.
pub(crate) fn objections(
    certificate: &CertificateDer<'_>,
    hostname: &str,
    now: u64,
) -> Vec<String> {
    let name = is_for(certificate, hostname).err();
    let name = name.map(|why| format!("it is not for the host name {hostname}: {why}"));
    let time = Validity::of(certificate).and_then(|validity| validity.objection(now));
    name.into_iter().chain(time).collect()
}

fn time(reader: &mut Reader<'_>) -> Option<u64> {
    let (century, digits) = match reader.take(UTC_TIME) {
        // Two digits of the year: from 1950 to 2049.
        Some(digits) => (if digits.first()? < &b'5' { "20" } else { "19" }, digits),
        None => ("", reader.take(GENERALIZED_TIME)?),
    };
    let text = format!("{century}{}", std::str::from_utf8(digits).ok()?);
    let part = |from: usize, to: usize| text.get(from..to);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    if year < "1970" {
        return Some(0);
    }
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, text.get(12..)?);
    let iso = format!("{year}-{month}-{day}T{hour}:{minute}:{second}");
    Date::parse(&iso).ok().map(|date| date.milliseconds() / 1000)
}

const GENERALIZED_TIME: u8 = 0x18;
const UTC_TIME: u8 = 0x17;
const VERSION: u8 = 0xa0;

/// Two weeks, in seconds.
const SOON: u64 = 14 * 86_400;

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// A certificate for `localhost`, from the first of May of a year to that of another.
    fn certificate(from: i32, until: i32) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 5, 1);
        params.not_after = date_time_ymd(until, 5, 1);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn both_forms_of_a_time_are_read() {
        let seconds = |text: &str| Date::parse(text).unwrap().milliseconds() / 1000;
        for (from, until) in [(1999, 2031), (2049, 2050), (2051, 9998)] {
            let [first, last] = [from, until].map(|year| seconds(&format!("{year}-05-01")));
            let read = Validity::of(&certificate(from, until));
            assert_eq!(read, Some(Validity { from: first, until: last }));
        }
        assert_eq!(Validity::of(&certificate(1951, 1969)), Some(Validity { from: 0, until: 0 }));
        let whole = certificate(2001, 2002);
        for length in 0..whole.len() {
            assert_eq!(Validity::of(&whole[..length].to_vec().into()), None);
        }
    }

    #[test]
    fn objections_say_what_is_wrong_and_when() {
        let seconds = |text: &str| Date::parse(text).unwrap().milliseconds() / 1000;
        let one = certificate(2026, 2027);
        let at = |time: &str| objections(&one, "localhost", seconds(time)).join("; ");
        assert_eq!(at("2026-05-01"), "");
        assert_eq!(at("2027-04-16"), "");
        assert!(at("2026-04-30").contains("from 2026-05-01T00:00:00Z on"));
        assert!(at("2027-04-18").contains("is good until 2027-05-01T00:00:00Z"));
        assert!(at("2027-05-02").contains("was good until 2027-05-01T00:00:00Z"));
        let other = objections(&one, "elsewhere.example", seconds("2026-06-01")).join("; ");
        assert!(other.contains("not for the host name elsewhere.example"), "{other}");
    }
}
