//! Reads single values. An error says what would be right.

use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use sea_orm::Iterable as _;
use secrecy::SecretString;

use super::{LogFormat, MIN_SECRET_BYTES, PlanCacheMode, SignatureAlgorithm};
use crate::entity::SubscriptionManagement;

/// A value, or what is wrong with it.
pub(super) type Parsed<T> = Result<T, String>;

/// Reads a duration: a whole number and a unit, `500ms`, `30s`, `5m`, `1h` or `7d`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration: write a whole number and a unit, like 500ms, 30s, 5m, 1h or 7d");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(milliseconds).map(Duration::from_millis).ok_or_else(wrong)
}

pub(super) fn duration_within(range: RangeInclusive<Duration>) -> impl FnOnce(&str) -> Parsed<Duration> {
    move |text| {
        let value = duration(text)?;
        if range.contains(&value) {
            Ok(value)
        } else {
            Err(format!("`{text}` is out of range: {:?} to {:?}", range.start(), range.end()))
        }
    }
}

pub(super) fn number_within<T>(range: RangeInclusive<T>) -> impl FnOnce(&str) -> Parsed<T>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    move |text| {
        let value = text.parse().ok().filter(|value| range.contains(value));
        value.ok_or_else(|| format!("`{text}` is not a whole number from {} to {}", range.start(), range.end()))
    }
}

pub(super) fn switch(text: &str) -> Parsed<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Ok(true),
        "false" | "off" | "no" | "0" => Ok(false),
        _ => Err(format!("`{text}` is neither true nor false")),
    }
}

pub(super) fn management(text: &str) -> Parsed<SubscriptionManagement> {
    let known = SubscriptionManagement::iter().find(|known| known.as_str() == text);
    known.ok_or_else(|| format!("`{text}` is neither PLATFORM_MANAGED nor SELF_MANAGED"))
}

pub(super) fn plan_cache_mode(text: &str) -> Parsed<PlanCacheMode> {
    let known = PlanCacheMode::ALL.iter().copied().find(|known| known.as_str() == text);
    known.ok_or_else(|| format!("`{text}` is not one of auto, force_generic_plan and force_custom_plan"))
}

pub(super) fn log_format(text: &str) -> Parsed<LogFormat> {
    match text {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err(format!("`{text}` is neither json nor text")),
    }
}

pub(super) fn log_filter(text: &str) -> Parsed<String> {
    text.parse::<tracing_subscriber::filter::Targets>()
        .map(|_| text.to_owned())
        .map_err(|_| format!("`{text}` is no filter: write a level, like info, or directives, like info,tessera=debug"))
}

/// Does not repeat the value: a URL can hold a password.
pub(super) fn database_url(text: &str) -> Parsed<SecretString> {
    if let Some(file) = text.strip_prefix("sqlite:") {
        let (file, parameters) = file.split_once('?').unwrap_or((file, ""));
        return match file.trim_start_matches('/') {
            "" | ":memory:" => Err("must name a file: connections share no memory".to_owned()),
            _ if !["", "mode=rwc"].contains(&parameters) => {
                Err("must have no parameters: the file is always written, and made if it is missing".to_owned())
            }
            _ => Ok(text.into()),
        };
    }
    let known = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    if known { Ok(text.into()) } else { Err("must begin with sqlite: or postgres://".to_owned()) }
}

/// Does not repeat the value.
pub(super) fn secret(text: &str) -> Parsed<SecretString> {
    if text.len() >= MIN_SECRET_BYTES {
        Ok(text.into())
    } else {
        let length = text.len();
        Err(format!("has {length} bytes and needs {MIN_SECRET_BYTES}: use the output of `openssl rand -base64 48`"))
    }
}

pub(super) fn algorithms(text: &str) -> Parsed<Vec<SignatureAlgorithm>> {
    text.split(',')
        .map(|name| {
            let name = name.trim();
            let known = SignatureAlgorithm::ALL.iter().copied().find(|algorithm| algorithm.as_str() == name);
            known.ok_or_else(|| format!("`{name}` is not one of RS256, ES256 and EdDSA"))
        })
        .collect()
}

pub(super) fn jwks_url(text: &str) -> Parsed<String> {
    let wrong = || format!("`{text}` is no https:// URL (http:// is for the own machine only)");
    let url = reqwest::Url::parse(text).map_err(|_| wrong())?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() {
        "https" => Ok(text.to_owned()),
        "http" if local => Ok(text.to_owned()),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_a_file_that_is_written_or_a_server() {
        for good in
            ["sqlite:a.db", "sqlite:///var/a.db", "sqlite://a.db?mode=rwc", "postgres://host/a", "postgresql://a"]
        {
            assert!(database_url(good).is_ok(), "{good}");
        }
        for bad in ["sqlite:", "sqlite::memory:", "sqlite://:memory:", "sqlite:a.db?mode=ro", "mysql://a", "a.db"] {
            assert!(database_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1h"), Ok(Duration::from_secs(3600)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(604_800)));
        for wrong in ["", "h", "1", "-1s", "1.5h", "1 h", "1w", "99999999999999999999s", "999999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn keys_are_fetched_over_https_only() {
        for right in ["https://id.example/keys", "http://localhost:9000/jwks", "http://[::1]:1/jwks"] {
            assert!(jwks_url(right).is_ok(), "{right}");
        }
        for wrong in ["", "keys", "http://id.example/keys", "file:///etc/passwd", "http://localhost.example/"] {
            assert!(jwks_url(wrong).is_err(), "{wrong}");
        }
    }
}
