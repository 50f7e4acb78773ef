//! An orderly end when the run is interrupted.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use tessera_harness::{postgres, run};
use tokio::signal::unix::{SignalKind, signal};

/// The servers that run now.
static SERVERS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// A server that ends with this program.
pub fn started(pid: u32) {
    SERVERS.lock().unwrap_or_else(PoisonError::into_inner).push(pid);
}

/// A server that has ended.
pub fn ended(pid: u32) {
    SERVERS.lock().unwrap_or_else(PoisonError::into_inner).retain(|one| *one != pid);
}

/// Stops the servers and the cluster in this directory when a signal asks this program to end. The cluster lives in a
/// session of its own, which no signal of a terminal reaches.
pub fn watch(cluster: PathBuf) {
    thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
            let (Ok(mut interrupt), Ok(mut terminate)) = signals else { return };
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            let servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner).clone();
            // Whatever fails here is past mending: the next run stops a cluster that was left behind.
            let _ = run(Command::new("kill").args(servers.iter().map(u32::to_string)));
            let _ = run(&mut postgres("stop", &cluster));
            #[expect(clippy::disallowed_methods, reason = "the main thread is in the middle of a turn")]
            std::process::exit(130);
        });
    });
}
