// Documents with variables, of every kind that engines are known to disagree on. Nothing here is random: each run makes
// the same documents in the same order.

const cases = [];

// `more` may hold `variables` and `operationName`.
const add = (kind, document, more = {}) => cases.push({ kind, document, ...more });

// Fields that meet ---------------------------------------------------------------------------------------------------

// Two selections of a customer.
const PAIRS = [
  ["name", "name"],
  ["x: name", "x: email"],
  ["x: name", "y: name"],
  ["name", "name: email"],
  ["subscriptions(first: 1) { nodes { id } }", "subscriptions(first: 2) { nodes { id } }"],
  ["subscriptions(first: 1) { nodes { id } }", "subscriptions { nodes { id } }"],
  ["subscriptions(first: 1, last: null) { nodes { id } }", "subscriptions(last: null, first: 1) { nodes { status } }"],
  ["subscriptions(first: 1) { nodes { id } }", "subscriptions(last: 1) { nodes { id } }"],
  ["subscriptions(where: {expired: true, search: \"a\"}) { nodes { id } }", "subscriptions(where: {search: \"a\", expired: true}) { nodes { id } }"],
  ["subscriptions(where: {status: {in: [ACTIVE, PENDING]}}) { nodes { id } }", "subscriptions(where: {status: {in: [PENDING, ACTIVE]}}) { nodes { id } }"],
  ["subscriptions(orderBy: {field: AMOUNT}) { nodes { id } }", "subscriptions(orderBy: [{field: AMOUNT}]) { nodes { id } }"],
  ["subscriptions(where: {search: \"a\"}) { nodes { id } }", "subscriptions(where: {search: \"\\u0061\"}) { nodes { id } }"],
  ["subscriptions(where: {search: \"a\"}) { nodes { id } }", "subscriptions(where: {search: \"\"\"a\"\"\"}) { nodes { id } }"],
  ["subscriptions { nodes { x: id } }", "subscriptions { nodes { x: status } }"],
  ["subscriptions { nodes { x: id } }", "subscriptions { nodes { y: status } }"],
  ["subscriptions { nodes { price { formatted(locale: \"de\") } } }", "subscriptions { nodes { price { formatted(locale: \"en\") } } }"],
  ["subscriptions { nodes { price { formatted } } }", "subscriptions { nodes { price { formatted(locale: \"en\") } } }"],
  ["subscriptions { nodes { price { formatted(locale: \"de\") } } }", "subscriptions { nodes { price { formatted(locale: \"de\") amountMinor } } }"],
  ["x: subscription { id }", "x: organization { id }"],
  ["name @include(if: true)", "name @skip(if: true)"],
  ["x: name @include(if: false)", "x: email @include(if: false)"],
];

// Ways for two selections of a customer to meet.
const MEETINGS = {
  "one set": (a, b) => `{ customer(id: "c") { ${a} ${b} } }`,
  "two fields": (a, b) => `{ customer(id: "c") { ${a} } customer(id: "c") { ${b} } }`,
  "an inline fragment": (a, b) => `{ customer(id: "c") { ${a} ... { ${b} } } }`,
  "a typed inline fragment": (a, b) => `{ customer(id: "c") { ... on Customer { ${a} } ... on Node { ... on Customer { ${b} } } } }`,
  "two fragments": (a, b) => `{ customer(id: "c") { ...A ...B } } fragment A on Customer { ${a} } fragment B on Customer { ${b} }`,
  "a fragment of the root": (a, b) => `{ ...A customer(id: "c") { ${b} } } fragment A on Query { customer(id: "c") { ${a} } }`,
  "a fragment in a fragment": (a, b) => `{ customer(id: "c") { ...A ${b} } } fragment A on Customer { ...B } fragment B on Customer { ${a} }`,
  "a list": (a, b) => `{ customers { nodes { ${a} } edges { node { ${a} } } nodes { ${b} } } }`,
  "an interface": (a, b) => `{ node(id: "c") { ... on Customer { ${a} } ... on Customer { ${b} } } }`,
};

