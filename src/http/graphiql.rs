//! The GraphiQL page and its files, all from this binary: it works offline and under a strict policy.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::Served;

/// Someone that GraphiQL can act as.
#[derive(Clone, Debug, Serialize)]
pub struct Persona {
    /// What the page calls it.
    pub name: String,
    /// Its token; none for somebody without login.
    pub token: Option<String>,
    /// A query to begin with.
    pub query: String,
}

/// Own files only, no inline code, no other origin.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

struct File {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    etag: String,
}

macro_rules! files {
    ($($name:literal: $content_type:expr,)*) => {
        [$(File::new($name, $content_type, include_bytes!(concat!("../../assets/graphiql/", $name)))),*]
    };
}

static FILES: LazyLock<[File; 7]> = LazyLock::new(|| {
    files! {
        "index.html": HTML,
        "app.css": CSS,
        "app.js": JAVASCRIPT,
        "graphiql.min.css": CSS,
        "graphiql.min.js": JAVASCRIPT,
        "react.production.min.js": JAVASCRIPT,
        "react-dom.production.min.js": JAVASCRIPT,
    }
});

impl File {
    fn new(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, bytes)));
        Self { name, content_type, bytes, etag }
    }

    /// Revalidated on each use, which costs one small answer and never shows an old page after an upgrade.
    fn respond(&self, headers: &HeaderMap) -> Response {
        let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let unchanged = known.is_some_and(|known| known.split(',').any(|tag| tag.trim() == self.etag));
        let mut response =
            if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { self.bytes.into_response() };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.extend(HeaderValue::from_str(&self.etag).ok().map(|etag| (header::ETAG, etag)));
        response
    }
}

/// The page at `/graphiql`, its files below, and the personas if there are any.
pub(super) fn routes(personas: Option<Arc<[Persona]>>) -> Router<Served> {
    let router =
        Router::new().route("/graphiql", get(async |headers: HeaderMap| serve("index.html", &headers).await)).route(
            "/graphiql/{file}",
            get(async |Path(file): Path<String>, headers: HeaderMap| serve(&file, &headers).await),
        );
    let Some(personas) = personas else { return router };
    router.route("/graphiql/personas.json", get(async move || json(&personas)))
}

async fn serve(name: &str, headers: &HeaderMap) -> Response {
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => file.respond(headers),
        None => super::not_found().await,
    }
}

fn json(personas: &[Persona]) -> Response {
    match serde_json::to_string(personas) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
