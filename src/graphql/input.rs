//! Checking input: every problem is collected with its path before anything is done.

use std::ops::RangeInclusive;

use async_graphql::{ID, MaybeUndefined};
use email_address::{EmailAddress, Options};
use serde_json::{Value, json};

use super::json::{GivenJson, check as check_document};
use super::scalar::OUTSIDE;
use crate::clock::Timestamp;
use crate::entity::{StoredJson, TypedId};
use crate::error::{Code, Error, Refusal, Result};
use crate::text::{acts_on_its_surroundings, email_key, is_blank, is_ignorable};

/// The greatest number of days that a trial or an extension may have.
pub const MAX_DAYS: i64 = 730;

/// Collects the problems of one input.
#[derive(Default)]
pub struct Check(Vec<Refusal>);

impl Check {
    /// Nothing checked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a problem with the input field.
    pub fn refuse(&mut self, path: &str, code: Code, message: impl Into<String>) {
        self.0.push(Refusal::new(code, message).at(path));
    }

    /// A text that must not be blank, without surrounding white space. Invisible characters stay within it: writing of
    /// some languages and pictures of families are made with them.
    pub fn text(&mut self, path: &str, text: &str, max: usize) -> String {
        let text = text.trim();
        if is_blank(text) {
            self.refuse(path, Code::Required, "This must not be blank: nothing of it can be seen.");
        } else if text.chars().count() > max {
            self.refuse(path, Code::TooLong, format!("This must have at most {max} characters."));
        } else if text.chars().any(acts_on_its_surroundings) {
            let message = "This must not contain control characters, or characters that turn the direction of others.";
            self.refuse(path, Code::InvalidFormat, message);
        }
        text.to_owned()
    }

    /// A text of several lines that may be missing; blank is as good as missing.
    pub fn prose(&mut self, path: &str, text: Option<&str>, max: usize) -> Option<String> {
        let text = text.map(str::trim).filter(|text| !is_blank(text))?;
        self.text(path, &text.replace(['\n', '\r', '\t'], " "), max);
        Some(text.to_owned())
    }

    /// A text that may be missing; blank is as good as missing.
    pub fn optional_text(&mut self, path: &str, text: Option<&str>, max: usize) -> Option<String> {
        let text = text.map(str::trim).filter(|text| !is_blank(text))?;
        Some(self.text(path, text, max))
    }

    /// An email address by itself, without a name beside it, in the form that is unique.
    pub fn email(&mut self, path: &str, email: &str) -> String {
        let email = email_key(&self.text(path, email, 254));
        let bare = Options::default().without_display_text().without_domain_literal();
        let fits = EmailAddress::parse_with_options(&email, bare).is_ok()
            && !email.chars().any(|c| is_ignorable(c) || c == '"');
        if !is_blank(&email) && !fits {
            self.refuse(path, Code::InvalidFormat, "Expected an email address by itself, such as ada@example.com.");
        }
        email
    }

    /// A short name for addresses: lower-case letters, digits and hyphens.
    pub fn slug(&mut self, path: &str, slug: &str) -> String {
        let slug = self.text(path, slug, 63);
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !is_blank(&slug) && (!slug.chars().all(fits) || slug.starts_with('-') || slug.ends_with('-')) {
            let message = "Expected lower-case letters, digits and hyphens, such as `acme-labs`.";
            self.refuse(path, Code::InvalidFormat, message);
        }
        slug
    }

    /// A key of a tier or feature: lower-case letters, digits, dots, underscores and hyphens.
    pub fn key(&mut self, path: &str, key: &str) -> String {
        let key = self.text(path, key, 64);
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        if !is_blank(&key) && !key.chars().all(fits) {
            let message = "Expected lower-case letters, digits, dots, underscores and hyphens, such as `ai.queries`.";
            self.refuse(path, Code::InvalidFormat, message);
        }
        key
    }

    /// A number within a range.
    pub fn range(&mut self, path: &str, number: i64, range: RangeInclusive<i64>) -> i64 {
        if !range.contains(&number) {
            let message = format!("Expected a number from {} to {}.", range.start(), range.end());
            self.refuse(path, Code::OutOfRange, message);
        }
        number
    }