for (const [way, meet] of Object.entries(MEETINGS)) {
  for (const [a, b] of PAIRS) add(`merge, ${way}`, meet(a, b));
}

// What may differ because no object is of both types, and what may not.
const ABSTRACT = [
  ["x: name", "x: slug"],
  ["x: name", "x: billingEmail"],
  ["x: name", "x: id"],
  ["x: name", "x: exempt"],
  ["x: name", "x: metadata"],
  ["x: metadata", "x: metadata"],
  ["x: version", "x: name"],
  ["x: status", "x: status"],
  ["x: status", "x: name"],
  ["x: createdAt", "x: updatedAt"],
  ["x: createdAt", "x: name"],
  ["x: subscription { id }", "x: subscription { id status }"],
  ["x: subscription { y: id }", "x: subscription { y: status }"],
  ["x: subscription { y: createdAt }", "x: subscription { y: trialEndsAt }"],
  ["x: subscription { y: id }", "x: parent { y: id }"],
  ["x: subscription { y: id }", "x: parent { y: name }"],
  ["x: subscription { id }", "x: subscriptions { nodes { id } }"],
  ["x: subscription { id }", "x: name"],
  ["subscriptions(first: 1) { nodes { id } }", "subscriptions(first: 2) { nodes { id } }"],
  ["subscriptions(first: 1) { nodes { x: id } }", "subscriptions(first: 2) { nodes { x: status } }"],
  ["subscriptions { nodes { id } }", "subscriptions { nodes: edges { cursor } }"],
];
for (const [a, b] of ABSTRACT) {
  add("merge, two objects of an interface", `{ node(id: "c") { ... on Customer { ${a} } ... on Organization { ${b} } } }`);
  add("merge, two objects of a union", `{ subscription(id: "s") { owner { ... on Customer { ${a} } ...O } } } fragment O on Organization { ${b} }`);
}
for (const [a, b] of [["id", "id: name"], ["id", "id"], ["x: id", "x: name"], ["__typename", "x: __typename"], ["x: __typename", "x: name"]]) {
  add("merge, an interface and its object", `{ node(id: "c") { ${a} ... on Customer { ${b} } } }`);
}
add("merge, a variable twice", "query($n: Int) { customer(id: \"c\") { subscriptions(first: $n) { nodes { id } } subscriptions(first: $n) { nodes { status } } } }");
add("merge, two variables", "query($n: Int, $m: Int) { customer(id: \"c\") { subscriptions(first: $n) { nodes { id } } subscriptions(first: $m) { nodes { id } } } }");
add("merge, a variable and its default", "query($n: Int = 1) { customer(id: \"c\") { subscriptions(first: $n) { nodes { id } } subscriptions(first: 1) { nodes { id } } } }");
add("merge, two fields of the root", "{ customer(id: \"a\") { id } customer(id: \"b\") { id } }");
add("merge, two mutations", "mutation { deleteCustomer(input: {id: \"a\"}) { deletedId } deleteCustomer(input: {id: \"b\"}) { deletedId } }");
add("merge, one mutation twice", "mutation { ...A ...B } fragment A on Mutation { deleteCustomer(input: {id: \"a\"}) { deletedId } } fragment B on Mutation { deleteCustomer(input: {id: \"a\"}) { userErrors { code } } }");
add("merge, an error's objects", "mutation { deleteCustomer(input: {id: \"a\"}) { userErrors { ... on StaleVersion { x: current } ... on LimitExceeded { x: used } } } }");
add("merge, an error's objects", "mutation { deleteCustomer(input: {id: \"a\"}) { userErrors { ... on StaleVersion { x: current } ... on IllegalTransition { y: state } } } }");
add("merge, far apart", `{ customer(id: "c") { ${"... { ".repeat(5)} x: name ${"} ".repeat(5)} ...F } } fragment F on Customer { ...G } fragment G on Customer { ... { x: email } }`);
add("merge, within a cycle of names", "{ customer(id: \"c\") { ...A } } fragment A on Customer { subscription { owner { ... on Customer { x: name ...B } } } } fragment B on Customer { x: email }");

