use super::*;
use crate::graphql::cost::cost;

fn documents() -> Documents {
    Documents::new(&crate::graphql::sdl(false), true).expect("a schema")
}

/// The operation of a document, and how often that was charged for.
fn ask(
    documents: &Documents,
    query: &str,
    name: Option<&str>,
    given: serde_json::Value,
) -> (Result<Operation, Refused>, usize) {
    let mut charged = 0;
    let operation = documents.operation(query, name, Variables::from_json(given), || {
        charged += 1;
        Ok::<_, Refused>(())
    });
    (operation, charged)
}

fn no_variables() -> serde_json::Value {
    serde_json::json!({})
}

#[test]
fn what_is_refused_leaves_nothing() {
    let documents = documents();
    for number in 0..120 {
        let wrong = format!("{{ a{number}: viewer {{ role nothing }} }}");
        let deep = format!("{{ a{number}: viewer {{ role }} {} }}", "b: viewer { role } ".repeat(40));
        let several = format!("query A{number} {{ viewer {{ role }} }} query B {{ viewer {{ role }} }}");
        let value = format!("query($n: Int!) {{ a{number}: customers(first: $n) {{ nodes {{ id }} }} }}");
        for refused in [wrong, deep, several, value] {
            assert!(ask(&documents, &refused, None, no_variables()).0.is_err(), "{refused}");
        }
    }
    assert_eq!((documents.known.len(), documents.known.weight()), (0, 0));
}

#[test]
fn what_is_kept_is_bounded_by_its_bytes() {
    let documents = documents();
    for number in 0..2_000 {
        let query = format!(
            "{{ a{number}: customers(first: 10) {{ nodes {{ id name email status createdAt version subscription {{ id status }} }} }} }}"
        );
        ask(&documents, &query, None, no_variables()).0.expect("valid");
    }
    let (count, bytes) = (documents.known.len() as u64, documents.known.weight());
    assert!(bytes <= KEPT && bytes > KEPT / 2, "{bytes} bytes");
    assert!((200..1_500).contains(&count), "{count} documents");
}

#[test]
fn a_text_is_judged_once_for_each_selection() {
    let documents = documents();
    let query =
        "query($a: Boolean = true, $b: Boolean = false) { viewer { role @include(if: $a) permissions @skip(if: $b) } }";
    let asked = [
        (serde_json::json!({}), 1),
        (serde_json::json!({"a": true, "b": false}), 0),
        (serde_json::json!({"b": true}), 1),
        (serde_json::json!({"a": false}), 1),
        (serde_json::json!({"b": true}), 0),
    ];
    for (variables, expected) in asked {
        let (operation, charged) = ask(&documents, query, None, variables.clone());
        assert!(operation.is_ok());
        assert_eq!(charged, expected, "{variables}");
    }
    assert_eq!(documents.known.len(), 1);
}

#[test]
fn the_oldest_form_makes_room() {
    let documents = documents();
    let variables: String = (0..5).map(|number| format!("$v{number}: Boolean! ")).collect();
    let fields: String = (0..5).map(|number| format!("f{number}: role @include(if: $v{number}) ")).collect();
    let query = format!("query({variables}) {{ viewer {{ role {fields} }} }}");
    let given = |bits: u32| (0..5).map(|it| (format!("v{it}"), (bits >> it & 1 == 1).into())).collect();
    for bits in 0..32 {
        assert_eq!(ask(&documents, &query, None, serde_json::Value::Object(given(bits))).1, 1);
    }
    let forms = documents.known.get(&query).expect("kept").operations[0].forms.len();
    assert_eq!(forms, KEPT_FORMS);
    assert_eq!(ask(&documents, &query, None, serde_json::Value::Object(given(31))).1, 0);
    assert_eq!(ask(&documents, &query, None, serde_json::Value::Object(given(0))).1, 1);
}

#[test]
fn only_what_is_executed_costs_something() {
    let documents = documents();
    let query = "
        query Few($n: Int = 1) { customers(first: $n) { nodes { id } } }
        query Many($n: Int = 100) { customers(first: $n) { nodes { id } } }";
    for (name, expected) in [("Few", 1 + 2), ("Many", 1 + 100 * 2), ("Few", 1 + 2)] {
        let operation = ask(&documents, query, Some(name), no_variables()).0.expect("valid");
        assert_eq!(cost(operation.definition(), &operation.variables), expected, "{name}");
    }
}

#[test]
fn what_is_merged_costs_once() {
    let documents = documents();
    let of = |query: &str| {
        let operation = ask(&documents, query, None, no_variables()).0.expect("valid");
        cost(operation.definition(), &operation.variables)
    };
    let once = of("{ customers { nodes { id name } } }");
    let fragment =
        "fragment F on Query { customers { nodes { name } ...G } } fragment G on CustomerConnection { nodes { id } }";
    assert_eq!(of(&format!("{{ customers {{ nodes {{ id }} nodes {{ id name }} }} ...F ...F }} {fragment}")), once);
    assert_eq!(of("{ customers { nodes { id name email @skip(if: true) } } }"), once);
}
