//! What an argument or input field can name: the table that a new one must be added to.

use crate::support::introspection::{Input, Schema};

/// What a value of an argument or input field stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// The id of an object of one of these types.
    Ids(Vec<String>),
    /// A text that finds rows. The forms that it takes, with `{}` for the mark of whose row it is.
    Texts(&'static [&'static str]),
    /// A place in a list.
    Cursor,
    /// Nothing that could belong to somebody.
    Nothing,
}

/// Where a value goes: the names from the argument down, and whether each is a list.
pub type Path = Vec<(String, bool)>;

/// Every value that these arguments or input fields take, however deep. `place` is what they belong to:
/// `Query.customers` or the input object. Fails for what is not in the table.
pub fn values(schema: &Schema, place: &str, inputs: &[Input]) -> Vec<(Path, Means)> {
    let mut found = Vec::new();
    for input in inputs {
        let step = (input.name.clone(), input.of.is_list());
        let of = schema.get(input.of.named());
        if of.kind == "INPUT_OBJECT" {
            let below = values(schema, &of.name, of.inputs()).into_iter();
            found.extend(below.map(|(path, means)| ([vec![step.clone()], path].concat(), means)));
        } else {
            let means = means(schema, place, input).unwrap_or_else(|| {
                panic!("`{}` of {place} is not classified: say in `classify.rs` what it can name", input.name)
            });
            found.push((vec![step], means));
        }
    }
    found
}

fn means(schema: &Schema, place: &str, input: &Input) -> Option<Means> {
    match input.of.named() {
        // Named by hand in the tests of use and of checkouts: what came of a record is no refusal, and the others are no nodes.
        "ID" if place == "UsageRecordInput" || ["checkoutId", "reservationId"].contains(&input.name.as_str()) => {
            Some(Means::Nothing)
        }
        "ID" => objects(schema, place, &input.name).map(Means::Ids),
        "String" => text(place, &input.name),
        "Boolean" | "CurrencyCode" | "DateTime" | "DateTimeOrDate" | "Int" | "JSON" | "SafeInt" => Some(Means::Nothing),
        other => (schema.get(other).kind == "ENUM").then_some(Means::Nothing),
    }
}

/// The types of objects whose ids it takes.
fn objects(schema: &Schema, place: &str, name: &str) -> Option<Vec<String>> {
    let any = || Some(schema.get("Node").possible().into_iter().map(str::to_owned).collect());
    let one = |object: &str| Some(vec![object.to_owned()]);
    match (place, name) {
        (_, "catalogueOf" | "organizationId" | "parentId") => one("Organization"),
        (_, "customerId") => one("Customer"),
        (_, "ownerId" | "ownerIds") => Some(vec!["Organization".to_owned(), "Customer".to_owned()]),
        (_, "subscriptionId") => one("SubscriptionContract"),
        (_, "gatewayAccountId") => one("GatewayAccount"),
        (_, "fallbackTierId" | "tierId" | "tierIds") => one("Tier"),
        ("AuditEventFilter", "entityId") | ("Query.node", "id") | ("Query.nodes", "ids") => any(),
        ("CustomerActionInput" | "UpdateCustomerInput", "id") | ("CustomerFilter", "ids") => one("Customer"),
        ("MemberActionInput" | "UpdateMemberInput", "id") => one("Member"),
        ("OrganizationActionInput" | "UpdateOrganizationInput", "id") | ("OrganizationFilter", "ids") => {
            one("Organization")
        }
        ("TierActionInput" | "UpdateTierInput", "id") => one("Tier"),
        ("UpdateFeatureInput", "id") => one("Feature"),
        ("GatewayAccountActionInput" | "RotateGatewayKeyInput" | "UpdateGatewayAccountInput", "id") => {
            one("GatewayAccount")
        }
        ("AddOnActionInput" | "UpdateAddOnInput", "id") | (_, "addOnId" | "dropAddOns") => one("AddOn"),
        (
            "CancelSubscriptionInput"
            | "ChangeAddOnsInput"
            | "ChangeTierInput"
            | "ExtendSubscriptionInput"
            | "OverrideTierInput"
            | "PauseSubscriptionInput"
            | "RecordManualPaymentInput"
            | "StartTrialInput"
            | "SubscriptionActionInput"
            | "UpdateSubscriptionInput",
            "id",
        )
        | ("SubscriptionFilter", "ids") => one("SubscriptionContract"),
        // A field of the root that finds the one object that it answers with.
        _ => {
            let field = schema.get("Query").field(place.strip_prefix("Query.")?)?;
            (name == "id" && schema.get(field.of.named()).implements("Node")).then(|| one(field.of.named()))?
        }
    }
}

