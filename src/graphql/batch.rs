//! Loading in batches, level by level.
//!
//! A page of fifty customers asks for fifty subscriptions. Each resolver asks for its own with [`Loaders::load`] and
//! waits; when everything in the request waits and no statement is under way, all that was asked for meanwhile is
//! loaded, one statement for each kind of key and of owner. So the number of statements depends on the shape of the
//! request: not on the number of rows, not on a timer, not on which statement happens to answer first.
//!
//! [`Loaders::drive`] is what notices that everything waits: it polls the whole request, and starts the batches when
//! the request stands still.

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Poll, Waker};

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, poll_fn};
use futures_util::stream::FuturesUnordered;

use crate::error::Result;
use crate::store::Scope;

/// Something that is loaded by key, many keys in one statement.
pub trait Key: Clone + Eq + Hash + Send + Sync + 'static {
    /// What a key stands for.
    type Value: Clone + Send + Sync + 'static;

    /// The values of these keys, each of which is given once. A key without a value is left out.
    fn load(scope: &Scope, keys: &[Self]) -> impl Future<Output = Result<HashMap<Self, Self::Value>>> + Send;
}

/// The loaders of one request. Never shared between requests: what one caller sees is not another's.
pub struct Loaders {
    scope: Scope,
    /// For each type of key, the batch that is being collected.
    collecting: Mutex<HashMap<TypeId, Box<dyn Collected>>>,
}

/// A batch of some type of key.
struct Batch<K: Key> {
    keys: Mutex<Vec<K>>,
    loaded: OnceLock<Result<HashMap<K, K::Value>>>,
    waiting: Mutex<Vec<Waker>>,
}

/// A batch whatever its type of key.
trait Collected: Send {
    fn start(self: Box<Self>, scope: Scope) -> BoxFuture<'static, ()>;
    fn as_any(&self) -> &dyn Any;
}

impl<K: Key> Collected for Arc<Batch<K>> {
    fn start(self: Box<Self>, scope: Scope) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let keys: HashSet<K> = std::mem::take(&mut *lock(&self.keys)).into_iter().collect();
            let keys: Vec<K> = keys.into_iter().collect();
            let loaded = K::load(&scope, &keys).await;
            // Set once, because a batch is started once.
            let _ = self.loaded.set(loaded);
            for waker in std::mem::take(&mut *lock(&self.waiting)) {
                waker.wake();
            }
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Loaders {
    /// The loaders of a request with this scope.
    pub fn new(scope: Scope) -> Self {
        Self { scope, collecting: Mutex::default() }
    }

    /// The value of the key, loaded together with all others of its type that are asked for at the same level.
    pub async fn load<K: Key>(&self, key: K) -> Result<Option<K::Value>> {
        let batch = self.collect(key.clone());
        poll_fn(|context| {
            if batch.loaded.get().is_some() {
                return Poll::Ready(());
            }
            lock(&batch.waiting).push(context.waker().clone());
            Poll::Pending
        })
        .await;
        match batch.loaded.get() {
            Some(Ok(values)) => Ok(values.get(&key).cloned()),
            Some(Err(error)) => Err(error.clone()),
            None => Ok(None),
        }
    }

    fn collect<K: Key>(&self, key: K) -> Arc<Batch<K>> {
        let mut collecting = lock(&self.collecting);
        let collected =
            collecting.entry(TypeId::of::<K>()).or_insert_with(|| Box::new(Arc::new(Batch::<K>::default())));
        let batch = collected.as_any().downcast_ref::<Arc<Batch<K>>>().map(Arc::clone).unwrap_or_default();
        lock(&batch.keys).push(key);
        batch
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
                let mut delivered = false;
                while let Poll::Ready(Some(())) = running.poll_next_unpin(context) {
                    delivered = true;
                }
                if delivered {
                    continue;
                }
                if !running.is_empty() || self.scope.is_asking() {
                    return Poll::Pending;
                }
                let collected = std::mem::take(&mut *lock(&self.collecting));
                if collected.is_empty() {
                    return Poll::Pending;
                }
                running.extend(collected.into_values().map(|batch| batch.start(self.scope.clone())));
            }
        })
        .await
    }
}

impl<K: Key> Default for Batch<K> {
    fn default() -> Self {
        Self { keys: Mutex::default(), loaded: OnceLock::new(), waiting: Mutex::default() }
    }
}
