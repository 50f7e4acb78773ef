//! Walking the whole schema as one caller: everything it can be shown.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tessera::entity::{
    AddOnId, AuditEventId, CustomerId, FeatureId, GatewayAccountId, MemberId, OrganizationId, PaymentId,
    PaymentMethodId, SubscriptionId, TierId,
};

use super::document::{Selection, everything, parts, prune, text};
use crate::support::Client;
use crate::support::estate::Estate;
use crate::support::introspection::{Field, Schema};

/// How many objects away from a field of the root is looked.
const HOPS: usize = 2;
/// How many objects a list at the root is asked for, and how far away from them is looked: once wide and once deep,
/// because the product costs too much. What was added last comes first.
const LISTS: [(usize, usize); 3] = [(60, 0), (3, 1), (2, HOPS)];

/// The id of an object for each type of node.
pub type Ids = BTreeMap<String, String>;

/// A well-formed id of an object of this type that exists nowhere.
pub fn nowhere(object: &str) -> String {
    match object {
        "Organization" => OrganizationId::generate().to_string(),
        "Member" => MemberId::generate().to_string(),
        "Customer" => CustomerId::generate().to_string(),
        "SubscriptionContract" => SubscriptionId::generate().to_string(),
        "Tier" => TierId::generate().to_string(),
        "Feature" => FeatureId::generate().to_string(),
        "AddOn" => AddOnId::generate().to_string(),
        "GatewayAccount" => GatewayAccountId::generate().to_string(),
        "Payment" => PaymentId::generate().to_string(),
        "PaymentMethod" => PaymentMethodId::generate().to_string(),
        "AuditEvent" => AuditEventId::generate().to_string(),
        other => panic!("ids of {other} are unknown: say here how they are made"),
    }
}

/// The ids of an estate.
pub fn ids_of(schema: &Schema, estate: &Estate) -> Ids {
    let id = |object: &&str| (object.to_string(), estate.id_of(object).to_owned());
    schema.get("Node").possible().iter().map(id).collect()
}

/// A call of a field of the root.
#[derive(Clone)]
pub struct Call {
    head: String,
    below: Vec<Selection>,
    /// The answer that refused all that was asked for.
    refused: Option<String>,
}

/// Every call of every field of the root.
pub fn every_call(schema: &Schema, own: &Ids) -> Vec<Call> {
    let call = |field: &Field| {
        let name = field.name.clone();
        let part = move |(head, below): (String, Vec<Selection>)| {
            let head = name.clone() + &head;
            parts(below).into_iter().map(move |below| Call { head: head.clone(), below, refused: None })
        };
        calls(schema, field, own).into_iter().flat_map(part)
    };
    schema.queries().iter().flat_map(call).collect()
}

impl Call {
    /// What the caller is shown: all answers on the way, the last of which has no errors. What the caller is refused is
    /// taken out of the call and the rest asked for again, so that one refusal hides nothing. Only where the whole
    /// field is refused, the last answer is this refusal.
    pub async fn show(&mut self, client: &Client) -> Vec<String> {
        let mut answers: Vec<_> = self.refused.clone().into_iter().collect();
        if !answers.is_empty() {
            return answers;
        }
        loop {
            let document = format!("{{ {}{} }}", self.head, text(&self.below));
            let answer = client.send(&document, json!({})).await.0;
            let refused = paths(&answer);
            answers.push(format!("{} answers {answer}", self.head));
            if refused.is_empty() {
                // The resolvers have answered the document; now the read path does.
                let again = client.send(&document, json!({})).await.0;
                answers.push(format!("{} answers again {again}", self.head));
            }
            if refused.iter().all(|path| path.len() <= 1) {
                return answers;
            }
            for path in refused {
                prune(&mut self.below, &path[1..].iter().map(String::as_str).collect::<Vec<_>>());
            }
            if self.below.is_empty() {
                self.refused = answers.last().cloned();
                return answers;
            }
        }
    }
}

/// Where an answer has errors. An error of the whole document is a mistake of these tests.
fn paths(answer: &Value) -> Vec<Vec<String>> {
    let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let path = |error: &Value| {
        let steps = error["path"].as_array().filter(|path| !path.is_empty());
        let steps = steps.unwrap_or_else(|| panic!("the document itself was refused: {error}"));
        steps.iter().filter_map(|step| step.as_str().map(str::to_owned)).collect()
    };
    errors.iter().map(path).collect()
}

/// How a field of the root is called: with the caller's own objects where it takes an id.
fn calls(schema: &Schema, field: &Field, own: &Ids) -> Vec<(String, Vec<Selection>)> {
    let of = schema.get(field.of.named());
    let required: Vec<_> =
        field.args.iter().filter(|arg| arg.of.is_required() && arg.default_value.is_none()).collect();
    if of.is_connection() {
        let page = |(first, hops)| (format!("(first: {first})"), everything(schema, &of.name, hops + 1));
        return LISTS.into_iter().map(page).collect();
    }
    let [id_argument] = required.as_slice() else {
        assert!(required.is_empty(), "`{}` takes several arguments: say here how it is called", field.name);
        return vec![(String::new(), everything(schema, &of.name, HOPS))];
    };
    if ["ownerId", "ownerIds"].contains(&id_argument.name.as_str()) {
        let owners = ["Organization", "Customer"].into_iter().filter_map(|owner| own.get(owner));
        // The tiers of each feature would cost too much; the lists show them.
        let call = |id: &String| (format!("({}: \"{id}\")", id_argument.name), everything(schema, &of.name, 0));
        return owners.map(call).collect();
    }
    if id_argument.name == "gatewayAccountId" {
        let call = |id: &String| (format!("(gatewayAccountId: \"{id}\")"), everything(schema, &of.name, HOPS));
        return own.get("GatewayAccount").map(call).into_iter().collect();
    }
    if id_argument.name == "input" {
        // What a command on the caller's own subscription would come to.
        let (id, add_on) = (own.get("SubscriptionContract"), own.get("AddOn"));
        let Some((id, add_on)) = id.zip(add_on) else { return Vec::new() };
        let more = if field.name == "previewAddOnChange" {
            format!(", addOns: [{{addOnId: \"{add_on}\"}}]")
        } else {
            String::new()
        };
        return vec![(format!("(input: {{id: \"{id}\"{more}}})"), everything(schema, &of.name, HOPS))];
    }
    let with_id = |object: &str| {
        let id = own.get(object).unwrap_or_else(|| panic!("`{}` needs the id of a {object}", field.name));
        let id = if id_argument.of.is_list() { format!("[\"{id}\"]") } else { format!("\"{id}\"") };
        // The lists go deeper; from here it is enough to see what each kind leads to.
        let below = everything(schema, object, usize::from(!id_argument.of.is_list()));
        let on_object = || vec![Selection::On { object: object.to_owned(), below: below.clone() }];
        (format!("({}: {id})", id_argument.name), if of.name == object { below.clone() } else { on_object() })
    };
    match of.kind.as_str() {
        // Each kind in a document of its own: fields of the same name have different types.
        "INTERFACE" => of.possible().into_iter().map(with_id).collect(),
        _ => vec![with_id(&of.name)],
    }
}
