// Writes what of Stripe's API is used, as Stripe's own package for Node describes it (it is generated from Stripe's OpenAPI
// file), and signatures made by it. A field that is named here and unknown there is an error.
//
// usage: node make.js stripe.json signatures.json

const fs = require("node:fs");
const path = require("node:path");
const ts = require("typescript");
const Stripe = require("stripe");

const root = path.join(process.cwd(), "node_modules/stripe");
const { version } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
const { ApiVersion } = require(path.join(root, "cjs/apiVersion.js"));

// Each: resource, method, the fields that are sent, what is answered. What is required is added by itself.
const PAGE = ["limit", "starting_after"];
const OPERATIONS = [
  ["Balance", "retrieve", null, [], "Balance"],
  ["Prices", "retrieve", "PriceRetrieveParams", [], "Price"],
  ["WebhookEndpoints", "create", "WebhookEndpointCreateParams", ["url", "api_version", "enabled_events"], "WebhookEndpoint"],
  ["Customers", "create", "CustomerCreateParams", ["name", "email", "metadata"], "Customer"],
  ["Customers", "list", "CustomerListParams", ["created.gte", ...PAGE], "list Customer"],
  ["Customers", "retrieve", "CustomerRetrieveParams", [], "Customer | DeletedCustomer"],
  ["Customers", "update", "CustomerUpdateParams", ["invoice_settings.default_payment_method"], "Customer"],
  ["Customers", "del", null, [], "DeletedCustomer"],
  ["Customers", "listPaymentMethods", "CustomerListPaymentMethodsParams", PAGE, "list PaymentMethod"],
  ["Checkout/Sessions", "create", "Checkout.SessionCreateParams", ["mode", "customer", "client_reference_id", "success_url", "cancel_url", "currency", "expires_at", "metadata", "line_items.price", "line_items.quantity", "subscription_data.metadata", "subscription_data.trial_end"], "Checkout.Session"],
  ["Checkout/Sessions", "list", "Checkout.SessionListParams", ["customer", ...PAGE], "list Checkout.Session"],
  ["Checkout/Sessions", "retrieve", "Checkout.SessionRetrieveParams", [], "Checkout.Session"],
  ["Checkout/Sessions", "expire", "Checkout.SessionExpireParams", [], "Checkout.Session"],
  ["BillingPortal/Sessions", "create", "BillingPortal.SessionCreateParams", ["customer", "return_url"], "BillingPortal.Session"],
  ["Subscriptions", "list", "SubscriptionListParams", ["customer", "status", ...PAGE], "list Subscription"],
  ["Subscriptions", "retrieve", "SubscriptionRetrieveParams", [], "Subscription"],
  ["Subscriptions", "update", "SubscriptionUpdateParams", ["cancel_at_period_end", "pause_collection.behavior", "default_payment_method", "items.id", "items.price", "items.quantity", "proration_behavior", "proration_date", "payment_behavior"], "Subscription"],
  ["Subscriptions", "cancel", "SubscriptionCancelParams", [], "Subscription"],
  ["Invoices", "retrieve", "InvoiceRetrieveParams", ["expand"], "Invoice"],
  ["Invoices", "voidInvoice", "InvoiceVoidInvoiceParams", [], "Invoice"],
  ["Invoices", "createPreview", "InvoiceCreatePreviewParams", ["subscription", "subscription_details.items.id", "subscription_details.items.price", "subscription_details.items.quantity", "subscription_details.proration_behavior", "subscription_details.proration_date"], "Invoice"],
  ["InvoicePayments", "list", "InvoicePaymentListParams", ["payment.type", "payment.payment_intent", "limit"], "list InvoicePayment"],
  ["PaymentIntents", "retrieve", "PaymentIntentRetrieveParams", ["expand"], "PaymentIntent"],
  ["Refunds", "create", "RefundCreateParams", ["payment_intent", "amount", "metadata"], "Refund"],
  ["Refunds", "list", "RefundListParams", ["payment_intent", ...PAGE], "list Refund"],
  ["Refunds", "retrieve", "RefundRetrieveParams", [], "Refund"],
  ["Disputes", "retrieve", "DisputeRetrieveParams", [], "Dispute"],
  ["PaymentMethods", "retrieve", "PaymentMethodRetrieveParams", [], "PaymentMethod"],
  ["PaymentMethods", "attach", "PaymentMethodAttachParams", ["customer"], "PaymentMethod"],
  ["PaymentMethods", "detach", "PaymentMethodDetachParams", [], "PaymentMethod"],
  ["Events", "list", "EventListParams", ["created.gte", "limit", "starting_after", "ending_before"], "list EventBase"],
];

