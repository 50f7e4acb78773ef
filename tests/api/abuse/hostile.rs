//! Documents as an attacker would send them, made from a few lines each so that none has to be kept.

use serde_json::{Value, json};

/// Numbers that are the same in each run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).expect("small")
    }

    /// Mostly a few, sometimes very many: around every limit, and far beyond it.
    fn many(&mut self, most: usize) -> usize {
        let bits = self.below(usize::BITS as usize - most.leading_zeros() as usize) + 1;
        1 + self.below(most.min(1 << bits))
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// What is sent.
pub struct Hostile {
    pub kind: &'static str,
    pub document: String,
    pub variables: Value,
}

type Make = fn(&mut Dice) -> (String, Value);

const KINDS: [(&str, Make); 26] = [
    ("selections without end", |dice| {
        let (depth, open) = (dice.many(30_000), dice.one(&["{a", "{viewer", "{customers{nodes", "{...{a", "{a:a"]));
        let closed = if dice.below(2) == 0 { 0 } else { depth };
        plain(open.repeat(depth) + &"}".repeat(closed))
    }),
    ("values without end", |dice| {
        let depth = dice.many(30_000);
        let (open, close) = if dice.below(2) == 0 { ("[", "]") } else { ("{a:", "}") };
        plain(format!("{{__type(name:{}1{}){{name}}}}", open.repeat(depth), close.repeat(depth)))
    }),
    ("types without end", |dice| {
        let depth = dice.many(30_000);
        plain(format!("query($a:{}Int{}){{viewer{{role}}}}", "[".repeat(depth), "]".repeat(depth)))
    }),
    ("many aliases", |dice| plain(format!("{{{}}}", each(dice.many(6_000), |it| format!("a{it}:viewer{{role}} "))))),
    ("many fields at the root", |dice| {
        let fields = [
            "viewer{role}",
            "customers{totalCount}",
            "dashboard{subscriptions}",
            "tiers{totalCount}",
            "members{totalCount}",
        ];
        plain(format!("{{{}}}", each(dice.many(40), |it| format!("a{it}:{} ", fields[it % fields.len()]))))
    }),
    ("many mutations", |dice| {
        let one = |it| format!("a{it}:createCustomer(input:{{name:\"\"}}){{userErrors{{code}}}} ");
        plain(format!("mutation{{{}}}", each(dice.many(900), one)))
    }),
    ("many directives", |dice| {
        let directive = dice.one(&["@skip(if:false)", "@include(if:true)", "@a", "@skip(if:$a)"]);
        plain(format!(
            "query {} {{viewer{}{{role}}}}",
            directive.repeat(dice.many(2_000)),
            directive.repeat(dice.many(2_000))
        ))
    }),
    ("text that says nothing", |dice| {
        let nothing = dice.one(&[",", " ", "\n", "\u{feff}", "#\n", "# a long comment that goes on\n", "\t\r\n"]);
        plain(format!("{{viewer{{{}role}}}}", nothing.repeat(dice.many(60_000))))
    }),
    ("fragments that double", |dice| {
        let levels = dice.many(64);
        let step = |it: usize| format!("fragment F{it} on Viewer{{...F{0} ...F{0} ...{{...F{0}}}}}", it + 1);
        plain(format!("{{viewer{{...F0}}}} {} fragment F{levels} on Viewer{{role}}", each(levels, step)))
    }),
    ("fragments that double what they select", |dice| {
        let levels = dice.many(24);
        let step = |it: usize| {
            format!("fragment F{it} on Organization{{a{it}:parent{{...F{0}}}b{it}:parent{{...F{0}}}}}", it + 1)
        };
        plain(format!(
            "{{organizations{{nodes{{...F0}}}}}} {} fragment F{levels} on Organization{{id}}",
            each(levels, step)
        ))
    }),
    ("fragments in a circle", |dice| {
        let count = dice.many(300);
        plain(format!(
            "{{viewer{{...F0}}}} {}",
            each(count, |it| format!("fragment F{it} on Viewer{{...F{}}}", (it + 1) % count))
        ))
    }),
    ("fields to be merged", |dice| {
        let field = dice.one(&[
            "a:role",
            "a:subject",
            "customers(first:1){nodes{id}}",
            "customers{nodes{id name}}",
            "customers{...{nodes{id}}}",
        ]);
        let other = dice.one(&["a:role", "b:role", "customers(first:2){nodes{id}}", "customers{nodes{id}}", ""]);
        plain(format!("{{{}{other}}}", format!("{field} ").repeat(dice.many(2_000))))
    }),
    ("fields to be merged in fragments", |dice| {
        let count = dice.many(300);
        let spread = each(count, |it| format!("...F{it} "));
        let fragment = |it: usize| format!("fragment F{it} on Query{{customers{{nodes{{id}}...G}}}}");
        plain(format!(
            "{{{spread}}} {} fragment G on CustomerConnection{{nodes{{{}}}}}",
            each(count, fragment),
            "name ".repeat(dice.many(500))
        ))
    }),
    ("many operations", |dice| {
        let count = dice.many(400);
        let spread = each(dice.many(20), |it| format!("...F{it} "));
        plain(format!(
            "{} {}",
            each(count, |it| format!("query Q{it}{{{spread}}}")),
            each(20, |it| format!("fragment F{it} on Query{{viewer{{role}}}}"))
        ))
    }),
    ("many variables", |dice| {
        let count = dice.many(3_000);
        let ty = dice.one(&[
            "Int",
            "[Int!]=[1,2,3]",
            "CustomerFilter={search:\"a\"}",
            "JSON={a:[{b:{}}]}",
            "Nothing",
            "Int=1e400",
        ]);
        plain(format!("query({}){{viewer{{role}}}}", each(count, |it| format!("$v{it}:{ty} "))))
    }),
    ("variables that are not asked for", |dice| {
        let variables = (0..dice.many(5_000)).map(|it| (format!("v{it}"), json!([[it]]))).collect();
        ("{viewer{role}}".to_owned(), Value::Object(variables))
    }),
    ("long texts", |dice| {
        let text = dice
            .one(&["a", "\\u0041", "\\u{1F600}", "\\\"", "\\ud83d\\ude00", "\\uD800", "é"])
            .repeat(dice.many(30_000));
        let quote = dice.one(&["\"", "\"\"\""]);
        plain(format!("{{customers(where:{{search:{quote}{text}{quote}}}){{totalCount}}}}"))
    }),
    ("fields that there are not", |dice| {
        plain(format!("{{{}}}", each(dice.many(3_000), |it| format!("nothing{it}(a:{it}) "))))
    }),
    ("long names", |dice| {
        let name = "n".repeat(dice.many(100_000));
        plain(match dice.below(4) {
            0 => format!("{{{name}}}"),
            1 => format!("{{viewer{{{name}}}}}"),
            2 => format!("query(${name}:Int){{viewer{{role}}}}"),
            _ => format!("{{customers(where:{{{name}:1}}){{totalCount}}}}"),
        })
    }),
    ("introspection in itself", |dice| {
        let depth = dice.many(12);
        let (open, close) = ("fields{type{".repeat(depth), "}}".repeat(depth));
        plain(format!("{{__schema{{types{{{open}name{close}}}}}}}"))
    }),
    ("lists in lists", |dice| {
        let depth = dice.many(6);
        let first = dice.one(&["1", "100", "50", "-1", "2147483647", "0"]);
        let open = format!("customers(first:{first}){{nodes{{organization{{").repeat(depth);
        plain(format!("{{{open}id{}}}", "}}}".repeat(depth)))
    }),
    ("numbers beyond all bounds", |dice| {
        let number = match dice.below(4) {
            0 => "9".repeat(dice.many(20_000)),
            1 => format!("1e{}", "9".repeat(dice.many(10_000))),
            2 => format!("-0.{}", "0".repeat(dice.many(20_000))),
            _ => format!("1{}", "e1".repeat(dice.many(100))),
        };
        plain(format!("{{customers(first:{number}){{totalCount}}}}"))
    }),
    ("values that do not fit", |dice| {
        let overrides: Vec<Value> = (0..dice.many(9_000)).map(|_| json!({})).collect();
        let document = "mutation($i:CreateCustomerInput!){createCustomer(input:$i){userErrors{code}}}".to_owned();
        let long = "k".repeat(dice.many(50_000));
        (document, json!({"i": {"name": 1, "subscription": {"featureOverrides": overrides}, long: 1}}))
    }),
    ("twice the same", |dice| {
        let part = dice.one(&["first:1 ", "where:{} "]);
        let fields = "search:\"a\" ".repeat(dice.many(700));
        plain(format!("{{customers({}where:{{{fields}}}){{totalCount}}}}", part.repeat(dice.many(700))))
    }),
    ("many ids", |dice| {
        let ids: Vec<_> = (0..dice.many(2_000)).map(|it| format!("cus_{it}")).collect();
        ("query($ids:[ID!]!){nodes(ids:$ids){id}}".to_owned(), json!({ "ids": ids }))
    }),
    ("soup", |dice| {
        const WORDS: [&str; 30] = [
            "{",
            "}",
            "{",
            "}",
            "(",
            ")",
            "[",
            "]",
            ":",
            "$",
            "...",
            "@",
            "!",
            "=",
            "|",
            "&",
            "\"",
            "\"\"\"",
            "on",
            "query",
            "mutation",
            "fragment",
            "subscription",
            "viewer",
            "customers",
            "nodes",
            "1",
            "1.5e3",
            "\u{0}",
            "#",
        ];
        let words = dice.many(3_000);
        plain((0..words).map(|_| dice.one(&WORDS).to_owned() + " ").collect())
    }),
];

fn plain(document: String) -> (String, Value) {
    (document, json!({}))
}

fn each(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect()
}

/// The documents of this number and the following ones, each kind in its turn.
pub fn hostile(from: u64, count: u64) -> impl Iterator<Item = Hostile> {
    (from..from + count).map(|number| {
        let (kind, make) = KINDS[usize::try_from(number).expect("small") % KINDS.len()];
        let (document, variables) = make(&mut Dice::new(number));
        Hostile { kind, document, variables }
    })
}