// Texts --------------------------------------------------------------------------------------------------------------

const TEXTS = [
  String.raw`"plain"`, String.raw`""`, String.raw`"\""`, String.raw`"\\"`, String.raw`"\/"`, String.raw`"\b\f\n\r\t"`,
  String.raw`"\u00e9"`, String.raw`"\u00E9"`, String.raw`"\ud83d\ude00"`, String.raw`"\uD83D\uDE00"`, String.raw`"\u{1F600}"`,
  String.raw`"\u{1f600}\u{41}"`, String.raw`"\u{000041}"`, String.raw`"\u{110000}"`, String.raw`"\u{}"`, String.raw`"\u{41"`,
  String.raw`"\u{d83d}"`, String.raw`"\ud83d"`, String.raw`"\ude00\ud83d"`, String.raw`"\ud83d\u0041"`, String.raw`"\ud83d\u{de00}"`,
  String.raw`"\u00"`, String.raw`"\u00zz"`, String.raw`"\q"`, String.raw`"\x41"`, String.raw`"\u0000"`, String.raw`"\u{0}"`,
  '"a\nb"', '"a\tb"', '"a\u0001b"', '"a\u007fb"', '"a\u2028b"', '"unterminated', '"é"', '"😀"', '"İıß"', '"\ufeff"',
  '"""plain"""', '""""""', '""" """', '"""\n"""', '"""say \\""" twice"""', '"""\\"""', '"""a\\nb"""', '"""a\\u0041"""',
  '"""\n    one\n      two\n    three\n"""', '"""one\n    two\n  three"""', '"""\n\n  one\n\n  two\n\n"""', '"""\r\n  one\r\n  two\r\n"""',
  '"""one\rtwo"""', '"""\tone\n\ttwo"""', '"""\n \t one\n \t two\n"""', '"""a "quoted" text"""', '"""a\u0001b"""', '"""ends with a quote\\""""""',
  '"""unterminated', '"""\n  \n  one\n  \n"""', '"""   one"""', '"""😀"""',
];
for (const text of TEXTS) add("text", `{ customer(id: ${text}) { id } }`);
add("text, in an object", String.raw`{ customers(where: {search: "\ud83d\ude00 \"x\"", externalRef: """\"""a"""}) { nodes { id } } }`);
add("text, byte order mark", "\ufeff{ viewer { role } }");
add("text, commas and comments", ",{,viewer,{,role,},},# a comment");
add("text, carriage returns", "{\r\n viewer\r{ role }\r\n}");
add("text, a character that is none", "{ viewer { role ? } }");
add("text, a no-break space", "{ viewer {\u00a0role } }");

// Literals in every kind of place ------------------------------------------------------------------------------------

