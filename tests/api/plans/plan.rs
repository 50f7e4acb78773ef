//! What the planner decides for a statement, and what is wrong with it.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TryGetable, sea_query};
use serde_json::Value;

use crate::support::Backend;

/// Tables that grow with the business, and the names that statements give them. A catalogue has a handful of add-ons, so
/// that any way through them will do.
const LARGE: [(&str, &str); 11] = [
    ("customers", "customers"),
    ("self", "customers"),
    ("subscriptions", "subscriptions"),
    ("payments", "payments"),
    ("payment_methods", "payment_methods"),
    ("members", "members"),
    ("audit_events", "audit_events"),
    ("tiers", "tiers"),
    ("tier_prices", "tier_prices"),
    ("tier_features", "tier_features"),
    ("features", "features"),
];

/// Holds one catalogue: to read all of it is not to read the table.
const PLATFORMS: [&str; 2] = ["tiers_platform_key", "features_platform_key"];

/// The planner's decision.
pub struct Plan {
    /// As people read it.
    pub text: String,
    /// What reads every row of a large table.
    pub scans: Vec<String>,
    /// What reads a large table otherwise than by the tenant: rows of other tenants are read and thrown away.
    pub strays: Vec<String>,
    /// Whether rows are sorted after they were found, not merely within those that are equal in the first keys.
    pub sorts: bool,
}

async fn explained<T: TryGetable>(
    database: &DatabaseConnection,
    statement: &Statement,
    by: &str,
    column: &str,
) -> Vec<T> {
    let mut asked = statement.clone();
    asked.sql = format!("{by} {}", statement.sql);
    let rows = database.query_all_raw(asked).await.unwrap_or_else(|error| panic!("{error} of {}", statement.sql));
    rows.iter().map(|row| row.try_get("", column).expect("a plan")).collect()
}

async fn run(database: &DatabaseConnection, sql: &str) {
    database.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{error} of {sql}"));
}

/// The type of a value and the value, as PostgreSQL writes them.
fn typed(value: &sea_query::Value) -> (String, String) {
    use sea_query::Value::{Array, BigInt, BigUnsigned, Bool, Int, Json, String, Uuid};
    let kind = match value {
        Bool(_) => "boolean",
        Int(_) => "integer",
        BigInt(_) | BigUnsigned(_) => "bigint",
        String(_) => "text",
        Uuid(_) => "uuid",
        Json(_) => "jsonb",
        Array(_, Some(items)) => {
            let items: Vec<_> = items.iter().map(|item| typed(item).1).collect();
            return ("uuid[]".to_owned(), format!("ARRAY[{}]::uuid[]", items.join(", ")));
        }
        other => panic!("say here how {other:?} is written"),
    };
    let value = Statement::from_sql_and_values(DbBackend::Postgres, "$1", [value.clone()]);
    (kind.to_owned(), value.to_string())
}

impl Plan {
    /// The plan for the statement with its values.
    pub async fn of(database: &DatabaseConnection, backend: Backend, statement: &Statement) -> Self {
        match backend {
            Backend::Postgres => {
                // As requests find it: prepared, with one plan for whatever values.
                let values = statement.values.iter().flat_map(|values| &values.0);
                let (types, values): (Vec<_>, Vec<_>) = values.map(typed).unzip();
                let within =
                    |list: &[String]| if list.is_empty() { String::new() } else { format!("({})", list.join(", ")) };
                let prepare = format!("PREPARE asked{} AS {}", within(&types), statement.sql);
                run(database, &format!("SET plan_cache_mode = force_generic_plan; {prepare}")).await;
                let execute = Statement::from_string(DbBackend::Postgres, format!("EXECUTE asked{}", within(&values)));
                let plan: Vec<Value> = explained(database, &execute, "EXPLAIN (FORMAT JSON)", "QUERY PLAN").await;
                run(database, "DEALLOCATE asked").await;
                let mut found = Self { text: String::new(), scans: Vec::new(), strays: Vec::new(), sorts: false };
                found.read(&plan[0][0]["Plan"], 0, false);
                found
            }
            Backend::Sqlite => {
                let steps: Vec<String> = explained(database, statement, "EXPLAIN QUERY PLAN", "detail").await;
                let large = steps.first().is_some_and(|step| table(step).is_some());
                let sorts = large && steps.iter().any(|step| step == "USE TEMP B-TREE FOR ORDER BY");
                let scans = steps.iter().filter(|step| reads_all(step, sorts)).cloned().collect();
                let by_tenant = |step: &String| step.contains("tenant_id=?");
                let strays = steps.iter().filter(|step| table(step).is_some() && !by_tenant(step)).cloned().collect();
                Self { text: steps.join("\n"), scans, strays, sorts }
            }
        }
    }

