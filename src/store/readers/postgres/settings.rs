//! The settings of sqlx's pool, for the readers' driver.

use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Fault;
use crate::store::readers::tls::{self, Certificates};

/// Where and how to connect.
pub(super) fn settings(options: &PgConnectOptions) -> Result<(Config, MakeRustlsConnect), Fault> {
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
    options.get_database().map(|name| config.dbname(name));
    options.get_application_name().map(|name| config.application_name(name));
    options.get_options().map(|options| config.options(options));
    if let Some(password) = url.password() {
        config.password(percent_encoding::percent_decode_str(password).collect::<Vec<u8>>());
    }
    let own = parameter("sslcert").zip(parameter("sslkey"));
    Ok((config, tls::connector(mode, &Certificates { root: parameter("sslrootcert"), own })?))
}
