//! `tessera demo`: a server with example data.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tessera::config::LogFormat;
use tessera::demo::{self, DemoOptions};
use tessera::telemetry;

use super::Failure;

#[derive(Args)]
pub struct Demo {
    /// Address to listen on
    #[arg(long, env = "TESSERA_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the demo keeps its database and its secrets
    #[arg(long, env = "TESSERA_DATA_DIR", value_name = "DIR", default_value = "./data")]
    data_dir: PathBuf,
}

impl Demo {
    pub async fn run(self) -> Result<(), Failure> {
        // Quiet, so that the banner stays in sight.
        let _logs = telemetry::init(LogFormat::Text, "warn");
        demo::run(DemoOptions { listen: self.listen, data_dir: self.data_dir }).await.map_err(Failure::new)
    }
}