// What is read of each object, or answered by the simulator.
const OBJECTS = {
  Account: "id object country default_currency",
  Balance: "object livemode available pending",
  Price: "id object active currency livemode recurring.interval recurring.interval_count type unit_amount",
  WebhookEndpoint: "id object api_version created enabled_events livemode secret status url",
  Customer: "id object balance created email invoice_settings.default_payment_method livemode metadata name",
  DeletedCustomer: "id object deleted",
  "Checkout.Session": "id object amount_total cancel_url client_reference_id created currency customer expires_at invoice livemode metadata mode payment_intent payment_status setup_intent status subscription success_url url",
  "BillingPortal.Session": "id object created customer livemode return_url url",
  Subscription: "id object cancel_at cancel_at_period_end created currency customer default_payment_method ended_at items.object items.data items.has_more items.url latest_invoice livemode metadata pause_collection.behavior pause_collection.resumes_at schedule status trial_end",
  SubscriptionItem: "id object created current_period_start current_period_end price quantity subscription",
  Invoice: "id object amount_due amount_paid attempt_count attempted billing_reason created currency customer hosted_invoice_url lines.object lines.data lines.has_more lines.url livemode next_payment_attempt parent.type parent.subscription_details.subscription parent.subscription_details.metadata payments.object payments.data payments.has_more payments.url status status_transitions.paid_at",
  InvoiceLineItem: "id object amount currency period.start period.end",
  InvoicePayment: "id object amount_requested created currency invoice is_default livemode payment.type payment.payment_intent status",
  PaymentIntent: "id object amount amount_received created currency customer last_payment_error.code last_payment_error.decline_code last_payment_error.message last_payment_error.type latest_charge livemode metadata payment_method status",
  Charge: "id object amount amount_refunded created currency customer disputed livemode payment_intent refunded",
  Refund: "id object amount created currency failure_reason metadata payment_intent status",
  Dispute: "id object amount created currency evidence_details.due_by livemode payment_intent reason status",
  PaymentMethod: "id object card.brand card.exp_month card.exp_year card.last4 created customer livemode type",
  EventBase: "id object api_version created data livemode pending_webhooks request type",
};

const program = ts.createProgram([path.join(root, "types/index.d.ts")], { strict: true, noLib: false, lib: ["lib.es2020.d.ts"] });
const checker = program.getTypeChecker();
const module_ = checker.getAmbientModules().find((m) => m.name === '"stripe"');
const namespace = checker.getExportsOfModule(module_).find((s) => s.name === "Stripe");

function find(name) {
  let symbol = namespace;
  for (const part of name.split(".")) {
    symbol = checker.getExportsOfModule(symbol).find((s) => s.name === part);
    if (!symbol) throw new Error(`Stripe has no ${name}`);
  }
  return checker.getDeclaredTypeOfSymbol(symbol);
}

const known = new Map(Object.keys(OBJECTS).map((name) => [find(name), name]));

// Fields as a tree: "a.b" is b within a.
function tree(fields) {
  const top = {};
  for (const field of fields) {
    let at = top;
    for (const part of field.split(".")) at = at[part] ??= {};
  }
  return top;
}

// A schema of a type, with no more of it than is named. Kinds: names of simple types; {"is": value}, {"any": […]},
// {"array": …}, {"map": …}, {"ref": object}, {"object": {"field": …, "field?": …}}.
function schema(type, fields) {
  if (type.isUnion()) {
    const kinds = type.types.filter((t) => !(t.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)));
    const made = [...new Set(kinds.map((t) => JSON.stringify(schema(t, fields))).filter((text) => text !== "null"))];
    // An open set of words is written as one in the package: nobody can be held to it.
    const simple = made.includes('"string"') ? made.filter((text) => !text.startsWith('{"is":"')) : made;
    const both = simple.includes('{"is":true}') && simple.includes('{"is":false}');
    const plain = both ? ['"boolean"', ...simple.filter((text) => !/^\{"is":(true|false)\}$/.test(text))] : simple;
    return plain.length === 1 ? JSON.parse(plain[0]) : { any: plain.map((text) => JSON.parse(text)) };
  }
  if (type.flags & ts.TypeFlags.Null) return "nothing";
  if (type.isStringLiteral() || type.isNumberLiteral()) return { is: type.value };
  if (type.flags & ts.TypeFlags.BooleanLiteral) return { is: checker.typeToString(type) === "true" };
  if (type.flags & ts.TypeFlags.String) return "string";
  if (type.flags & ts.TypeFlags.Number) return "number";
  if (type.flags & ts.TypeFlags.Boolean) return "boolean";
  if (type.flags & ts.TypeFlags.Any) return "anything";
  if (known.has(type) && !Object.keys(fields).length) return { ref: known.get(type) };
  if (checker.isArrayType(type)) return { array: schema(checker.getTypeArguments(type)[0], fields) };
  const index = checker.getIndexInfoOfType(type, ts.IndexKind.String);
  if (index) return { map: schema(index.type, {}) };
  if (type.isIntersection() && type.types.some((t) => t.flags & ts.TypeFlags.String)) return "string";
  return object(type, fields);
}