// A place for a value: its type, and the document around it.
const PLACES = {
  "Int": ["Int", (value) => `customers(first: ${value}) { nodes { id } }`],
  "String": ["String", (value) => `customers(after: ${value}) { nodes { id } }`],
  "ID!": ["ID!", (value) => `customer(id: ${value}) { id }`],
  "Boolean": ["Boolean", (value) => `subscriptions(where: {expired: ${value}}) { nodes { id } }`],
  "an enum": ["CustomerSort!", (value) => `customers(orderBy: [{field: ${value}}]) { nodes { id } }`],
  "an enum with a default": ["OrderDirection", (value) => `customers(orderBy: [{field: NAME, direction: ${value}}]) { nodes { id } }`],
  "a list of enums": ["[SubscriptionStatus!]", (value) => `subscriptions(where: {status: {in: ${value}}}) { nodes { id } }`],
  "a list of ids": ["[ID!]!", (value) => `nodes(ids: ${value}) { id }`],
  "an input object": ["CustomerFilter", (value) => `customers(where: ${value}) { nodes { id } }`],
  "a list of input objects": ["[CustomerOrder!]", (value) => `customers(orderBy: ${value}) { nodes { id } }`],
  "DateTime": ["DateTime", (value) => `customers(where: {createdAt: {from: ${value}}}) { nodes { id } }`],
  "SafeInt": ["SafeInt", (value) => `subscriptions(where: {amount: {min: ${value}}}) { nodes { id } }`],
  "CurrencyCode": ["CurrencyCode", (value) => `payments(where: {currency: ${value}}) { nodes { id } }`],
};
const LITERALS = [
  "1", "-1", "0", "-0", "00", "01", "2147483647", "2147483648", "-2147483648", "-2147483649", "1.0", "1.5", "1e3", "1.", ".5", "+1", "0x1", "1a",
  "\"1\"", "\"\"", "\"NAME\"", "\"ACTIVE\"", "\"2026-01-01T00:00:00Z\"", "\"EUR\"", "true", "false", "null", "NAME", "ACTIVE", "DESC", "Name", "NOTHING",
  "[]", "[1]", "[null]", "[\"a\", \"b\"]", "[[\"a\"]]", "[ACTIVE]", "[ACTIVE, null]", "{}", "{field: NAME}", "[{field: NAME}, {field: CREATED_AT, direction: DESC}]",
  "[{}]", "{search: \"a\"}", "{search: 1}", "{search: null}", "{nothing: 1}", "{search: \"a\", search: \"a\"}", "{status: {eq: ACTIVE}}", "{status: {eq: \"ACTIVE\"}}", "{ids: \"a\"}", "{ids: [1, \"b\"]}",
];
for (const [place, [, put]] of Object.entries(PLACES)) {
  for (const literal of LITERALS) add(`literal for ${place}`, `{ ${put(literal)} }`);
}

// Variables ----------------------------------------------------------------------------------------------------------

const VALUES = [
  1, -1, 0, 2147483647, 2147483648, 1.5, 1000, "1", "", "NAME", "DESC", "ACTIVE", "2026-01-01T00:00:00Z", "EUR", true, null, [], [1], ["a", "b"], [["a"]], [null], ["ACTIVE", "PENDING"],
  {}, { field: "NAME" }, [{ field: "NAME" }, { field: "EMAIL", direction: "DESC" }], { search: "a" }, { search: 1 }, { search: null }, { nothing: 1 },
  { status: { eq: "ACTIVE" } }, { ids: "a" }, { ids: [1, "b"] }, { createdAt: { from: "2026-01-01T00:00:00Z" } },
];
for (const [place, [type, put]] of Object.entries(PLACES)) {
  const document = `query($v: ${type}) { ${put("$v")} }`;
  add(`variable for ${place}`, document);
  for (const value of VALUES) add(`variable for ${place}`, document, { variables: { v: value } });
}

