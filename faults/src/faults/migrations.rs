//! Several programs migrate one empty database at once, as replicas do that start together.

use std::process::Stdio;

use tessera_harness::{Context, Result};

use crate::ground::Ground;
use crate::report::Line;

const TOGETHER: usize = 5;

pub fn prove(ground: &Ground) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    ground.database.create("migrated_together")?;
    let url = ground.database.url("migrated_together");
    for what in ["an empty database", "a current one"] {
        let mut running = Vec::new();
        for _ in 0..TOGETHER {
            let mut migrate = ground.tessera();
            migrate.args(["migrate", "up"]).env("TESSERA_DATABASE_URL", &url);
            running.push(migrate.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("migrate up")?);
        }
        let (mut good, mut said) = (0, Vec::new());
        for one in running {
            let output = one.wait_with_output()?;
            good += usize::from(output.status.success());
            if !output.status.success() {
                said.push(String::from_utf8_lossy(&output.stderr).trim().to_owned());
            }
        }
        said.insert(0, format!("{good} of {TOGETHER}"));
        let promise = format!("of several that migrate {what} at once, all exit with 0");
        lines.push(Line::new(promise, said.join("; "), good == TOGETHER));
    }
    let status = ground.tessera().args(["migrate", "status"]).env("TESSERA_DATABASE_URL", &url).output();
    let status = status.context("migrate status")?.status;
    lines.push(Line::new("nothing is missing afterwards", status, status.success()));
    Ok(lines)
}
