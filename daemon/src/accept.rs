//! What a client takes: the ranges of `Accept` (RFC 9110, section 12.5.1).

use http::HeaderMap;
use http::header::ACCEPT;

/// `Accept`, its lines joined; `None` where there is none.
pub(crate) fn text(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let lines: Vec<_> = lines.collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// How much a media type is wanted, in thousandths: by the range that says most about it.
pub(crate) fn quality(accept: &str, kind: &str, subtype: &str) -> u16 {
    let ranges = accept.split(',').filter_map(Range::read);
    let fits = ranges.filter(|range| range.fits(kind, subtype));
    // Of several that say as much, the last counts.
    fits.max_by_key(Range::says).map_or(0, |range| range.quality)
}

/// How much a media type is wanted that is named in full, in thousandths.
pub(crate) fn quality_by_name(accept: &str, media_type: &str) -> Option<u16> {
    let (kind, subtype) = media_type.split_once('/')?;
    let mut ranges = accept.split(',').filter_map(Range::read);
    let named = ranges.find(|range| range.says() == NAMED && range.fits(kind, subtype));
    named.map(|range| range.quality)
}

/// A range of media types and its quality, in thousandths.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    quality: u16,
}

impl<'a> Range<'a> {
    /// `None` for what is none: it asks for nothing.
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let quality = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then_some(value.trim())
        });
        let quality = quality.map_or(Some(1000), thousandths)?;
        Some(Self { kind: kind.trim(), subtype: subtype.trim(), quality })
    }

    fn fits(&self, kind: &str, subtype: &str) -> bool {
        let is = |range: &str, whole: &str| range == "*" || range.eq_ignore_ascii_case(whole);
        is(self.kind, kind)
            && is(self.subtype, subtype)
            && (self.kind != "*" || self.subtype == "*")
    }

    fn says(&self) -> u8 {
        match (self.kind, self.subtype) {
            ("*", _) => 0,
            (_, "*") => 1,
            _ => NAMED,
        }
    }
}

/// `0.8` as 800.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || fraction.len() > 3 {
        return None;
    }
    match (whole, format!("{fraction:0<3}").parse::<u16>().ok()?) {
        ("0", quality) => Some(quality),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

const NAMED: u8 = 2;