function object(type, fields, required = false) {
  const made = {};
  for (const property of checker.getPropertiesOfType(type)) {
    const optional = !!(property.flags & ts.SymbolFlags.Optional);
    if (!(property.name in fields) && !(required && !optional)) continue;
    const of = checker.getTypeOfSymbol(property);
    made[property.name + (optional ? "?" : "")] = schema(of, fields[property.name] ?? {});
  }
  for (const name of Object.keys(fields)) {
    const there = name in made || `${name}?` in made;
    // A union's other members need not have it.
    if (!there) made[`!${name}`] = true;
  }
  return { object: made };
}

// Whether each field that is named is somewhere in what was made of it.
function missing(made, fields, at = "") {
  const text = (name) => (JSON.stringify(made).includes(`"${name}":`) || JSON.stringify(made).includes(`"${name}?":`) ? [] : [`${at}${name}`]);
  return Object.entries(fields).flatMap(([name, inner]) => [...text(name), ...missing(made, inner, `${at}${name}.`)]);
}

// Members of unions that lack a field that was asked for say nothing about it.
function clean(value) {
  if (Array.isArray(value)) return value.map(clean);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith("!")).map(([key, inner]) => [key, clean(inner)]));
}

function checked(made, fields, what) {
  const cleaned = clean(made);
  const lost = missing(cleaned, fields);
  if (lost.length) throw new Error(`${what} has no ${lost.join(", ")}`);
  return cleaned;
}

const operations = {};
for (const [resource, method, params, fields, answer] of OPERATIONS) {
  const source = fs.readFileSync(path.join(root, `cjs/resources/${resource}.js`), "utf8");
  const match = source.match(new RegExp(`\\b${method}: stripeMethod\\(\\{\\s*method: '(\\w+)',\\s*fullPath: '([^']+)'`));
  if (!match) throw new Error(`Stripe has no ${resource}.${method}`);
  const wanted = tree(fields);
  const form = params ? checked(object(find(params), wanted, true), wanted, params) : { object: {} };
  operations[`${match[1]} ${match[2].replace(/\{[^}]+\}/g, "{}")}`] = { form: form.object, answer };
}
// The package has it as a method that is written by hand: no id means one's own account.
operations["GET /v1/account"] = { form: {}, answer: "Account" };

const objects = {};
for (const [name, fields] of Object.entries(OBJECTS)) {
  const wanted = tree(fields.split(" "));
  objects[name] = checked(object(find(name), wanted), wanted, name).object;
}

const contract = {
  source: `https://www.npmjs.com/package/stripe/v/${version}`,
  licence: "MIT, Copyright (C) 2011 Ask Bjørn Hansen, Copyright (C) 2013 Stripe, Inc.",
  api_version: ApiVersion,
  operations,
  objects,
};
// One line for each operation and object, so that a difference is seen.
const lines = (entries) => Object.entries(entries).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`).join(",\n");
const { source, licence, api_version } = contract;
const head = Object.entries({ source, licence, api_version }).map(([key, value]) => ` ${JSON.stringify(key)}: ${JSON.stringify(value)},\n`);
const text = `{\n${head.join("")} "operations": {\n${lines(operations)}\n },\n "objects": {\n${lines(objects)}\n }\n}\n`;
fs.writeFileSync(process.argv[2], text);

// Signatures ---------------------------------------------------------------------------------------------------------

const stripe = new Stripe("sk_test_none");
const cases = [
  ["plain", '{"id":"evt_1"}', "whsec_test_secret", 1700000000],
  ["empty", "", "whsec_test_secret", 1700000000],
  ["text of many languages", '{"name":"Señor Ñandú 東京 🚲"}', "whsec_ü", 1699999999],
  ["line breaks and spaces", '{\r\n "a": 1\n}\n', "whsec_test_secret", 1700000301],
];
const signatures = cases.map(([name, payload, secret, timestamp]) => {
  const header = stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
  return { name, payload, secret, timestamp, header };
});
fs.writeFileSync(process.argv[3], JSON.stringify({ source: contract.source, signatures }, null, 1) + "\n");
