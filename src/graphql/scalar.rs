//! Scalars: ids, times, counts and money.

use std::borrow::Cow;

use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, Enum, ID, InputType, InputValueError, InputValueResult, OutputType, Pos, Positioned, Scalar,
    ScalarType, ServerResult, SimpleObject, Value, parser::types::Field,
};
use async_graphql_value::Value as ScalarValue;
use chrono::{DateTime, Utc};
use icu_decimal::input::Decimal;
use icu_decimal::options::DecimalFormatterOptions;
use icu_decimal::{DecimalFormatter, DecimalFormatterPreferences};
use icu_locale_core::Locale;

use super::when::When;
use crate::clock::Timestamp;
use crate::entity::{
    AddOnId, AuditEventId, CustomerId, FeatureId, GatewayAccountId, GatewayPriceId, MemberId, OrganizationId,
    PaymentId, PaymentMethodId, SubscriptionId, TierFeatureId, TierId, TierPriceId, UsageReservationId,
};
use crate::error::{Code, Error, Refusal, Result};
use crate::read::arguments::Arguments;
use crate::read::facts::Facts;
use crate::read::json::{Column, Json, ToJson};
use crate::store::Row;

macro_rules! id_outputs {
    ($($name:ident),*) => {$(
        /// Typed ids are the scalar `ID` at the API.
        impl OutputType for $name {
            fn type_name() -> Cow<'static, str> {
                <ID as OutputType>::type_name()
            }

            fn create_type_info(registry: &mut Registry) -> String {
                <ID as OutputType>::create_type_info(registry)
            }

            async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
                Ok(Value::String(self.to_string()))
            }
        }
    )*};
}
id_outputs!(
    AuditEventId,
    CustomerId,
    MemberId,
    OrganizationId,
    PaymentId,
    PaymentMethodId,
    FeatureId,
    AddOnId,
    GatewayAccountId,
    GatewayPriceId,
    UsageReservationId,
    SubscriptionId,
    TierFeatureId,
    TierId,
    TierPriceId
);

/// A moment in RFC 3339 form, in the years 1 to 9999. Answers are in UTC (`2026-03-01T12:00:00Z`), with a fraction of up
/// to six digits where there is one; any offset is accepted.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for Timestamp {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        moment(text).map_err(|code| match code {
            Code::InvalidDate => refused(code, OUTSIDE),
            code => refused(code, "Expected a date and time such as 2026-03-01T12:00:00Z (RFC 3339)."),
        })
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

/// An integer within ±(2^53 − 1): exact in every language, JavaScript included. A JSON number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SafeInt(pub i64);

/// The greatest integer that a JSON number holds exactly everywhere.
pub const MAX_SAFE_INT: i64 = (1 << 53) - 1;

/// An integer within ±(2^53 − 1): exact in every language, JavaScript included. A JSON number.
#[Scalar]
impl ScalarType for SafeInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => match whole(number) {
                Some(number) if number.unsigned_abs() <= MAX_SAFE_INT.unsigned_abs() => Ok(Self(number)),
                _ => Err(refused(Code::OutOfRange, "Expected an integer within ±9007199254740991.")),
            },
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}

/// The integer that a number of JSON is, which knows no difference between `1` and `1.0`.
fn whole(number: &async_graphql::Number) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
    let whole = |float: f64| (float.fract() == 0.0 && float.abs() <= 9e15).then_some(float as i64);
    number.as_i64().or_else(|| number.as_f64().and_then(whole))
}

/// An ISO 4217 currency code, such as `EUR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrencyCode(pub String);

/// An ISO 4217 currency code, such as `EUR`.
#[Scalar]
impl ScalarType for CurrencyCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(code) if iso_currency::Currency::from_code(code).is_some() => Ok(Self(code.clone())),
            Value::String(_) => Err(refused(Code::InvalidFormat, "Expected an ISO 4217 code such as EUR.")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// What is wrong with a time outside the calendar.
pub(crate) const OUTSIDE: &str = "Expected a time in the years 1 to 9999.";

/// The moment that a text in RFC 3339 form names, or the code of what is wrong with it.
pub(super) fn moment(text: &str) -> Result<Timestamp, Code> {
    let moment = DateTime::parse_from_rfc3339(text).map_err(|_| Code::InvalidFormat)?;
    let moment = Timestamp::from(moment.with_timezone(&Utc));
    if moment.is_in_calendar() { Ok(moment) } else { Err(Code::InvalidDate) }
}

/// The value of one of the scalars above in its canonical form, or what is wrong with it: every scalar of the schema
/// but GraphQL's own.
pub fn canonical(scalar: &str, value: Value) -> Result<ScalarValue, (Code, String)> {
    match scalar {
        "DateTime" => canonical_as::<Timestamp>(value),
        "DateTimeOrDate" => canonical_as::<When>(value),
        "SafeInt" => canonical_as::<SafeInt>(value),
        "CurrencyCode" => canonical_as::<CurrencyCode>(value),
        // `JSON`: what it may be is for the field to say.
        _ => Ok(value.into_value()),
    }
}

fn canonical_as<T: ScalarType + InputType>(value: Value) -> Result<ScalarValue, (Code, String)> {
    let parsed = <T as ScalarType>::parse(value).map_err(|error| {
        let error = error.into_server_error(Pos::default());
        let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code").cloned());
        let code = code.and_then(|code| Code::parse(Some(code)).ok()).unwrap_or(Code::InvalidFormat);
        let mut message = error.message;
        if let Some((_, reason)) = message.split_once("\": ") {
            message = reason.to_owned();
        }
        (code, message)
    })?;
    Ok(ScalarType::to_value(&parsed).into_value())
}

/// The refusal of a scalar's value.
pub(super) fn refused<T: InputType>(code: Code, message: &str) -> InputValueError<T> {
    InputValueError::custom(message).with_extension("code", async_graphql::resolver_utils::enum_value(code))
}

impl Column for SafeInt {
    fn write(row: Row<'_>, column: usize, out: &mut Vec<u8>) -> Result<()> {
        i64::write(row, column, out)
    }

    fn read(value: sea_orm::Value) -> Result<Self> {
        i64::read(value).map(Self)
    }
}

impl Column for CurrencyCode {
    fn write(row: Row<'_>, column: usize, out: &mut Vec<u8>) -> Result<()> {
        String::write(row, column, out)
    }

    fn read(value: sea_orm::Value) -> Result<Self> {
        String::read(value).map(Self)
    }
}

/// An amount of money.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Money {
    /// In minor units of the currency: cents for EUR, whole yen for JPY.
    amount_minor: SafeInt,
    /// The currency.
    currency: CurrencyCode,
}

