//! The schema as clients see it: where tests that walk the whole API start from.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::json;

use super::Client;

/// The introspection query of graphql-js 16 with all its options, which GraphiQL, codegen and most clients send.
/// Source: `getIntrospectionQuery` of <https://github.com/graphql/graphql-js>.
pub const INTROSPECTION: &str = "query IntrospectionQuery {
  __schema {
    description
    queryType { name kind }
    mutationType { name kind }
    subscriptionType { name kind }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) {
    name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason
  }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue {
  name description type { ...TypeRef } defaultValue isDeprecated deprecationReason
}
fragment TypeRef on __Type {
  kind name ofType { name kind ofType { name kind ofType { name kind ofType { name kind ofType { name kind
  ofType { name kind ofType { name kind ofType { name kind ofType { name kind } } } } } } } } }
}";

/// The whole schema.
pub struct Schema {
    types: BTreeMap<String, Type>,
}

/// A type. Lists are empty where its kind has none.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Type {
    pub kind: String,
    pub name: String,
    pub description: Option<String>,
    fields: Option<Vec<Field>>,
    input_fields: Option<Vec<Input>>,
    interfaces: Option<Vec<TypeRef>>,
    enum_values: Option<Vec<EnumValue>>,
    possible_types: Option<Vec<TypeRef>>,
}

/// A field of an object or interface.
#[derive(Clone, Debug, Deserialize)]
pub struct Field {
    pub name: String,
    pub description: Option<String>,
    pub args: Vec<Input>,
    #[serde(rename = "type")]
    pub of: TypeRef,
}

/// An argument, or a field of an input object.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub name: String,
    pub description: Option<String>,
    #[serde(rename = "type")]
    pub of: TypeRef,
    pub default_value: Option<String>,
}

/// A value of an enum.
#[derive(Clone, Debug, Deserialize)]
pub struct EnumValue {
    pub name: String,
    pub description: Option<String>,
}

/// A type as a field names it: with its lists and its non-nulls.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeRef {
    kind: String,
    name: Option<String>,
    of_type: Option<Box<TypeRef>>,
}

impl TypeRef {
    /// The type without lists and non-nulls.
    pub fn named(&self) -> &str {
        match &self.of_type {
            Some(inner) => inner.named(),
            None => self.name.as_deref().expect("a named type"),
        }
    }

    /// Whether a value must be given.
    pub fn is_required(&self) -> bool {
        self.kind == "NON_NULL"
    }

    /// Whether it is a list.
    pub fn is_list(&self) -> bool {
        self.kind == "LIST" || self.of_type.as_ref().is_some_and(|inner| inner.is_list())
    }
}

impl fmt::Display for TypeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.of_type, self.kind.as_str()) {
            (Some(inner), "LIST") => write!(f, "[{inner}]"),
            (Some(inner), _) => write!(f, "{inner}!"),
            (None, _) => f.write_str(self.named()),
        }
    }
}

impl Type {
    /// The fields of an object or interface.
    pub fn fields(&self) -> &[Field] {
        self.fields.as_deref().unwrap_or_default()
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// The fields of an input object.
    pub fn inputs(&self) -> &[Input] {
        self.input_fields.as_deref().unwrap_or_default()
    }

    /// The input field of this name.
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs().iter().find(|input| input.name == name)
    }

    /// The values of an enum.
    pub fn values(&self) -> &[EnumValue] {
        self.enum_values.as_deref().unwrap_or_default()
    }

    /// The types that an interface or union can be.
    pub fn possible(&self) -> Vec<&str> {
        self.possible_types.iter().flatten().map(TypeRef::named).collect()
    }

    /// Whether an object implements the interface.
    pub fn implements(&self, interface: &str) -> bool {
        self.interfaces.iter().flatten().any(|implemented| implemented.named() == interface)
    }

    /// Whether it is a page of a list.
    pub fn is_connection(&self) -> bool {
        self.name.ends_with("Connection")
    }
}

impl Schema {
    /// What the server answers to the introspection query.
    pub async fn load(client: &Client) -> Self {
        let mut data = client.ok(INTROSPECTION, json!({})).await;
        let types: Vec<Type> = serde_json::from_value(data["__schema"]["types"].take()).expect("types");
        Self { types: types.into_iter().map(|one| (one.name.clone(), one)).collect() }
    }

    /// The schema's own types, without those of introspection itself.
    pub fn types(&self) -> impl Iterator<Item = &Type> {
        self.types.values().filter(|one| !one.name.starts_with("__"))
    }

    /// The type of this name.
    pub fn get(&self, name: &str) -> &Type {
        self.types.get(name).unwrap_or_else(|| panic!("the schema has no type {name}"))
    }

    /// The fields of the root that queries start from.
    pub fn queries(&self) -> &[Field] {
        self.get("Query").fields()
    }

    /// The fields of the root that mutations start from.
    pub fn mutations(&self) -> &[Field] {
        self.get("Mutation").fields()
    }
}