// Types of variables against the types of places.
const DECLARED = [
  "Int", "Int!", "[Int]", "[Int!]!", "String", "String!", "ID", "ID!", "[ID]", "[ID!]", "[ID!]!", "Boolean", "Boolean!", "CustomerSort", "CustomerSort!", "OrderDirection", "OrderDirection!",
  "CustomerFilter", "CustomerFilter!", "[CustomerOrder!]", "CustomerOrder", "DateTime", "SafeInt", "CurrencyCode", "JSON", "SubscriptionStatus", "[SubscriptionStatus!]", "[SubscriptionStatus]",
];
for (const [place, [, put]] of Object.entries(PLACES)) {
  for (const type of DECLARED) add(`variable of another type for ${place}`, `query($v: ${type}) { ${put("$v")} }`);
}
const DEFAULTS = [
  ["Int", "1", "customers(first: $v) { nodes { id } }"], ["Int", "null", "customers(first: $v) { nodes { id } }"], ["Int!", "1", "customers(first: $v) { nodes { id } }"],
  ["Int!", "null", "customers(first: $v) { nodes { id } }"], ["Int", "\"1\"", "customers(first: $v) { nodes { id } }"], ["Int", "1.5", "customers(first: $v) { nodes { id } }"],
  ["ID", "\"a\"", "customer(id: $v) { id }"], ["ID", "1", "customer(id: $v) { id }"], ["ID", "null", "customer(id: $v) { id }"], ["[ID!]", "\"a\"", "nodes(ids: $v) { id }"],
  ["[ID!]", "[\"a\", null]", "nodes(ids: $v) { id }"], ["OrderDirection", "DESC", "customers(orderBy: {field: NAME, direction: $v}) { nodes { id } }"],
  ["OrderDirection", "\"DESC\"", "customers(orderBy: {field: NAME, direction: $v}) { nodes { id } }"], ["OrderDirection", "null", "customers(orderBy: {field: NAME, direction: $v}) { nodes { id } }"],
  ["CustomerSort", "NAME", "customers(orderBy: {field: $v}) { nodes { id } }"], ["CustomerFilter", "{search: \"a\"}", "customers(where: $v) { nodes { id } }"],
  ["CustomerFilter", "{}", "customers(where: $v) { nodes { id } }"], ["CustomerFilter", "{nothing: 1}", "customers(where: $v) { nodes { id } }"],
  ["[CustomerOrder!]", "{field: NAME}", "customers(orderBy: $v) { nodes { id } }"], ["[CustomerOrder!]", "[{field: NAME}]", "customers(orderBy: $v) { nodes { id } }"],
  ["[CustomerOrder!]", "[{}]", "customers(orderBy: $v) { nodes { id } }"], ["Int", "$w", "customers(first: $v) { nodes { id } }"],
];
for (const [type, value, field] of DEFAULTS) {
  const document = `query($v: ${type} = ${value}) { ${field} }`;
  for (const variables of [{}, { v: null }]) add("variable with a default", document, { variables });
}

// Where the schema has a default, or a null is not allowed.
const WHERE_DEFAULTS = [
  ["String", "tier(id: \"t\") { prices { amount { formatted(locale: $v) } } }", ["de", null, 5]],
  ["String!", "tier(id: \"t\") { prices { amount { formatted(locale: $v) } } }", ["de", null]],
  ["OrderDirection", "customers(orderBy: [{field: NAME, direction: $v}]) { nodes { id } }", ["DESC", null, "desc"]],
  ["ID", "customers(where: {organizationId: $v}) { nodes { id } }", ["a", 1, null]],
  ["ID", "customers(where: {ids: [$v]}) { nodes { id } }", ["a", null]],
  ["ID!", "customers(where: {ids: [$v, \"b\"]}) { nodes { id } }", ["a", null]],
  ["Int", "customers(first: $v, last: $v) { nodes { id } }", [1, null]],
];
for (const [type, field, values] of WHERE_DEFAULTS) {
  const document = `query($v: ${type}) { ${field} }`;
  add("variable where there is a default", document);
  for (const value of values) add("variable where there is a default", document, { variables: { v: value } });
}
const COMMANDS = [
  ["CancelTiming", "cancelSubscription(input: {id: \"s\", timing: $v}) { subscription { id } }", ["NOW", null, "now"]],
  ["JSON", "createCustomer(input: {name: \"a\", metadata: $v}) { customer { id } }", [null, 1, "a", [1, { a: null }], { a: { b: [true] } }]],
  ["String", "updateCustomer(input: {id: \"c\", email: $v}) { customer { id } }", ["a@example.com", null, 1]],
  ["CreateCustomerInput!", "createCustomer(input: $v) { customer { id } }", [{}, { name: "a" }, { name: null }, { name: "a", subscription: {} }, { name: "a", subscription: { billingCycle: null } },
    { name: "a", subscription: { billingCycle: "YEARLY", requiresPayment: "true" } }, { name: "a", nothing: 1 }, { name: ["a"] }, [{ name: "a" }], "a"]],
  ["UpdateTierInput!", "updateTier(input: $v) { tier { id } }", [{ id: "t", prices: { billingCycle: "MONTHLY", currency: "EUR", amountMinor: 1 } }, { id: 1, rank: 1.0 }, { id: 1.5 }, { id: "t", rank: "1" }, { id: "t", public: 1 }]],
  ["CreateTierInput!", "createTier(input: $v) { tier { id } }", [{ key: "a", name: "b", kind: "CUSTOMER", rank: 1 }, { key: "a", name: "b", kind: "CUSTOMER", rank: 1, features: { key: "x", kind: "SWITCH" } }, { key: "a", name: "b", kind: "customer", rank: 1 }]],
];
for (const [type, field, values] of COMMANDS) {
  const document = `mutation($v: ${type}) { ${field} }`;
  add("variable of a mutation", document);
  for (const value of values) add("variable of a mutation", document, { variables: { v: value } });
}
add("literal of a mutation", "mutation { createCustomer(input: {name: \"a\", metadata: {a: [1, 2.5, true, null, NAME, \"x\"]}}) { customer { id } } }");
add("literal of a mutation", "mutation($m: JSON) { createCustomer(input: {name: \"a\", metadata: {a: $m, b: [$m]}}) { customer { id } } }", { variables: { m: { x: 1 } } });
add("literal of a mutation", "mutation($m: JSON) { createCustomer(input: {name: \"a\", metadata: {a: $m, b: [$m]}}) { customer { id } } }");
add("literal of a mutation", "mutation { createCustomer(input: {name: \"a\", metadata: {a: 1, a: 2}}) { customer { id } } }");
add("literal of a mutation", "mutation { createTier(input: {key: \"a\", name: \"b\", kind: CUSTOMER, rank: 1, features: {key: \"x\", kind: SWITCH}}) { tier { id } } }");
add("literal of a mutation", "mutation { createCustomer(input: {}) { customer { id } } }");
add("literal of a mutation", "mutation { createCustomer { customer { id } } }");

