//! Documents, variables and arguments mean what they mean to graphql-js, the reference implementation.
//!
//! `make graphql-js` writes what it makes of the documents of `graphql_js/documents.js`, over the published schema.

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, Selection};
use async_graphql::{Value as ConstValue, Variables};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tessera::graphql::document::{Documents, Refused};

/// A document with its variables, and what graphql-js makes of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    kind: String,
    document: String,
    operation_name: Option<String>,
    #[serde(default)]
    variables: Value,
    result: Told,
}

/// What graphql-js tells.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Told {
    /// The rules that the document breaks.
    Invalid(Vec<String>),
    /// What is wrong with the request besides: its operation, variables or arguments.
    Refused(String),
    /// The variables, and the arguments of each field of the root.
    #[serde(untagged)]
    Executed { variables: Value, fields: Value },
}

/// What becomes of a request.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// The document is none.
    Unparsable,
    /// The document is not valid, or has no such operation.
    Invalid,
    /// A variable has a wrong value.
    WrongVariable,
    /// An argument has a wrong value.
    WrongArgument,
    /// It is executed with these variables and arguments.
    Executed(Value, Value),
}

impl Case {
    fn expected(&self) -> Verdict {
        match &self.result {
            Told::Invalid(rules) if rules.iter().any(|rule| rule == "parse") => Verdict::Unparsable,
            Told::Invalid(_) => Verdict::Invalid,
            Told::Refused(what) => match what.as_str() {
                "operation" => Verdict::Invalid,
                "variables" => Verdict::WrongVariable,
                "arguments" => Verdict::WrongArgument,
                other => panic!("unknown: {other}"),
            },
            Told::Executed { variables, fields } => Verdict::Executed(plain(variables.clone()), plain(fields.clone())),
        }
    }

    fn ours(&self, documents: &Documents) -> Verdict {
        let given = Variables::from_json(self.variables.clone());
        let operation =
            match documents.operation(&self.document, self.operation_name.as_deref(), given, || Ok::<_, Refused>(())) {
                Ok(operation) => operation,
                Err(Refused { code: "GRAPHQL_PARSE_FAILED", .. }) => return Verdict::Unparsable,
                Err(Refused { code: "BAD_USER_INPUT", .. }) => return Verdict::WrongVariable,
                Err(_) => return Verdict::Invalid,
            };
        let Ok(bound) = documents.bound(&operation) else { return Verdict::WrongArgument };
        let variables = operation.variables.iter().map(|(name, value)| (name.to_string(), json(value.clone())));
        Verdict::Executed(Value::Object(variables.collect()), arguments(bound))
    }
}

fn json(value: ConstValue) -> Value {
    plain(value.into_json().expect("JSON"))
}

/// Numbers as JavaScript has them: 1.0 is 1.
fn plain(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, plain(value))).collect(),
        value => value,
    }
}

/// The arguments of each field of the root.
fn arguments(document: ExecutableDocument) -> Value {
    let DocumentOperations::Single(operation) = document.operations else { panic!("one operation") };
    let items = operation.node.selection_set.node.items.into_iter();
    let field = |selection: Selection| match selection {
        Selection::Field(field) => field.node,
        other => panic!("fragments are spread out: {other:?}"),
    };
    items
        .map(|item| {
            let field = field(item.node);
            let arguments = field.arguments.into_iter().map(|(name, value)| {
                (name.node.to_string(), json(value.node.into_const().expect("variables are filled in")))
            });
            let key = field.alias.unwrap_or(field.name).node.to_string();
            (key, Value::Object(arguments.collect()))
        })
        .collect::<Map<_, _>>()
        .into()
}

/// A reason for which cases may differ, and which ones do.
type Difference = (&'static str, fn(&Case, &Verdict, &Verdict) -> bool);

/// The differences that are meant. Each must occur.
const DIFFERENCES: [Difference; 5] = [
    ("graphql-js takes anything for a scalar of ours: it knows no more of it than its name", |case, expected, ours| {
        let scalar = ["DateTime", "SafeInt", "CurrencyCode"].iter().any(|name| case.kind.ends_with(name));
        let refused = *ours == Verdict::Invalid || *ours == Verdict::WrongVariable;
        (scalar || case.document.contains("currency: EUR")) && is_executed(expected) && refused
    }),
    (
        "graphql-js compares how texts are quoted; they are the same text and so the same argument",
        |case, expected, ours| {
            case.document.contains("\"\"\"a\"\"\"") && *expected == Verdict::Invalid && is_executed(ours)
        },
    ),
    ("nothing that is stored has the character U+0000: a query for it is refused", |case, expected, ours| {
        case.kind == "text" && is_executed(expected) && *ours == Verdict::WrongVariable
    }),
    (
        "an argument that a variable makes null is refused before anything runs, not in its field",
        |case, expected, ours| {
            case.document.contains("formatted(") && is_executed(expected) && *ours == Verdict::WrongArgument
        },
    ),
    ("an id that is written as a number is one of JSON: `-0` is 0", |case, expected, ours| {
        case.document.contains("-0") && is_executed(expected) && is_executed(ours)
    }),
];

fn is_executed(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Executed(..))
}

#[test]
fn documents_mean_what_they_mean_to_graphql_js() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("graphql_js/results.json")).expect("results");
    assert!(cases.len() > 1_000);
    let documents = Documents::new(&tessera::graphql::sdl(false), true).expect("a schema");
    let mut problems = Vec::new();
    let mut met = [0; DIFFERENCES.len()];
    for case in &cases {
        let (expected, ours) = (case.expected(), case.ours(&documents));
        if expected == ours {
            continue;
        }
        match DIFFERENCES.iter().position(|(_, is_meant)| is_meant(case, &expected, &ours)) {
            Some(difference) => met[difference] += 1,
            None => problems.push(format!(
                "{}: {} {}\n   graphql-js: {expected:?}\n   here:       {ours:?}",
                case.kind, case.document, case.variables
            )),
        }
    }
    assert!(problems.is_empty(), "{} of {} differ:\n{}", problems.len(), cases.len(), problems.join("\n"));
    for ((reason, _), times) in DIFFERENCES.iter().zip(met) {
        assert!(times > 0, "nothing differs any more because {reason}");
    }
}
