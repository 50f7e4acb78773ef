//! Collects what is wrong, so that it can be told in one go.

use std::fmt;

use super::values::Parsed;

/// A setting that is missing or not usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable to mend.
    pub variable: &'static str,
    /// What is wrong and what would be right. Never holds the value of a secret.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.message)
    }
}

/// All problems of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError(pub Vec<Problem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is not usable:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// Reads settings one after the other and remembers what was wrong.
#[derive(Default)]
pub(super) struct Check(Vec<Problem>);

impl Check {
    /// Adds a problem.
    pub(super) fn problem(&mut self, variable: &'static str, message: impl Into<String>) {
        self.0.push(Problem { variable, message: message.into() });
    }

    /// The setting's value, or the default when it is not given.
    pub(super) fn optional<T>(
        &mut self,
        variable: &'static str,
        value: Option<&str>,
        default: T,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> T {
        // A variable that is set to nothing is as good as unset: `.env` files are full of them.
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return default;
        };
        parse(value).unwrap_or_else(|message| {
            self.problem(variable, message);
            default
        })
    }

    /// The setting's value; its absence is a problem.
    pub(super) fn required<T>(
        &mut self,
        variable: &'static str,
        value: Option<&str>,
        hint: &str,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Option<T> {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            self.problem(variable, format!("is not set: {hint}"));
            return None;
        };
        parse(value).map_err(|message| self.problem(variable, message)).ok()
    }

    /// The value, unless there was a problem anywhere.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(ConfigError(self.0)),
        }
    }
}
