//! How connections are treated, and how much callers may ask for.

use std::time::Duration;

use super::Settings;
use crate::config::check::Check;
use crate::config::values::{Parsed, duration_within, number_within};
use crate::config::{LEAST_RATE, RateConfig, ServerConfig};

impl Settings {
    pub(super) fn check_server(&self, check: &mut Check) -> ServerConfig {
        let default = ServerConfig::default();
        let max_connections = check.optional(
            "TESSERA_MAX_CONNECTIONS",
            self.max_connections.as_deref(),
            default.max_connections,
            number_within(1..=100_000),
        );
        let (ms, s) = (Duration::from_millis, Duration::from_secs);
        let mut duration = |variable, value: &Option<String>, default, range| {
            check.optional(variable, value.as_deref(), default, duration_within(range))
        };
        ServerConfig {
            max_connections,
            header_timeout: duration(
                "TESSERA_HEADER_TIMEOUT",
                &self.header_timeout,
                default.header_timeout,
                ms(100)..=s(60),
            ),
            body_timeout: duration("TESSERA_BODY_TIMEOUT", &self.body_timeout, default.body_timeout, ms(100)..=s(10)),
            write_timeout: duration(
                "TESSERA_WRITE_TIMEOUT",
                &self.write_timeout,
                default.write_timeout,
                ms(100)..=s(3600),
            ),
            idle_timeout: duration("TESSERA_IDLE_TIMEOUT", &self.idle_timeout, default.idle_timeout, ms(100)..=s(3600)),
            shutdown_delay: duration(
                "TESSERA_SHUTDOWN_DELAY",
                &self.shutdown_delay,
                default.shutdown_delay,
                ms(0)..=s(300),
            ),
        }
    }

    pub(super) fn check_rates(&self, check: &mut Check) -> RateConfig {
        let default = RateConfig::default();
        let mut rate =
            |variable, value: &Option<String>, default| check.optional(variable, value.as_deref(), default, rate);
        RateConfig {
            tenant: rate("TESSERA_TENANT_RATE", &self.tenant_rate, default.tenant),
            user: rate("TESSERA_USER_RATE", &self.user_rate, default.user),
            address: rate("TESSERA_ADDRESS_RATE", &self.address_rate, default.address),
        }
    }
}

fn rate(text: &str) -> Parsed<u32> {
    if text == "0" { Ok(0) } else { number_within(LEAST_RATE..=100_000_000)(text) }
}
