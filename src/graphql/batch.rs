//! Loading in batches, level by level.
//!
//! A page of fifty customers asks for fifty subscriptions. Each resolver asks async-graphql's [`DataLoader`] for its own
//! and waits; when everything in the request waits and no statement is under way, all that was asked for meanwhile is
//! loaded, one statement for each kind of key and of owner. So the number of statements depends on the shape of the
//! request: not on the number of rows, not on a clock, not on which statement happens to answer first.
//!
//! The loader takes any timer. The one of [`Batches`] fires when the request stands still.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_graphql::dataloader::DataLoader;
use async_graphql::runtime::Timer;
use futures_util::future::{BoxFuture, FutureObj, poll_fn};
use futures_util::stream::FuturesUnordered;
use futures_util::task::{Spawn, SpawnError};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::oneshot;

use crate::store::Scope;

/// Runs the batches of one request.
pub struct Batches {
    scope: Scope,
    tasks: Tasks,
    timers: Timers,
}

/// Batches that nobody runs yet.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<Vec<FutureObj<'static, ()>>>>);

/// Batches that wait for more keys.
#[derive(Clone, Default)]
struct Timers(Arc<Mutex<Vec<oneshot::Sender<()>>>>);

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Spawn for Tasks {
    fn spawn_obj(&self, task: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        lock(&self.0).push(task);
        Ok(())
    }
}

impl Timer for Timers {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        let (fire, fired) = oneshot::channel();
        lock(&self.0).push(fire);
        async { drop(fired.await) }.boxed()
    }
}

impl Batches {
    /// The batches of a request with this scope, and the loader that puts keys into them. It is never shared between
    /// requests: what one caller sees is not another's.
    pub fn new(scope: Scope) -> (Self, DataLoader<Scope>) {
        let (tasks, timers) = (Tasks::default(), Timers::default());
        let loader = DataLoader::new(scope.clone(), tasks.clone(), timers.clone()).max_batch_size(usize::MAX);
        (Self { scope, tasks, timers }, loader)
    }

    /// Runs the request to its end, and the batches whenever it waits for nothing else.
    pub async fn drive<F: Future>(&self, request: F) -> F::Output {
        let mut request = pin!(request);
        let mut running = FuturesUnordered::new();
        poll_fn(move |context| {
            loop {
                if let Poll::Ready(output) = request.as_mut().poll(context) {
                    return Poll::Ready(output);
                }
                running.extend(lock(&self.tasks.0).drain(..));
                let mut delivered = false;
                while let Poll::Ready(Some(())) = running.poll_next_unpin(context) {
                    delivered = true;
                }
                if delivered {
                    continue;
                }
                if self.scope.is_asking() {
                    return Poll::Pending;
                }
                let due = std::mem::take(&mut *lock(&self.timers.0));
                if due.is_empty() {
                    return Poll::Pending;
                }
                for timer in due {
                    // Nobody waits for it if the field that asked was given up.
                    let _ = timer.send(());
                }
            }
        })
        .await
    }
}
