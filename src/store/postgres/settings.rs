//! The settings that sqlx found in the address, the environment and the password file.

use std::time::Duration;

use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::connection::Opener;
use super::fault::Fault;
use super::tls::{self, Certificates};

/// Where and how to connect.
pub(super) fn settings(options: &PgConnectOptions) -> Result<Opener, Fault> {
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
    Ok(Opener { config, tls })
}