    /// Reads a node of PostgreSQL's plan and those below it. `whole` is whether something above needs all its rows.
    fn read(&mut self, node: &Value, depth: usize, whole: bool) {
        let text = |key: &str| node[key].as_str().unwrap_or_default();
        let kind = text("Node Type");
        let mut line = format!("{:1$}{kind}", "", depth * 2);
        for key in ["Index Name", "Relation Name", "Index Cond", "Recheck Cond", "Filter", "Sort Key", "Presorted Key"]
        {
            if !node[key].is_null() {
                line += &format!(" [{key}: {}]", node[key].to_string().trim_matches('"'));
            }
        }
        line += &format!(" (cost {}, rows {})", node["Total Cost"], node["Plan Rows"]);
        self.text += &line;
        self.text.push('\n');
        let large = LARGE.iter().any(|(_, table)| *table == text("Relation Name"));
        // An index that is read from its start is a scan of the table, unless the first rows are enough.
        let everything = match kind {
            "Seq Scan" => true,
            "Index Scan" | "Index Only Scan" => {
                whole && node["Index Cond"].is_null() && !PLATFORMS.contains(&text("Index Name"))
            }
            _ => false,
        };
        if large && everything {
            self.scans.push(line.trim().to_owned());
        }
        let reads = kind.ends_with("Scan") && kind != "Bitmap Heap Scan" && kind != "Subquery Scan";
        let of_large = large
            || kind == "Bitmap Index Scan" && LARGE.iter().any(|(_, table)| text("Index Name").starts_with(table));
        let by_tenant = text("Index Cond").contains("tenant_id") || PLATFORMS.contains(&text("Index Name"));
        if of_large && reads && !by_tenant {
            self.strays.push(line.trim().to_owned());
        }
        // A handful is sorted faster than it is read in order.
        let many = node["Plans"][0]["Plan Rows"].as_f64().is_some_and(|rows| rows > 100.0);
        self.sorts |= kind == "Sort" && many && names_large(node);
        let streams =
            ["Incremental Sort", "Nested Loop", "Subquery Scan", "Result", "LockRows", "Append", "Merge Append"];
        // A limit takes the first rows, whatever is done with them above it.
        let whole = kind != "Limit" && (whole || !streams.contains(&kind));
        let strays = self.strays.len();
        for child in node["Plans"].as_array().into_iter().flatten() {
            // A subplan that is hashed is not asked for each row, but read to its end.
            let hashed = child["Subplan Name"].as_str().is_some_and(|name| line.contains(&format!("hashed {name})")));
            if hashed && names_large(child) {
                self.scans.push(format!("{} is hashed by {}", child["Subplan Name"], line.trim()));
            }
            // Otherwise it answers for itself.
            let whole =
                whole && child["Parent Relationship"] != "SubPlan" || child["Parent Relationship"] == "InitPlan";
            self.read(child, depth + 1, whole);
        }
        // Rows are read where all indexes have them: one by the tenant is enough.
        if kind == "BitmapAnd" && node["Plans"].to_string().contains("tenant_id") {
            self.strays.truncate(strays);
        }
    }
}

/// Whether a node or one below it reads a large table, but for what is asked once or on its own.
fn names_large(node: &Value) -> bool {
    let own = LARGE.iter().any(|(_, table)| node["Relation Name"] == *table);
    let mut below = node["Plans"].as_array().into_iter().flatten();
    let apart = |node: &Value| node["Parent Relationship"] == "SubPlan" || node["Parent Relationship"] == "InitPlan";
    own || below.any(|node| !apart(node) && names_large(node))
}

/// The large table that a step of SQLite's plan reads.
fn table(step: &str) -> Option<&str> {
    let (_, read) = step.split_once("SCAN ").or_else(|| step.split_once("SEARCH "))?;
    let name = read.split(' ').next()?;
    LARGE.iter().find(|(alias, _)| *alias == name).map(|(_, table)| *table)
}

/// Whether a step of SQLite's plan reads every row of a large table.
fn reads_all(step: &str, sorts: bool) -> bool {
    // An index that is read in its order ends with the first rows that are enough.
    let walks = step.contains(" USING INDEX ") || step.contains(" USING COVERING INDEX ");
    step.starts_with("SCAN ") && table(step).is_some() && (sorts || !walks)
}
