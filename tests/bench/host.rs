//! What the kernel knows about a process: CPU time and memory.

use std::fs;
use std::time::Duration;

use serde::Serialize;

use crate::trouble::Trouble;

/// The CPU time that `pid` has used, in user and in system mode, all its threads together. The
/// kernel gives it in ticks of 10 ms.
pub(crate) fn cpu_time(pid: i32) -> Result<Duration, Trouble> {
    let fields = stat(pid)?;
    let ticks = |at: usize| -> Result<f64, Trouble> {
        Ok(fields.get(at).ok_or("/proc/PID/stat is too short")?.parse()?)
    };
    Ok(Duration::try_from_secs_f64((ticks(UTIME)? + ticks(STIME)?) / USER_HZ)?)
}

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Memory {
    /// Resident, pages shared with others counted in full.
    pub(crate) rss: u64,
    /// Resident, shared pages divided among those who share them.
    pub(crate) pss: u64,
}

/// The memory of `pid` now.
pub(crate) fn memory(pid: i32) -> Result<Memory, Trouble> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let field = |name: &str| -> Result<u64, Trouble> {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|rest| rest.split_whitespace().next());
        Ok(number.ok_or_else(|| format!("smaps_rollup has no {name}"))?.parse()?)
    };
    Ok(Memory { rss: field("Rss:")?, pss: field("Pss:")? })
}

/// The fields after the name, which may hold spaces and brackets itself.
fn stat(pid: i32) -> Result<Vec<String>, Trouble> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, rest) = text.rsplit_once(')').ok_or("/proc/PID/stat names no process")?;
    Ok(rest.split_whitespace().map(str::to_owned).collect())
}

/// Ticks a second in /proc (proc(5)): the same on every architecture that is in use.
const USER_HZ: f64 = 100.0;
/// Places after the name (proc(5), fields 14 and 15).
const UTIME: usize = 11;
const STIME: usize = 12;
