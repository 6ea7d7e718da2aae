//! The daemon under a number of connections, each of which asks again as soon as it is answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tests::meter::Reading;
use tokio::task::JoinSet;

use crate::subject::Subject;
use crate::trouble::Trouble;
use crate::wire::Wire;

/// What the daemon did in a window.
#[derive(Clone, Serialize)]
pub(crate) struct Cell {
    pub(crate) connections: usize,
    pub(crate) requests: u32,
    /// Answers a second.
    pub(crate) rate: f64,
    /// Latency in microseconds.
    pub(crate) p50: u32,
    /// Latency in microseconds.
    pub(crate) p99: u32,
    /// CPU time of daemon and worker a request, in microseconds.
    pub(crate) cpu: f64,
    /// The part of it that is the worker's.
    pub(crate) worker_cpu: f64,
    /// The part of that which is spent in the token, where it is measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Inside>,
}

/// What a request takes in the token.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Inside {
    /// CPU time in microseconds.
    pub(crate) cpu: f64,
    /// Calls of PKCS#11.
    pub(crate) calls: f64,
}

/// Measures `request` with so many connections for `window`. The client has one thread of its own, whose CPU
/// time is in no figure.
pub(crate) fn measure(
    subject: &Subject,
    request: &Arc<[u8]>,
    connections: usize,
    window: Duration,
) -> Result<Cell, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut wires = Vec::new();
        for _ in 0..connections {
            wires.push(Wire::connect(&subject.place).await?);
        }
        let (wires, _) = drive(wires, request, WARM_UP).await?;
        let (start, before) = (Instant::now(), subject.cpu_time()?);
        let (_, mut latencies) = drive(wires, request, window).await?;
        let (wall, used) = (start.elapsed(), subject.cpu_time()?.since(before));
        latencies.sort_unstable();
        let requests = u32::try_from(latencies.len())?;
        let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(requests);
        let inside = |token: Reading| -> Result<Inside, Trouble> {
            let calls = f64::from(u32::try_from(token.calls)?) / f64::from(requests);
            Ok(Inside { cpu: each(token.time), calls })
        };
        Ok(Cell {
            connections,
            requests,
            rate: f64::from(requests) / wall.as_secs_f64(),
            p50: rank(&latencies, 50)?,
            p99: rank(&latencies, 99)?,
            cpu: each(used.daemon + used.worker),
            worker_cpu: each(used.worker),
            token: used.token.map(inside).transpose()?,
        })
    })
}

/// Latencies of all answers within `window`, in microseconds.
async fn drive(
    wires: Vec<Wire>,
    request: &Arc<[u8]>,
    window: Duration,
) -> Result<(Vec<Wire>, Vec<u32>), Trouble> {
    let end = Instant::now() + window;
    let mut tasks = JoinSet::new();
    for wire in wires {
        tasks.spawn(repeat(wire, Arc::clone(request), end));
    }
    let (mut wires, mut latencies) = (Vec::new(), Vec::new());
    while let Some(ended) = tasks.join_next().await {
        let (wire, more) = ended??;
        wires.push(wire);
        latencies.extend(more);
    }
    Ok((wires, latencies))
}

async fn repeat(
    mut wire: Wire,
    request: Arc<[u8]>,
    end: Instant,
) -> Result<(Wire, Vec<u32>), Trouble> {
    let mut latencies = Vec::new();
    let mut start = Instant::now();
    while start < end {
        wire.ask(&request).await?;
        let now = Instant::now();
        latencies.push(u32::try_from((now - start).as_micros())?);
        start = now;
    }
    Ok((wire, latencies))
}

/// The value below which `percent` of the sorted values lie.
fn rank(sorted: &[u32], percent: usize) -> Result<u32, Trouble> {
    let at = sorted.len() * percent / 100;
    Ok(*sorted.get(at.min(sorted.len().saturating_sub(1))).ok_or("nothing was answered")?)
}

/// Caches, connections and the batches of the log settle in this time.
const WARM_UP: Duration = Duration::from_millis(300);