fn text(place: &str, name: &str) -> Option<Means> {
    Some(match (place, name) {
        (_, "after" | "before") if !place.ends_with("Input") => Means::Cursor,
        ("CustomerFilter", "email") => Means::Texts(&["{}-customer@example.com"]),
        ("CustomerFilter", "externalRef") => Means::Texts(&["{}-ref"]),
        ("CustomerFilter", "search") => Means::Texts(&["{}", "{} customer", "{}-ref", "{}-customer@"]),
        ("MemberFilter", "email") => Means::Texts(&["{}-member@example.com"]),
        ("MemberFilter", "search") => Means::Texts(&["{}", "{} member", "{}-member@"]),
        ("OrganizationFilter" | "Query.organization", "slug") => Means::Texts(&["{}"]),
        ("OrganizationFilter", "search") => Means::Texts(&["{}", "{} organization"]),
        ("SubscriptionFilter", "purchaser") => Means::Texts(&["{}@example.com"]),
        ("SubscriptionFilter", "externalId") => Means::Texts(&["{}-external", "{}-own"]),
        ("SubscriptionFilter", "search") => Means::Texts(&["{}", "{}-external", "{} customer"]),
        ("PaymentFilter", "gatewayPaymentId") => Means::Texts(&["{}-customer-payment", "{}-own-payment"]),
        ("PaymentFilter", "search") => Means::Texts(&["{}", "{}-customer-code", "{}-customer message", "{} customer"]),
        ("TierFilter", "key") => Means::Texts(&["{}-special"]),
        ("TierFilter", "search") => Means::Texts(&["{}", "{} special"]),
        ("AddOnFilter", "key") => Means::Texts(&["{}-seats"]),
        ("AddOnFilter", "search") => Means::Texts(&["{}", "{} seats"]),
        ("FeatureFilter", "key") => Means::Texts(&["{}.declared", "{}.feature"]),
        ("AuditEventFilter", "actor") => Means::Texts(&["{}@example.com"]),
        // The nouns and verbs of the trail are the same for everybody.
        ("AuditEventFilter", "entityType") | ("AuditActionFilter", "eq" | "in") => Means::Nothing,
        // A public catalogue, by the name that its organization has in addresses: seen without login.
        ("Query.checkoutTiers", "organizationSlug") => Means::Nothing,
        // Keys that tiers grant, of the owner that is named beside them.
        ("Query.access" | "Query.accesses" | "Query.usage", "features") => Means::Nothing,
        (_, "feature") if place.ends_with("Input") => Means::Nothing,
        // What mutations write. That a value of another tenant is free is tested by hand.
        (
            _,
            "apiKey" | "billingEmail" | "description" | "email" | "externalId" | "externalRef" | "idempotencyKey"
            | "instructions" | "key" | "name" | "phone" | "previewToken" | "priceId" | "reason" | "reference"
            | "returnUrl" | "slug" | "subject" | "timeZone" | "tokenId" | "unit" | "webhookSecrets",
        ) if place.ends_with("Input") => Means::Nothing,
        _ => return None,
    })
}