// Variables that nobody uses or declares.
add("unused variable", "query($v: Int) { viewer { role } }");
add("unused variable", "query($v: Int) { viewer { role } }", { variables: { v: "x" } });
add("more variables than declared", "query($v: Int) { customers(first: $v) { nodes { id } } }", { variables: { v: 1, w: 2 } });
add("undefined variable", "{ customers(first: $v) { nodes { id } } }", { variables: { v: 1 } });
add("undefined variable", "query($v: Int) { ...A } fragment A on Query { customers(first: $v, after: $w) { nodes { id } } }");
add("undefined variable", "query A($v: Int) { ...F } query B { ...F } fragment F on Query { customers(first: $v) { nodes { id } } }", { operationName: "A", variables: { v: 1 } });
add("variable used in a fragment", "query($v: Int) { ...A } fragment A on Query { ...B } fragment B on Query { customers(first: $v) { nodes { id } } }", { variables: { v: 3 } });
add("variable twice", "query($v: Int, $v: Int) { customers(first: $v) { nodes { id } } }");
add("variable of an output type", "query($v: Customer) { customers(first: $v) { nodes { id } } }");
add("variable of an unknown type", "query($v: Nothing) { customers(first: $v) { nodes { id } } }");
add("variable in a directive", "query($v: Boolean!) { viewer { role @include(if: $v) } }", { variables: { v: false } });
add("variable in a directive", "query($v: Boolean) { viewer { role @include(if: $v) } }", { variables: { v: false } });
add("variable in a directive", "query($v: Boolean = true) { viewer { role @skip(if: $v) subject } }");
add("variable in a directive", "query($v: Boolean = true) { customers @skip(if: $v) { nodes { id } } viewer { role } }");
add("variable in a directive", "query($v: String!) { viewer { role @include(if: $v) } }", { variables: { v: "true" } });

// Rules of documents -------------------------------------------------------------------------------------------------

