//! The demo's configuration: nothing to set, its secrets are made on first use and kept.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

use super::{
    AuthConfig, Config, DatabaseConfig, GatewayConfig, KeySource, LogFormat, PolicyConfig, RateConfig, SchedulerConfig,
    ServerConfig,
};

/// The secrets that a data directory's demo runs with.
#[derive(Clone, Debug)]
pub struct DemoSecrets {
    /// Signs the demo's tokens.
    pub hs256: SecretString,
    /// Authenticates its cursors.
    pub cursor: SecretString,
}

impl DemoSecrets {
    /// Where a data directory keeps them.
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("demo.env")
    }

    /// The directory's secrets; new ones when it has none.
    pub fn load_or_create(data_dir: &Path) -> io::Result<Self> {
        if let Some(secrets) = Self::load(data_dir)? {
            return Ok(secrets);
        }
        fs::create_dir_all(data_dir)?;
        let secrets = Self { hs256: random_secret()?, cursor: random_secret()? };
        let text = format!(
            "# Made by `tessera demo`. Delete the directory to start anew.\n\
             TESSERA_AUTH_HS256_SECRET={}\nTESSERA_CURSOR_SECRET={}\n",
            secrets.hs256.expose_secret(),
            secrets.cursor.expose_secret(),
        );
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(Self::path(data_dir))?.write_all(text.as_bytes())?;
        Ok(secrets)
    }

    /// The directory's secrets, if it has any.
    pub fn load(data_dir: &Path) -> io::Result<Option<Self>> {
        let path = Self::path(data_dir);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.filter(|value| value.len() >= super::MIN_SECRET_BYTES).map(SecretString::from).ok_or_else(|| {
                let message = format!("{} holds no usable {name}: delete the directory to start anew", path.display());
                io::Error::new(io::ErrorKind::InvalidData, message)
            })
        };
        Ok(Some(Self { hs256: value("TESSERA_AUTH_HS256_SECRET")?, cursor: value("TESSERA_CURSOR_SECRET")? }))
    }
}

fn random_secret() -> io::Result<SecretString> {
    let mut bytes = [0; 48];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system gave no random numbers"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes).into())
}

impl Config {
    /// The demo's configuration: SQLite in the data directory, GraphiQL on.
    pub fn demo(listen: SocketAddr, data_dir: &Path, secrets: &DemoSecrets) -> Self {
        Self {
            listen,
            // Nobody but its user has to notice that it stops.
            server: ServerConfig { shutdown_delay: Duration::ZERO, ..ServerConfig::default() },
            rates: RateConfig::default(),
            database: DatabaseConfig::of(format!("sqlite://{}?mode=rwc", data_dir.join("demo.db").display()).into()),
            auth: AuthConfig {
                issuer: "tessera-demo".to_owned(),
                audience: "tessera".to_owned(),
                leeway: Duration::from_secs(30),
                key: KeySource::Hs256(secrets.hs256.clone()),
            },
            cursor_secret: secrets.cursor.clone(),
            graphiql: true,
            introspection: true,
            metrics: true,
            gateways: GatewayConfig::default(),
            policy: PolicyConfig::default(),
            scheduler: SchedulerConfig { has_test_clock: true, ..SchedulerConfig::default() },
            log_format: LogFormat::Text,
            log_filter: "warn".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_made_once_and_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let data_dir = dir.path().join("data");
        assert!(DemoSecrets::load(&data_dir).expect("readable").is_none());
        let made = DemoSecrets::load_or_create(&data_dir).expect("made");
        let kept = DemoSecrets::load_or_create(&data_dir).expect("kept");
        assert_eq!(made.hs256.expose_secret(), kept.hs256.expose_secret());
        assert_eq!(made.cursor.expose_secret(), kept.cursor.expose_secret());
        assert_ne!(made.hs256.expose_secret(), made.cursor.expose_secret());
        assert!(!format!("{made:?}").contains(made.hs256.expose_secret()));
    }

    #[cfg(unix)]
    #[test]
    fn only_their_owner_can_read_them() {
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().expect("a directory");
        DemoSecrets::load_or_create(dir.path()).expect("made");
        let mode = fs::metadata(DemoSecrets::path(dir.path())).expect("exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_is_not_replaced() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(DemoSecrets::path(dir.path()), "TESSERA_AUTH_HS256_SECRET=short\n").expect("written");
        let error = DemoSecrets::load_or_create(dir.path()).expect_err("must be refused");
        assert!(error.to_string().contains("TESSERA_AUTH_HS256_SECRET"), "{error}");
        assert!(!error.to_string().contains("short"));
    }
}
