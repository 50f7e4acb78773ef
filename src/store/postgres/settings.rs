//! The settings that sqlx found in the address, the environment and the password file.

use std::time::Duration;

use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::connection::Opener;
use super::fault::Fault;
use super::tls::{self, Certificates};
use crate::config::DatabaseConfig;

/// Where and how to connect, and what holds of each session besides.
pub(super) fn settings(options: &PgConnectOptions, database: &DatabaseConfig) -> Result<Opener, Fault> {
    let ms = |duration: Duration| duration.as_millis().to_string();
    let options = options.clone().options([
        ("statement_timeout", ms(database.statement_timeout)),
        ("lock_timeout", ms(database.lock_timeout)),
        // What a process that stands still has locked is free again after that.
        ("idle_in_transaction_session_timeout", ms(database.idle_transaction_timeout)),
        // Statements are prepared and find their rows by index: planning one anew for its values would cost more than
        // running it.
        ("plan_cache_mode", database.plan_cache_mode.as_str().to_owned()),
    ]);
    // The password and the certificates can be had from nowhere else.
    let url = options.to_url_lossy();
    let parameter = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let mode = options.get_ssl_mode();
    let mut config = Config::new();
    match options.get_socket() {
        Some(socket) => config.host_path(socket),
        None => config.host(options.get_host()),
    };
    config.port(options.get_port()).user(options.get_username()).ssl_mode(match mode {
        PgSslMode::Disable | PgSslMode::Allow => SslMode::Disable,
        PgSslMode::Prefer => SslMode::Prefer,
        PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull => SslMode::Require,
    });
    // Without these a connection to a machine that is gone is found out after hours.
    config.keepalives_idle(Duration::from_secs(30)).keepalives_interval(Duration::from_secs(10));
    config.tcp_user_timeout(Duration::from_secs(15));
    options.get_database().map(|name| config.dbname(name));
    options.get_application_name().map(|name| config.application_name(name));
    options.get_options().map(|options| config.options(options));
    if let Some(password) = url.password() {
        config.password(percent_encoding::percent_decode_str(password).collect::<Vec<u8>>());
    }
    let own = parameter("sslcert").zip(parameter("sslkey"));
    let tls = tls::connector(mode, &Certificates { root: parameter("sslrootcert"), own })?;
    Ok(Opener::new(config, tls))
}
