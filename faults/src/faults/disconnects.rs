//! Clients that send a request and leave without its answer.

use std::time::Duration;

use tessera_harness::Result;

use crate::client::Client;
use crate::ground::{Ground, ask, figure, runtime};
use crate::report::Line;

const CLIENTS: usize = 2000;
/// How many of them are there at once.
const TOGETHER: usize = 50;

pub fn prove(ground: &Ground) -> Result<Vec<Line>> {
    ground.slow_down()?;
    let server = ground.serve(&[])?;
    runtime()?.block_on(async {
        for round in 0..CLIENTS / TOGETHER {
            let mut clients = Vec::new();
            for number in 0..TOGETHER {
                let mut client = Client::connect(server.address).await?;
                client.send(&Ground::create(&ground.acme, &format!("left {round} {number}"))).await?;
                clients.push(client);
            }
            // Some are read, some wait, some are being written.
            tokio::time::sleep(Duration::from_millis(1 + round as u64)).await;
        }
        std::io::Result::Ok(())
    })?;
    std::thread::sleep(Duration::from_secs(1));
    let in_flight = figure(&server, "tessera_requests_in_flight")?;
    let used = figure(&server, "tessera_database_connections_in_use")?;
    let next = ask(&server, &Ground::create(&ground.acme, "the next one"))?;
    let (customers, subscriptions) =
        (ground.count("customers")?, ground.count("subscriptions WHERE customer_id IS NOT NULL")?);
    Ok(vec![
        Line::new(
            "a second after clients left, nothing is done for them",
            format_args!("{in_flight} requests in flight, {used} connections in use after {CLIENTS} clients"),
            in_flight == 0.0 && used == 0.0,
        ),
        Line::new("the next request is carried out", format_args!("status {}", next.status), next.is_good()),
        Line::new(
            "every customer has its subscription",
            format_args!("{customers} customers, {subscriptions} subscriptions"),
            customers == subscriptions,
        ),
        ground.invariants_hold()?,
    ])
}
