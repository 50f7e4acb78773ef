//! What processes use, read from `/proc`.

use std::fs;

/// Ticks of the kernel's accounting in a second: a constant of Linux' interface.
const TICKS_PER_SECOND: f64 = 100.0;

struct Stat {
    pid: u32,
    parent: u32,
    ticks: u64,
    ticks_of_ended_children: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may hold anything.
    let fields: Vec<&str> = text.get(text.rfind(')')? + 2..)?.split(' ').collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        pid,
        parent: u32::try_from(number(1)?).ok()?,
        ticks: number(11)? + number(12)?,
        ticks_of_ended_children: number(13)? + number(14)?,
    })
}

fn everyone() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| stat(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// CPU seconds that the process and all its children have used, ended ones included.
pub fn cpu_of_tree(root: u32) -> f64 {
    let everyone = everyone();
    let mut members = vec![root];
    let mut ticks = 0;
    while let Some(pid) = members.pop() {
        ticks += everyone
            .iter()
            .filter(|one| one.pid == pid)
            .map(|one| one.ticks + one.ticks_of_ended_children)
            .sum::<u64>();
        members.extend(everyone.iter().filter(|one| one.parent == pid).map(|one| one.pid));
    }
    ticks as f64 / TICKS_PER_SECOND
}

/// CPU seconds that all processes of the machine have used, interrupts included.
pub fn cpu_of_machine() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = text.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let ticks: Vec<u64> = fields.filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; then guests', which are in user already.
    let busy = ticks.iter().take(8).enumerate().filter(|(index, _)| !matches!(index, 3 | 4)).map(|(_, ticks)| ticks);
    busy.sum::<u64>() as f64 / TICKS_PER_SECOND
}

/// CPU seconds of this process alone.
pub fn cpu_of_self() -> f64 {
    stat(std::process::id()).map_or(0.0, |own| own.ticks as f64 / TICKS_PER_SECOND)
}

/// Resident memory of the process and its children, in MB.
pub fn resident_of_tree(root: u32) -> f64 {
    let everyone = everyone();
    let mut members = vec![root];
    let mut kilobytes = 0;
    while let Some(pid) = members.pop() {
        kilobytes += resident(pid).unwrap_or(0);
        members.extend(everyone.iter().filter(|one| one.parent == pid).map(|one| one.pid));
    }
    kilobytes as f64 / 1024.0
}

fn resident(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
