//! A bar on standard error while a long verification runs, if that is a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// A bar of one line, which goes away when it is dropped.
pub(crate) struct Bar {
    /// Where it is drawn; `None` where nobody looks.
    out: Option<Box<dyn Write>>,
    began: Instant,
    /// When it was drawn last, and whether it was at all.
    drawn: Instant,
    is_drawn: bool,
    /// How much was behind when it began: a verification may go on from an earlier one.
    first: Option<u64>,
}

impl Bar {
    /// On standard error.
    pub(crate) fn new() -> Self {
        let stderr = io::stderr();
        Self::on(if stderr.is_terminal() { Some(Box::new(stderr)) } else { None })
    }

    /// Nowhere.
    pub(crate) fn hidden() -> Self {
        Self::on(None)
    }

    fn on(out: Option<Box<dyn Write>>) -> Self {
        let now = Instant::now();
        Self { out, began: now, drawn: now, is_drawn: false, first: None }
    }

    /// So many bytes of so many are behind; drawn a few times a second.
    pub(crate) fn show(&mut self, bytes: u64, of: u64) {
        let first = *self.first.get_or_insert(bytes);
        let Some(out) = &mut self.out else { return };
        if self.drawn.elapsed() < PAUSE {
            return;
        }
        self.drawn = Instant::now();
        self.is_drawn = true;
        let text = picture((first, bytes, of), self.began.elapsed());
        // A terminal that is gone is no reason to stop.
        let _ = write!(out, "\r\u{1b}[K{text}").and_then(|()| out.flush());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let (Some(out), true) = (&mut self.out, self.is_drawn) {
            let _ = write!(out, "\r\u{1b}[K").and_then(|()| out.flush());
        }
    }
}

/// `[#######-------------]  35 %  120 MB of 340 MB, 12 s left`
fn picture((first, bytes, of): (u64, u64, u64), elapsed: Duration) -> String {
    // A daemon may write while it is read.
    let of = of.max(bytes).max(1);
    let percent = bytes.saturating_mul(100) / of;
    let full = usize::try_from(percent).unwrap_or(0) / 5;
    let (done, left) = (bytes.saturating_sub(first), of.saturating_sub(bytes));
    let bar = format!("{:-<20}", "#".repeat(full));
    let mega = 1_000_000;
    let text = format!("[{bar}] {percent:3} %  {} MB of {} MB", bytes / mega, of / mega);
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    match millis.saturating_mul(left).checked_div(done) {
        Some(rest) => format!("{text}, {} s left", rest / 1000),
        None => text,
    }
}

const PAUSE: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_and_says_what_is_left() {
        let mega = 1_000_000;
        let at = |bytes| picture((0, bytes * mega, 200 * mega), Duration::from_secs(10));
        assert_eq!(at(0), "[--------------------]   0 %  0 MB of 200 MB");
        assert_eq!(at(50), "[#####---------------]  25 %  50 MB of 200 MB, 30 s left");
        assert_eq!(at(200), "[####################] 100 %  200 MB of 200 MB, 0 s left");
        // More than there was when it began.
        assert!(at(201).starts_with("[####################] 100 %  201 MB of 201 MB"));
    }

    #[test]
    fn nothing_is_drawn_where_nobody_looks() {
        let mut bar = Bar::hidden();
        bar.show(1, 2);
        assert!(!bar.is_drawn);
    }
}