    /// A metadata object: what can be stored can be read.
    pub fn metadata(&mut self, path: &str, metadata: Option<GivenJson>) -> Value {
        let metadata = metadata.map_or_else(|| Value::Object(Default::default()), |GivenJson(value)| value);
        if !metadata.is_object() {
            self.refuse(path, Code::InvalidFormat, "Expected a JSON object.");
        } else if let Err((code, message)) = check_document(&metadata) {
            self.refuse(path, code, message);
        }
        metadata
    }

    /// The same for those who manage the object; an empty one is as good as none.
    pub fn private_metadata(&mut self, path: &str, metadata: Option<GivenJson>) -> Option<StoredJson> {
        let metadata = self.metadata(path, metadata);
        (metadata != json!({})).then(|| metadata.into())
    }

    /// A date that can be answered.
    pub fn in_calendar(&mut self, path: &str, date: Option<Timestamp>) {
        if date.is_some_and(|date| !date.is_in_calendar()) {
            self.refuse(path, Code::InvalidDate, OUTSIDE);
        }
    }

    /// Two dates in order, of which the end can be answered.
    pub fn ordered(&mut self, path: &str, start: Option<Timestamp>, end: Option<Timestamp>) {
        self.in_calendar(path, end);
        if let (Some(start), Some(end)) = (start, end)
            && end < start
        {
            self.refuse(path, Code::DatesReversed, format!("The end must not lie before the start ({start})."));
        }
    }

    /// The typed form of an id that may be missing.
    pub fn optional_id<T: TypedId>(&mut self, path: &str, id: Option<&ID>) -> Option<T> {
        let found = parse_optional_id(path, id);
        self.absorb(found).ok().flatten().flatten()
    }

    /// The outcome of another check, whose refusals are collected with these.
    pub fn absorb<T>(&mut self, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(Error::Refused(refusals)) => {
                self.0.extend(refusals);
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    /// The refusals, if there are any.
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Refused(self.0)) }
    }
}

/// The typed form of an id, or the refusal that it is not one.
pub fn parse_id<T: TypedId>(path: &str, id: &ID) -> Result<T> {
    T::parse(id).ok_or_else(|| {
        let message = format!("Expected an id that starts with `{}_`.", T::PREFIX);
        Refusal::new(Code::InvalidId, message).at(path).into()
    })
}

/// Reads a list of ids, each once.
pub fn parse_ids<T: TypedId + PartialEq>(path: &str, list: &[ID]) -> Result<Vec<T>> {
    let mut ids: Vec<T> = Vec::with_capacity(list.len());
    for (place, id) in list.iter().enumerate() {
        let id = parse_id(&format!("{path}.{place}"), id)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// The typed form of an id that may be missing.
pub fn parse_optional_id<T: TypedId>(path: &str, id: Option<&ID>) -> Result<Option<T>> {
    id.map(|id| parse_id(path, id)).transpose()
}

/// Refuses when the caller saw another version than the current one.
pub fn check_version(expected: Option<i32>, current: i32) -> Result<()> {
    match expected {
        Some(expected) if expected != current => {
            let message = format!("The object was changed meanwhile: it has version {current}, not {expected}.");
            let facts = crate::error::Facts::StaleVersion { current };
            Err(Refusal::new(Code::StaleVersion, message).at("input.expectedVersion").with(facts).into())
        }
        _ => Ok(()),
    }
}

/// Refuses an idempotency key that is blank or longer than 255 characters.
pub fn check_key(check: &mut Check, key: Option<&str>) {
    if let Some(key) = key {
        check.text("input.idempotencyKey", key, 255);
    }
}

/// What a partial update makes of a column that may be empty: omitted keeps it, null clears it.
pub fn updated<T: Clone>(current: &Option<T>, change: MaybeUndefined<T>) -> Option<T> {
    match change {
        MaybeUndefined::Undefined => current.clone(),
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(value) => Some(value),
    }
}
