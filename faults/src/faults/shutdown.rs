//! SIGTERM while clients are in the middle of sending.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tessera_harness::{Context, Failure, Result};
use tokio::task::LocalSet;

use crate::client::Client;
use crate::ground::{Ground, runtime};
use crate::report::Line;

const STOPS: usize = 25;
const CLIENTS: usize = 16;
const LIMIT: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Counts {
    sent_before: Cell<usize>,
    unanswered: Cell<usize>,
    acknowledged: Cell<usize>,
}

fn count(cell: &Cell<usize>) {
    cell.set(cell.get() + 1);
}

pub fn prove(ground: &Ground) -> Result<Vec<Line>> {
    let counts = Rc::new(Counts::default());
    let mut in_order = 0;
    for stop in 0..STOPS {
        let mut server = ground.serve(&[])?;
        let stopping = Rc::new(Cell::new(false));
        LocalSet::new().block_on(&runtime()?, async {
            let mut clients = Vec::new();
            for number in 0..CLIENTS {
                let (counts, stopping, token) = (Rc::clone(&counts), Rc::clone(&stopping), ground.acme.clone());
                let address = server.address;
                clients.push(tokio::task::spawn_local(async move {
                    let mut client = Client::connect(address).await?;
                    for turn in 0.. {
                        let request = Ground::create(&token, &format!("stop {stop} client {number} turn {turn}"));
                        let sent = client.send(&request).await;
                        let before = !stopping.get();
                        let answer = match sent {
                            Ok(()) => client.receive().await,
                            Err(error) => Err(error),
                        };
                        if before {
                            count(&counts.sent_before);
                        }
                        match answer {
                            Ok(answer) if answer.is_good() => count(&counts.acknowledged),
                            Ok(_) => {}
                            Err(_) if before => count(&counts.unanswered),
                            Err(_) => {}
                        }
                        if stopping.get() {
                            break;
                        }
                    }
                    std::io::Result::Ok(())
                }));
            }
            tokio::time::sleep(Duration::from_millis(200 + 3 * stop as u64)).await;
            stopping.set(true);
            server.signal("TERM")?;
            for client in clients {
                client.await.context("a client's task")??;
            }
            Ok::<(), Failure>(())
        })?;
        in_order += usize::from(server.wait(LIMIT)?.is_some_and(|status| status.success()));
    }
    let (sent, unanswered, acknowledged) =
        (counts.sent_before.get(), counts.unanswered.get(), counts.acknowledged.get());
    let there = ground.count("customers")?;
    Ok(vec![
        Line::new(
            "nothing that was sent before SIGTERM is closed unanswered",
            format_args!("{unanswered} of {sent} in {STOPS} stops"),
            unanswered == 0,
        ),
        Line::new("each server ends in good order", format_args!("{in_order} of {STOPS}"), in_order == STOPS),
        Line::new(
            "what was acknowledged is there",
            format_args!("{there} customers, {acknowledged} acknowledged"),
            there >= acknowledged,
        ),
    ])
}
