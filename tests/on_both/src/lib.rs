//! `#[on_both]`: a test that runs on SQLite and on PostgreSQL.

use proc_macro::{TokenStream, TokenTree};

/// Runs a test on SQLite and on PostgreSQL, in a world of its own, and checks the database's invariants afterwards.
///
/// ```text
/// #[on_both]
/// async fn a_customer_is_made(world: &World) { … }
/// ```
///
/// The function stays as it is. Beside it comes a module of its name with the two tests:
///
/// ```text
/// mod a_customer_is_made {
///     #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
///     async fn sqlite() {
///         crate::support::run(crate::support::Backend::Sqlite, super::a_customer_is_made).await;
///     }
///     // The same with `postgres`.
/// }
/// ```
#[proc_macro_attribute]
pub fn on_both(_: TokenStream, function: TokenStream) -> TokenStream {
    let mut before = function.clone().into_iter().skip_while(|token| !is(token, "fn"));
    let Some(TokenTree::Ident(name)) = before.nth(1) else {
        return error("`#[on_both]` belongs to a function: `async fn name(world: &World)`");
    };
    let test = |backend: &str| {
        let test = backend.to_lowercase();
        format!(
            r#"#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn {test}() {{
                crate::support::run(crate::support::Backend::{backend}, super::{name}).await;
            }}"#
        )
    };
    let tests = format!("mod {name} {{ {} {} }}", test("Sqlite"), test("Postgres"));
    match tests.parse::<TokenStream>() {
        Ok(tests) => function.into_iter().chain(tests).collect(),
        Err(problem) => error(&problem.to_string()),
    }
}

fn is(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident.to_string() == word)
}

fn error(message: &str) -> TokenStream {
    format!("compile_error!({message:?});").parse().unwrap_or_default()
}
