//! Stopping the program just before it sends a statement.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use sea_orm::Statement;
use tessera::store::Store;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::World;

/// Stops whoever sends one of certain statements, until it is told to go on. A thread stands still meanwhile: one of
/// several that the test's runtime must have.
pub struct Stop {
    /// How many more of them are stopped.
    times: Arc<AtomicUsize>,
    reached: UnboundedReceiver<()>,
    go_on: mpsc::Sender<()>,
}

impl Stop {
    /// Stops at no statement yet of the world's program.
    pub fn of(world: &World, is_one: impl Fn(&Statement) -> bool + Send + Sync + 'static) -> Self {
        Self::on(&world.store, is_one)
    }

    /// The same for a program with this store.
    pub fn on(store: &Store, is_one: impl Fn(&Statement) -> bool + Send + Sync + 'static) -> Self {
        let (times, (reach, reached), (go_on, may_go_on)) =
            (Arc::<AtomicUsize>::default(), unbounded_channel(), mpsc::channel());
        let (left, may_go_on) = (Arc::clone(&times), Mutex::new(may_go_on));
        store.observe(move |statement| {
            let less = |times: usize| times.checked_sub(1);
            if is_one(statement) && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
                reach.send(()).expect("the test waits");
                let wait = || may_go_on.lock().expect("no panic").recv().expect("the test goes on");
                tokio::task::block_in_place(wait);
            }
        });
        Self { times, reached, go_on }
    }

    /// Stops at the next ones from now on, so many of them.
    pub fn at_next(&self, times: usize) {
        self.times.store(times, Ordering::SeqCst);
    }

    /// Waits until somebody is stopped.
    pub async fn reached(&mut self) {
        self.reached.recv().await.expect("it runs");
    }

    /// Lets one that is stopped go on.
    pub fn go_on(&self) {
        self.go_on.send(()).expect("somebody is stopped");
    }
}
