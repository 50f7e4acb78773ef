//! Pages of every list, by every sort and in both directions.

use serde_json::{Value, json};

use super::{populate, same};
use crate::support::introspection::Schema;
use crate::support::{World, ask, on_both};

#[on_both]
async fn pages_are_the_same_forward_and_backward(world: &World) {
    let estates = populate(world).await;
    let schema = Schema::load(&world.root()).await;
    let mut number = 0;
    for field in schema.queries().iter().filter(|field| schema.get(field.of.named()).is_connection()) {
        let sorts = schema.get(field.args.iter().find(|arg| arg.name == "orderBy").expect("sorted").of.named());
        let keys = schema.get(sorts.input("field").expect("a field").of.named());
        for key in keys.values() {
            for (first, cursor, info, has) in
                [("first", "after", "endCursor", "hasNextPage"), ("last", "before", "startCursor", "hasPreviousPage")]
            {
                let (list, key) = (&field.name, &key.name);
                let document = format!(
                    "query($c: String, $d: OrderDirection!) {{ {list}({first}: 2, {cursor}: $c,
                            orderBy: [{{field: {key}, direction: $d}}])
                        {{ edges {{ cursor node {{ id }} }} \
                            pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
                            totalCount {{ value exact }} }} }}"
                );
                for (client, direction) in [(world.root(), "ASC"), (world.admin(world.alpha), "DESC")] {
                    let mut at = Value::Null;
                    for _ in 0..8 {
                        let variables = json!({"c": at, "d": direction});
                        number += 1;
                        assert!(same(&client, &document, &variables).await, "{document} {variables}");
                        let answer = ask(&client, &document, &variables).await.value();
                        let page = &answer["data"][list]["pageInfo"];
                        if page[has] == false {
                            break;
                        }
                        at = page[info].clone();
                    }
                }
            }
        }
    }
    assert!(number > 200, "{number}");
    drop(estates);
}