impl Money {
    /// An amount in minor units of the currency with this ISO 4217 code.
    pub fn new(amount_minor: i64, currency: String) -> Self {
        Self { amount_minor: SafeInt(amount_minor), currency: CurrencyCode(currency) }
    }
}

impl ToJson for Money {
    fn to_json(self) -> Json {
        Json::Money(self.amount_minor.0, self.currency.0)
    }
}

#[async_graphql::ComplexObject]
impl Money {
    /// For people: the currency's code and the amount in the locale's digits and separators, such as `EUR 1.234,50`.
    async fn formatted(
        &self,
        #[graphql(desc = "BCP 47 language tag, such as `de-CH`.", default = "en")] locale: String,
    ) -> Result<String> {
        let invalid = || Refusal::new(Code::InvalidFormat, "Expected a language tag such as `de-CH`.").at("locale");
        let locale: Locale = locale.parse().map_err(|_| invalid())?;
        Ok(format_money(self.amount_minor.0, &self.currency.0, &locale).ok_or_else(invalid)?)
    }
}

/// An amount of money in two columns: its minor units and its currency.
pub fn money(facts: &Facts<'_>) -> Result<Money> {
    Ok(Money::new(facts.filled(0)?, facts.filled(1)?))
}

/// The read path's [`Money::formatted`]. That the locale is a text was seen when it was planned.
pub(crate) fn formatted(amount_minor: i64, currency: &str, arguments: Arguments<'_>) -> Result<String> {
    let invalid = || Error::Internal("a locale that the resolver refuses".into());
    // The default is for an argument that is not written, not for one that is null.
    let locale = if arguments.is_empty() { Ok("en".to_owned()) } else { arguments.get("locale") };
    let locale: Locale = locale.map_err(|_| invalid())?.parse().map_err(|_| invalid())?;
    format_money(amount_minor, currency, &locale).ok_or_else(invalid)
}

/// The code, a no-break space and the amount: unambiguous in every locale, where a symbol such as `$` is not.
fn format_money(amount_minor: i64, currency: &str, locale: &Locale) -> Option<String> {
    let digits = iso_currency::Currency::from_code(currency)?.exponent().unwrap_or(0);
    let mut amount = Decimal::from(amount_minor);
    amount.multiply_pow10(-i16::try_from(digits).ok()?);
    let preferences = DecimalFormatterPreferences::from(locale);
    let formatter = DecimalFormatter::try_new(preferences, DecimalFormatterOptions::default()).ok()?;
    Some(format!("{currency}\u{a0}{}", formatter.format(&amount)))
}

/// The id of an object that was deleted: no object of the API any more.
pub struct DeletedId(String);

impl<M: crate::entity::Mutable> From<M> for DeletedId {
    fn from(row: M) -> Self {
        Self(row.api_id())
    }
}

impl OutputType for DeletedId {
    fn type_name() -> Cow<'static, str> {
        <ID as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <ID as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::String(self.0.clone()))
    }
}

/// Which end of a sort comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Smallest, earliest or alphabetically first.
    Asc,
    /// Greatest, latest or alphabetically last.
    Desc,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_formatted_for_the_locale() {
        let format = |amount, currency, locale: &str| {
            format_money(amount, currency, &locale.parse().expect("a locale")).expect("a format")
        };
        assert_eq!(format(123_450, "EUR", "de"), "EUR\u{a0}1.234,50");
        assert_eq!(format(123_450, "USD", "en"), "USD\u{a0}1,234.50");
        assert_eq!(format(-5, "USD", "en"), "USD\u{a0}-0.05");
        assert_eq!(format(1_234, "JPY", "en"), "JPY\u{a0}1,234");
    }
}
