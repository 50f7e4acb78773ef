//! `tessera demo`: a server with example data and nothing to configure.

mod banner;
mod gateway;
mod persona;
mod seed;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;
use tokio::net::TcpListener;

pub use seed::{Size, seed, seed_of};

use self::seed::Progress;
use crate::app::{App, StartError};
use crate::auth::{IssueError, TokenIssuer};
use crate::clock::Clock;
use crate::config::{Config, DemoSecrets};
use crate::error::Error as Fault;
use crate::http;
use crate::store::Store;

/// Where the demo listens and keeps its data.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Directory of the database and the secrets.
    pub data_dir: PathBuf,
}

/// Why there is no demo.
#[derive(Debug, Error)]
pub enum DemoError {
    /// Another program listens there.
    #[error("{0} is in use: stop what listens there, or choose another address with --listen, such as {1}")]
    AddressInUse(SocketAddr, SocketAddr),
    /// The address is not one of this machine, or not for everyone.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The directory or the secrets in it.
    #[error("the data directory {0} cannot be used: {1}")]
    DataDirectory(PathBuf, io::Error),
    /// The database in the directory.
    #[error("the database in {0} cannot be used: {1}")]
    Database(PathBuf, sea_orm::DbErr),
    /// The first start was interrupted.
    #[error("the example data in {0} is not whole: delete the directory to start anew")]
    Incomplete(PathBuf),
    /// The data was not made.
    #[error("the example data cannot be made: {0}")]
    Seed(String),
    /// The parts did not meet.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A caller's token.
    #[error("the tokens cannot be made: {0}")]
    Token(#[from] IssueError),
    /// The server stopped by itself.
    #[error("the server failed: {0}")]
    Serve(io::Error),
}

impl From<Fault> for DemoError {
    fn from(fault: Fault) -> Self {
        Self::Seed(fault.told_inside())
    }
}

/// Serves the demo until the process is told to stop. The first start in a directory makes its data.
pub async fn run(options: DemoOptions) -> Result<(), DemoError> {
    let DemoOptions { listen, data_dir } = options;
    let listener = bind(listen).await?;
    let address = listener.local_addr().map_err(|error| DemoError::Listen(listen, error))?;
    let unusable = |error| DemoError::DataDirectory(data_dir.clone(), error);
    let secrets = DemoSecrets::load_or_create(&data_dir).map_err(unusable)?;
    let config = Config::demo(address, &data_dir, &secrets);

    let unusable = |error| DemoError::Database(data_dir.clone(), error);
    let store = Store::open(&config.database, Clock::system()).await.map_err(unusable)?;
    store.migrate_up().await.map_err(unusable)?;
    match seed::progress(&store).await? {
        Progress::None => seed(&store, store.now()).await?,
        Progress::Part => return Err(DemoError::Incomplete(data_dir)),
        Progress::Whole => {}
    }

    let issuer = TokenIssuer::new(&config.auth, Clock::system());
    let issuer = issuer.ok_or(IssueError::Grant("the demo has a secret to sign with"))?;
    let personas = persona::all(&store, &issuer).await?;
    let simulator = gateway::start(address, &store).await?;
    let text = banner::text(address, simulator.base(), &data_dir, &personas);
    let config = Config { gateways: gateway::config(&simulator, &secrets.cursor)?, ..config };
    let app = App::with_store(&config, store.clone())?;
    app.keep_learning();
    let scheduler = app.scheduler().clone().start();
    let applier = app.applier().clone().start();
    let root = personas.first().and_then(|root| root.token.clone());
    let accounts = tokio::spawn(gateway::set_up(app.clone(), root, banner::reachable(address)));
    let router = http::router(app, http::Options { personas: Some(personas), ..http::Options::new(&config) });
    banner::show(&text);
    let served = http::serve(listener, router, config.server, http::shutdown_signal()).await;
    scheduler.abort();
    applier.abort();
    accounts.abort();
    store.close().await;
    served.map_err(DemoError::Serve)
}

async fn bind(listen: SocketAddr) -> Result<TcpListener, DemoError> {
    TcpListener::bind(listen).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            let other = SocketAddr::new(listen.ip(), listen.port().checked_add(1).unwrap_or(8080));
            DemoError::AddressInUse(listen, other)
        }
        _ => DemoError::Listen(listen, error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Allowed, Answer};
    use crate::store::RequestMeta;

    #[tokio::test]
    async fn a_taken_address_is_told_by_name() {
        let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = taken.local_addr().expect("an address");
        let error = bind(address).await.expect_err("must be refused");
        assert!(error.to_string().starts_with(&format!("{address} is in use")), "{error}");
    }

    #[tokio::test]
    async fn every_caller_s_query_is_answered() {
        let dir = tempfile::tempdir().expect("a directory");
        let secrets = DemoSecrets::load_or_create(dir.path()).expect("secrets");
        let config = Config::demo(([127, 0, 0, 1], 8080).into(), dir.path(), &secrets);
        let store = Store::open(&config.database, Clock::system()).await.expect("opened");
        store.migrate_up().await.expect("migrated");
        seed(&store, store.now()).await.expect("seeded");
        let issuer = TokenIssuer::new(&config.auth, Clock::system()).expect("a secret");
        let personas = persona::all(&store, &issuer).await.expect("tokens");
        let banner = banner::text(config.listen, &tessera_gateway::Stripe::server(), dir.path(), &personas);
        let app = App::with_store(&config, store).expect("an app");
        for persona in personas {
            let token = persona.token.expect("a token");
            assert!(banner.contains(&token), "{} is not in the banner", persona.name);
            let caller = app.verifier().verify(&token).await.expect("a good token");
            let request = async_graphql::Request::new(persona.query);
            let allowed = Allowed::EverythingByResolvers;
            let answer = app.execute(request, allowed, Some(caller), RequestMeta::default()).await;
            let Answer::Resolved { json: body, .. } = answer else { panic!("{}: {answer:?}", persona.name) };
            let text = String::from_utf8(body).expect("text");
            assert!(!text.contains("\"errors\""), "{}: {text}", persona.name);
            assert!(text.contains("\"nodes\":[{"), "{} sees nothing: {text}", persona.name);
        }
    }
}
