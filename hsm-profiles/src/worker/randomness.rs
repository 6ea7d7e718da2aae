//! Whether bytes look random: the tests that FIPS 140-2 (section 4.9.1, before its change notice 2)
//! asks of 20,000 bits, and the repetition count of SP 800-90B (section 4.4.1).
//!
//! They find a generator that is stuck or badly skewed, no more. A good one fails a sample about
//! once in a thousand, so a generator is judged by two samples.

/// As many bytes as the tests take: 20,000 bits.
pub(super) const SAMPLE: usize = 2500;

/// Why `sample` does not look random; `None` where it does.
pub(super) fn flaw(sample: &[u8; SAMPLE]) -> Option<&'static str> {
    let ones: u32 = sample.iter().map(|byte| byte.count_ones()).sum();
    if !(9726..=10274).contains(&ones) {
        return Some("monobit");
    }
    if !is_poker_fair(sample) {
        return Some("poker");
    }
    if repeats(sample) {
        return Some("repetition count");
    }
    run_flaw(sample)
}

/// 2.16 < 16/5000 * sum of squares - 5000 < 46.17, over the counts of the 16 nibbles; in integers,
/// times 5000.
fn is_poker_fair(sample: &[u8; SAMPLE]) -> bool {
    let mut counts = [0u64; 16];
    for nibble in sample.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        if let Some(count) = counts.get_mut(usize::from(nibble)) {
            *count += 1;
        }
    }
    let squares: u64 = counts.iter().map(|count| count * count).sum();
    let statistic = (16 * squares).saturating_sub(25_000_000);
    (10_801..230_850).contains(&statistic)
}

/// Five equal bytes in a row: a chance of 2^-32 at each of them, below the 2^-30 that SP 800-90B
/// asks for as a bound.
fn repeats(sample: &[u8; SAMPLE]) -> bool {
    sample.windows(5).any(|five| five.iter().all(|byte| Some(byte) == five.first()))
}

/// Runs of each length from 1 to 6 and more, of ones and of zeroes, and none of 26.
fn run_flaw(sample: &[u8; SAMPLE]) -> Option<&'static str> {
    let mut counts = [[0u32; 6]; 2];
    let mut longest = 0;
    let mut close = |value: usize, length: usize| {
        longest = longest.max(length);
        let place = counts.get_mut(value).and_then(|kind| kind.get_mut(length.clamp(1, 6) - 1));
        if let Some(count) = place {
            *count += 1;
        }
    };
    let bits =
        sample.iter().flat_map(|byte| (0..8).rev().map(move |at| usize::from((byte >> at) & 1)));
    let (mut last, mut length) = (2, 0);
    for bit in bits {
        if bit == last {
            length += 1;
            continue;
        }
        if length > 0 {
            close(last, length);
        }
        (last, length) = (bit, 1);
    }
    close(last, length);
    if longest >= 26 {
        return Some("long run");
    }
    let fits = |kind: &[u32; 6]| kind.iter().zip(RUNS).all(|(count, range)| range.contains(count));
    if counts.iter().all(fits) { None } else { Some("runs") }
}

const RUNS: [std::ops::RangeInclusive<u32>; 6] =
    [2315..=2685, 1114..=1386, 527..=723, 240..=384, 103..=209, 103..=209];

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    /// What SHA-256 makes of a counter looks random.
    fn stream(seed: u32) -> [u8; SAMPLE] {
        let blocks = (0u32..79).flat_map(|counter| {
            let mut hash = Sha256::new();
            hash.update(seed.to_be_bytes());
            hash.update(counter.to_be_bytes());
            <[u8; 32]>::from(hash.finalize())
        });
        let bytes: Vec<u8> = blocks.take(SAMPLE).collect();
        bytes.try_into().unwrap()
    }

    #[test]
    fn good_streams_pass_but_for_one_in_hundreds() {
        let failed: Vec<_> = (0..1000).filter_map(|seed| flaw(&stream(seed))).collect();
        assert!(failed.len() < 6, "{failed:?}");
    }

    #[test]
    fn each_flaw_is_found_by_its_test() {
        assert_eq!(flaw(&[0; SAMPLE]), Some("monobit"));
        assert_eq!(flaw(&[0xff; SAMPLE]), Some("monobit"));
        assert_eq!(flaw(&[0x55; SAMPLE]), Some("poker"), "each nibble is the same");
        let mut stuck = stream(1);
        stuck[100..105].fill(0x6a);
        assert_eq!(flaw(&stuck), Some("repetition count"));
        // Balanced nibbles in an order that has runs of one length only.
        let mut ordered = [0; SAMPLE];
        let order = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
        ordered.iter_mut().zip(order.iter().cycle()).for_each(|(to, from)| *to = *from);
        assert_eq!(flaw(&ordered), Some("poker"), "too even");
        let mut long = stream(2);
        long[200..204].copy_from_slice(&[0xfe, 0, 0, 0]);
        long[204] = 0xff;
        assert!(flaw(&long).is_none_or(|flaw| flaw != "long run"), "25 zeroes are not too many");
        long[204] = 0x7f;
        assert_eq!(flaw(&long), Some("long run"), "26 are");
    }
}
