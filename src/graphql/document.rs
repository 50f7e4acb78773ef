//! Documents: parsed once, and known to be valid once they were answered without an error.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::ServerError;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// How many bytes of query text are kept parsed. A parsed document takes about ten times its text.
const KEPT: u64 = 1024 * 1024;

/// How many documents there are about; the cache adapts to more.
const EXPECTED: usize = 256;

/// A parsed document.
pub struct Document {
    /// The document.
    pub parsed: ExecutableDocument,
    is_valid: AtomicBool,
}

impl Document {
    /// The operation of this name, if the document is known to be valid. Of several operations it is not known which
    /// one was validated: such a document never is.
    pub fn valid_operation(&self, name: Option<&str>) -> Option<&OperationDefinition> {
        let mut operations = self.parsed.operations.iter();
        let (Some((own_name, operation)), None) = (operations.next(), operations.next()) else { return None };
        let is_meant = name.is_none() || name == own_name.map(|name| name.as_str());
        (is_meant && self.is_valid.load(Ordering::Relaxed)).then_some(&operation.node)
    }

    /// Remembers that the document is valid, whatever its variables are.
    pub fn mark_valid(&self) {
        self.is_valid.store(true, Ordering::Relaxed);
    }
}

/// The documents that were asked for lately, by their text.
pub struct Documents(Cache<String, Arc<Document>, TextLength>);

/// Weighs a document by the bytes of its text.
#[derive(Clone)]
struct TextLength;

impl Weighter<String, Arc<Document>> for TextLength {
    fn weight(&self, query: &String, _: &Arc<Document>) -> u64 {
        query.len() as u64
    }
}

impl Documents {
    /// No documents yet.
    pub fn new() -> Self {
        Self(Cache::with_weighter(EXPECTED, KEPT, TextLength))
    }

    /// The document of this text, or what is wrong with its syntax.
    pub fn parse(&self, query: &str) -> Result<Arc<Document>, ServerError> {
        if let Some(known) = self.0.get(query) {
            return Ok(known);
        }
        let document = Arc::new(Document { parsed: parse_query(query)?, is_valid: AtomicBool::new(false) });
        self.0.insert(query.to_owned(), Arc::clone(&document));
        Ok(document)
    }
}