const RULES = {
  "executable definitions": ["{ viewer { role } } type X { a: Int }", "{ viewer { role } } extend type Query { a: Int }", "schema { query: Query }", "{ viewer { role } } directive @x on FIELD"],
  "operations": ["", "   # nothing", "query A { viewer { role } } query A { viewer { role } }", "{ viewer { role } } query A { viewer { role } }", "{ viewer { role } } { viewer { role } }", "query A { viewer { role } } mutation A { deleteCustomer(input: {id: \"a\"}) { deletedId } }",
    "subscription { anything }", "subscription A { a b }", "fragment A on Query { viewer { role } }", "query { }", "{ viewer { } }", "{ viewer() { role } }", "query() { viewer { role } }", "query A B { viewer { role } }", "query", "{", "}", "{ viewer { role }", "{ viewer { role } } }",
    "mutation { viewer { role } }", "{ deleteCustomer(input: {id: \"a\"}) { deletedId } }", "query query { viewer { role } }", "query on { viewer { role } }", "query true { viewer { role } }"],
  "fields": ["{ nothing }", "{ viewer }", "{ viewer { nothing } }", "{ viewer { role { a } } }", "{ node(id: \"a\") { name } }", "{ node(id: \"a\") { id } }", "{ subscription(id: \"s\") { owner { id } } }", "{ subscription(id: \"s\") { owner { __typename } } }",
    "{ customers { id } }", "{ customers }", "{ a: viewer { a: role b: role } }", "{ viewer { true: role null: role } }", "{ viewer { __typename on: role fragment: role } }", "{ Viewer { role } }", "{ viewer { role: } }"],
  "fragments": ["{ ...A }", "{ viewer { ...A } } fragment A on Viewer { role } fragment A on Viewer { subject }", "{ viewer { role } } fragment A on Viewer { role }", "{ viewer { ...A } } fragment A on Customer { name }", "{ viewer { ...A } } fragment A on Nothing { name }",
    "{ viewer { ...A } } fragment A on Role { name }", "{ viewer { ...A } } fragment A on Viewer { ...A }", "{ viewer { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A role }", "{ viewer { role } } fragment A on Viewer { ...B } fragment B on Viewer { ...A }",
    "{ viewer { ... on Customer { name } } }", "{ viewer { ... on Nothing { name } } }", "{ viewer { ... on String { name } } }", "{ viewer { ... on Viewer { role } } }", "{ node(id: \"a\") { ... on Viewer { role } } }", "{ node(id: \"a\") { ... on Node { ... on Node { id } } } }",
    "{ subscription(id: \"s\") { owner { ... on Node { id } } } }", "{ subscription(id: \"s\") { owner { ... on Tier { id } } } }", "{ subscription(id: \"s\") { owner { ... on SubscriptionOwner { ... on Customer { id } } } } }", "{ viewer { ... on CustomerFilter { search } } }",
    "{ viewer { ...on } } fragment on on Viewer { role }", "{ viewer { ...A } } fragment A { role }", "{ viewer { ... A } } fragment A on Viewer @include(if: true) { role }", "{ viewer { ... @include(if: true) { role } } }", "{ viewer { ...A @include(if: false) subject } } fragment A on Viewer { role }", "{ customer(id: \"a\") { ... on UserError { code } } }"],
  "directives": ["{ viewer @nothing { role } }", "query @include(if: true) { viewer { role } }", "query @skip(if: true) { viewer { role } }", "{ viewer { role @include } }", "{ viewer { role @include(if: null) } }", "{ viewer { role @include(if: \"true\") } }", "{ viewer { role @include(if: true) @include(if: true) } }",
    "{ viewer { role @include(if: true) @skip(if: false) } }", "{ viewer { role @include(unless: true, if: true) } }", "{ viewer { role @include(if: true, if: true) } }", "{ viewer { role @deprecated } }", "{ viewer { role @specifiedBy(url: \"x\") } }", "query($v: Int @include(if: true)) { customers(first: $v) { nodes { id } } }",
    "mutation @skip(if: false) { deleteCustomer(input: {id: \"a\"}) { deletedId } }", "{ viewer { role @skip(if: false) @skip(if: true) } }", "{ viewer { ... @include(if: true) @include(if: true) { role } } }"],
  "arguments": ["{ viewer(a: 1) { role } }", "{ customer { id } }", "{ customer(id: null) { id } }", "{ customer(id: \"a\", id: \"a\") { id } }", "{ customer(id: \"a\", nothing: 1) { id } }", "{ customers(first: 1, first: 2) { nodes { id } } }", "{ customers(where: null) { nodes { id } } }", "{ customers(First: 1) { nodes { id } } }",
    "{ nodes { id } }", "{ nodes(ids: null) { id } }", "{ tier(id: \"t\") { prices { amount { formatted(locale: null) } } } }", "{ tier(id: \"t\") { prices { amount { formatted(locale: de) } } } }", "{ checkoutTiers(kind: CUSTOMER, currency: \"EUR\") { key } }", "{ checkoutTiers(kind: \"CUSTOMER\") { key } }", "{ checkoutTiers(currency: EUR) { key } }"],
  "introspection": ["{ __typename }", "{ a: __typename viewer { __typename } }", "mutation { __typename }", "{ __schema { queryType { name } } }", "{ __type(name: \"Customer\") { name fields(includeDeprecated: true) { name } } }", "{ __type { name } }", "{ __type(name: 1) { name } }", "{ viewer { __schema { queryType { name } } } }",
    "{ viewer { __type(name: \"a\") { name } } }", "{ __nothing }", "mutation { __schema { queryType { name } } }", "{ __typename { a } }", "{ __schema { types { name nothing } } }", "query($n: String!) { __type(name: $n) { name } }"],
  "input objects": ["{ customers(where: {status: {eq: ACTIVE, eq: ACTIVE}}) { nodes { id } } }", "{ customers(where: {createdAt: {from: \"2026-01-01T00:00:00Z\", from: \"2026-01-01T00:00:00Z\"}}) { nodes { id } } }", "{ customers(where: {status: {not: ACTIVE}}) { nodes { id } } }", "{ customers(where: {status: ACTIVE}) { nodes { id } } }",
    "{ customers(orderBy: [{direction: DESC}]) { nodes { id } } }", "{ customers(orderBy: {field: NAME, direction: null}) { nodes { id } } }", "{ customers(where: {ids: null}) { nodes { id } } }", "{ customers(where: {ids: [null]}) { nodes { id } } }", "{ customers(where: {ids: [\"a\", 1]}) { nodes { id } } }", "{ customers(where: {ids: \"a\"}) { nodes { id } } }"],
};
for (const [kind, documents] of Object.entries(RULES)) for (const document of documents) add(kind, document);

// Several operations, and which fields of the root are reached.
const SEVERAL = "query A($v: Int = 1) { customers(first: $v) { nodes { id } } } query B { a: viewer { role } ...F } mutation C { deleteCustomer(input: {id: \"a\"}) { deletedId } } fragment F on Query { b: customers(last: 2) { nodes { id } } }";
for (const operationName of ["A", "B", "C", "D", "", undefined]) add("several operations", SEVERAL, { operationName });
add("an operation of another name", "query A { viewer { role } }", { operationName: "B" });
add("an operation without a name", "{ viewer { role } }", { operationName: "A" });
add("fields of the root", "query($v: Boolean!) { customers(first: 1) @skip(if: $v) { nodes { id } } ... @include(if: $v) { members(first: 2) { nodes { id } } } ...F @skip(if: $v) } fragment F on Query { tiers(last: 3) { nodes { id } } }", { variables: { v: true } });
add("fields of the root", "query($v: Boolean!) { customers(first: 1) @skip(if: $v) { nodes { id } } ... @include(if: $v) { members(first: 2) { nodes { id } } } ...F @skip(if: $v) } fragment F on Query { tiers(last: 3) { nodes { id } } }", { variables: { v: false } });

export default cases;
