//! What the demo says when it is ready.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use tessera_gateway::Url;

use super::persona::{EXAMPLE, VALIDITY_DAYS};
use crate::http::Persona;

/// A query of one line, for a shell.
const ONE_LINE: &str =
    "{ customers(first: 3, orderBy: [{ field: NAME }]) { nodes { name subscription { status tier { name } } } } }";

/// The banner.
pub fn text(address: SocketAddr, gateway: &Url, data_dir: &Path, personas: &[Persona]) -> String {
    let url = format!("http://{}", reachable(address));
    let data_dir = data_dir.display();
    let mut text = format!(
        "\nTessera demo\n\n  \
         GraphiQL   {url}/graphiql   (pick a caller at the top)\n  \
         Endpoint   {url}/graphql\n  \
         Schema     {url}/schema.graphql\n  \
         Gateway    {gateway}   (simulated: no money moves)\n  \
         Data       {data_dir}; delete the directory to start anew\n"
    );
    if !address.ip().is_loopback() {
        text.push_str("\nEveryone who reaches this address can act as any of these callers.\n");
    }
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\nTokens, valid for {VALIDITY_DAYS} days\n");
    for persona in personas {
        let _ = writeln!(text, "  {}\n  {}\n", persona.name, persona.token.as_deref().unwrap_or("none"));
    }
    if let Some(Persona { name, token: Some(token), query }) = personas.get(EXAMPLE) {
        let query = query.lines().fold(String::new(), |lines, line| lines + "  " + line + "\n");
        let _ = write!(
            text,
            "A query to begin with, as {name}\n\n{query}\nWith curl, as {name}\n\n  \
             curl -s {url}/graphql -H 'content-type: application/json' -H 'authorization: Bearer {token}' \
             -d '{{\"query\": \"{ONE_LINE}\"}}'\n\n"
        );
    }
    let _ = write!(
        text,
        "More tokens\n\n  \
         {} token --role WORKER --organization globex --data-dir {data_dir}\n\n\
         Stop with Ctrl-C.\n",
        program()
    );
    text
}

/// An address that a browser on this machine can open: a server that listens everywhere is reached at home.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    SocketAddr::new(ip, address.port())
}

/// This program, as the shell that started it knows it.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "tessera".to_owned())
}

/// Shows the banner.
#[expect(clippy::print_stdout, reason = "the banner is the command's answer")]
pub fn show(text: &str) {
    println!("{text}");
}
