//! With tasks that come and go.

use futures_util::FutureExt as _;

use super::*;

/// As many permits as there may be.
async fn all(admission: &Admission) -> Vec<Permit> {
    let mut permits = Vec::new();
    for _ in 0..admission.state().limit {
        permits.push(admission.enter(Tenant::Platform).await.expect("there is room"));
    }
    permits
}

#[tokio::test]
async fn who_waits_is_let_in_when_another_one_ends() {
    let admission = Admission::default();
    let mut permits = all(&admission).await;
    let mut waiting = Box::pin(admission.enter(Tenant::Platform));
    assert!(waiting.as_mut().now_or_never().is_none(), "it waits");
    permits.pop();
    assert!(waiting.await.is_some());
}

#[tokio::test]
async fn who_waits_too_long_is_sent_away() {
    let admission = Admission::default();
    let permits = all(&admission).await;
    assert!(admission.enter(Tenant::Platform).await.is_none());
    assert!(admission.enter(Tenant::Nobody).await.is_some(), "another tenant has its share");
    drop(permits);
    assert_eq!(admission.state().in_flight, 0);
}

#[tokio::test]
async fn who_leaves_while_it_waits_takes_no_place() {
    let admission = Admission::default();
    let mut permits = all(&admission).await;
    let limit = permits.len();
    let mut gone = Box::pin(admission.enter(Tenant::Platform));
    assert!(gone.as_mut().now_or_never().is_none());
    let mut let_in = Box::pin(admission.enter(Tenant::Platform));
    assert!(let_in.as_mut().now_or_never().is_none());
    permits.pop();
    drop(let_in);
    assert_eq!(admission.state().in_flight, limit, "the place of the one that left went to the next one");
    drop(gone);
    assert_eq!(admission.state().in_flight, limit - 1);
    drop(permits);
    assert_eq!(admission.state().in_flight, 0);
}
