//! gzip (RFC 1952) of one member.

use std::io::Write;

use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};
use zeroize::Zeroizing;

use super::{FormatError, Limits};

/// `plain`, compressed. The header names no time and no system.
///
/// # Errors
/// [`FormatError::Internal`]; not seen.
pub fn pack(plain: &[u8]) -> Result<Zeroizing<Vec<u8>>, FormatError> {
    let longest = plain.len().saturating_add(plain.len() / 1000).saturating_add(1 << 10);
    let mut packed = Zeroizing::new(Vec::with_capacity(longest));
    let mut packer = GzBuilder::new().operating_system(3).write(&mut *packed, Compression::best());
    packer.write_all(plain).map_err(|_| FormatError::Internal)?;
    packer.finish().map_err(|_| FormatError::Internal)?;
    Ok(packed)
}

/// What `packed` expands to.
///
/// # Errors
/// [`FormatError::Malformed`] where it is no gzip of one member or has something behind it,
/// [`FormatError::TooLarge`].
pub fn unpack(packed: &[u8], limits: Limits) -> Result<Zeroizing<Vec<u8>>, FormatError> {
    let mut unpacker = GzDecoder::new(packed);
    let plain = limits.expand(&mut unpacker, packed.len(), 0)?;
    match unpacker.into_inner() {
        [] => Ok(plain),
        _ => Err(FormatError::Malformed("there is something behind the end of the gzip")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyservice::format::vectors;

    #[test]
    fn the_vector_expands() {
        let packed = vectors()["gz"].as_str().unwrap().to_owned();
        let packed = base16ct::lower::decode_vec(packed).unwrap();
        let plain = unpack(&packed, Limits::default()).unwrap();
        assert_eq!(plain.as_slice(), b"secret message \xe9 \"");
        for end in 0..packed.len() {
            assert!(unpack(&packed[..end], Limits::default()).is_err(), "{end}");
        }
        let longer = [packed.as_slice(), b"\0"].concat();
        assert!(unpack(&longer, Limits::default()).is_err());
        let twice = [packed.as_slice(), &packed].concat();
        assert!(unpack(&twice, Limits::default()).is_err());
    }

    #[test]
    fn what_is_packed_unpacks() {
        for plain in [b"".as_slice(), b"a", &[0xa5; 40_000]] {
            let packed = pack(plain).unwrap();
            assert_eq!(unpack(&packed, Limits::default()).unwrap().as_slice(), plain);
            assert_eq!(packed[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3]);
        }
    }

    #[test]
    fn what_expands_without_end_is_refused() {
        let packed = pack(&vec![0; 32 << 20]).unwrap();
        assert!(packed.len() < 64 << 10);
        assert_eq!(unpack(&packed, Limits::default()).unwrap_err(), FormatError::TooLarge);
        let packed = pack(&vec![0; 8 << 20]).unwrap();
        assert_eq!(unpack(&packed, Limits::default()).unwrap_err(), FormatError::TooLarge);
        let limits = Limits { ratio: 2000, ..Limits::default() };
        assert_eq!(unpack(&packed, limits).unwrap().len(), 8 << 20);
    }
}
