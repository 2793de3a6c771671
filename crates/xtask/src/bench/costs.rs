//! What a process has used, as the kernel counts it (proc(5)).

use std::time::Duration;

use anyhow::Context as _;

/// Resident memory in bytes.
pub(super) fn memory(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: u64 = kib.context("no VmRSS in /proc")?.trim().parse()?;
    Ok(kib * 1024)
}

/// Processor time since its start, user's and system's.
pub(super) fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything; `utime` and `stime` are fields 14 and 15, the state behind it is 3.
    let (_, rest) = stat.rsplit_once(") ").context("no name in /proc")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let field = |number: usize| fields.get(number - 3).context("too few fields in /proc");
    let ticks = field(14)?.parse::<u64>()? + field(15)?.parse::<u64>()?;
    let nanos_per_tick = 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1);
    Ok(Duration::from_nanos(ticks * nanos_per_tick))
}

/// How often somebody whose name begins with `@prefix` asked something of Synapse, by its log.
pub(super) fn requests(log: &str, prefix: &str) -> usize {
    let who = format!("{{@{prefix}");
    log.lines()
        .filter(|line| line.contains("Processed request") && line.contains(&who))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_use_memory_and_time() {
        let pid = std::process::id();
        assert!(memory(pid).unwrap() > 100_000);
        let before = cpu(pid).unwrap();
        let mut sum = 0_u64;
        while cpu(pid).unwrap() < before + Duration::from_millis(20) {
            sum = sum.wrapping_mul(31).wrapping_add(1);
        }
        assert_ne!(sum, 1);
    }

    #[test]
    fn requests_of_bot_and_ghosts_are_told_from_others() {
        let line = |who: &str| {
            format!(
                "INFO synapse.access.http.1 PUT-7 127.0.0.1 - 1 - {{{who}}} Processed request: 0.01sec/"
            )
        };
        let log = [
            line("@gitter00:x"),
            line("@gitter00_5a:x"),
            line("@anna:x"),
            "other".into(),
        ]
        .join("\n");
        assert_eq!(requests(&log, "gitter00"), 2);
    }
}
