// A client without any library: one function that sends a request, and typed handling of what comes back.
//
//   make demo                                # in another terminal; copy the token of "acme ADMIN"
//   TESSERA_TOKEN=eyJ... node examples/client.mts          # Node 24; with Node 20: npx tsx examples/client.mts

const endpoint = process.env.TESSERA_URL ?? "http://127.0.0.1:8080/graphql";
const token = process.env.TESSERA_TOKEN;

/** A top-level error: nothing that a person typed, but a missing permission, a bad request, a fault. */
class RequestError extends Error {
  code: string;
  /** For a bug report: it finds the request in the server's log. */
  requestId: string | null;

  constructor(message: string, code: string, requestId: string | null) {
    super(message);
    this.code = code;
    this.requestId = requestId;
  }
}

interface Answer<T> {
  data?: T | null;
  errors?: { message: string; extensions?: { code?: string; requestId?: string } }[];
}

async function send<T>(query: string, variables: Record<string, unknown> = {}): Promise<T> {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/graphql-response+json, application/json;q=0.9",
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const answer = (await response.json()) as Answer<T>;
  const [error] = answer.errors ?? [];
  if (error || !answer.data) {
    const { code = "UNKNOWN", requestId = response.headers.get("x-request-id") } = error?.extensions ?? {};
    throw new RequestError(error?.message ?? `HTTP ${response.status}`, code, requestId);
  }
  return answer.data;
}

/** An expected refusal. `__typename` tells which facts come with it; new types can be added, so keep a default. */
type UserError = { code: string; message: string; path: string[] } & (
  | { __typename: "InvalidInput" }
  | { __typename: "IllegalTransition"; state: string; allowedActions: string[] }
  | { __typename: "AlreadySubscribed"; subscription: { id: string } }
  | { __typename: "LimitExceeded"; feature: string; limit: number; used: number }
  | { __typename: "StaleVersion"; current: number }
);

const USER_ERROR = `
  fragment Refusal on UserError {
    __typename code message path
    ... on IllegalTransition { state allowedActions }
    ... on AlreadySubscribed { subscription { id } }
    ... on LimitExceeded { feature limit used }
    ... on StaleVersion { current }
  }`;

function explain(error: UserError): string {
  switch (error.__typename) {
    case "StaleVersion":
      return `somebody else was faster: read version ${error.current} and decide again`;
    case "IllegalTransition":
      return `not while ${error.state}; possible: ${error.allowedActions.join(", ")}`;
    case "AlreadySubscribed":
      return `there is a live subscription: ${error.subscription.id}`;
    case "LimitExceeded":
      return `${error.used} of ${error.limit} ${error.feature} are used`;
    default:
      return `${error.path.join(".") || "the request"}: ${error.message}`; // show it beside the form field
  }
}

interface Subscription {
  id: string;
  version: number;
  status: string;
  cancelAt: string | null;
}

async function* customers(): AsyncGenerator<{ name: string; subscription: Subscription | null }> {
  type Page = { customers: { nodes: { name: string; subscription: Subscription | null }[]; pageInfo: PageInfo } };
  type PageInfo = { endCursor: string | null; hasNextPage: boolean };
  let after: string | null = null;
  do {
    const page: Page = await send<Page>(
      `query Customers($after: String) {
        customers(first: 50, after: $after, orderBy: [{ field: NAME }]) {
          nodes { name subscription { id version status cancelAt } }
          pageInfo { endCursor hasNextPage }
        }
      }`,
      { after },
    );
    yield* page.customers.nodes;
    after = page.customers.pageInfo.hasNextPage ? page.customers.pageInfo.endCursor : null;
  } while (after);
}

async function createCustomer(name: string, trialEndsAt: string) {
  const key = crypto.randomUUID(); // made once for the click, sent again with every retry
  type Payload = { createCustomer: { customer: { subscription: Subscription } | null; userErrors: UserError[] } };
  const { createCustomer: payload } = await send<Payload>(
    `mutation Create($input: CreateCustomerInput!) {
      createCustomer(input: $input) {
        customer { subscription { id version status cancelAt } }
        userErrors { ...Refusal }
      }
    }${USER_ERROR}`,
    { input: { name, subscription: { trialEndsAt }, idempotencyKey: key } },
  );
  return payload;
}

async function cancel(subscription: Subscription) {
  type Payload = { cancelSubscription: { subscription: Subscription | null; userErrors: UserError[] } };
  const { cancelSubscription: payload } = await send<Payload>(
    `mutation Cancel($input: CancelSubscriptionInput!) {
      cancelSubscription(input: $input) {
        subscription { id version status cancelAt }
        userErrors { ...Refusal }
      }
    }${USER_ERROR}`,
    { input: { id: subscription.id, expectedVersion: subscription.version } },
  );
  return payload;
}

try {
  let count = 0;
  for await (const customer of customers()) {
    if (count++ < 3) console.log(customer.name, customer.subscription?.status ?? "never subscribed");
  }
  console.log(`${count} customers`);

  for (const name of [" ", "Example Kites"]) {
    const { customer, userErrors } = await createCustomer(name, new Date(Date.now() + 14 * 86_400_000).toISOString());
    userErrors.forEach((error) => console.log("refused:", explain(error)));
    if (!customer) continue;

    const { subscription: seen } = customer;
    console.log("created", seen.id, seen.status);
    console.log("cancels at", (await cancel(seen)).subscription?.cancelAt);
    // The version that was seen is no longer the current one.
    (await cancel(seen)).userErrors.forEach((error) => console.log("refused:", explain(error)));
  }
} catch (error) {
  if (!(error instanceof RequestError)) throw error;
  // UNAUTHENTICATED: log in again. FORBIDDEN: hide the button. SERVICE_UNAVAILABLE, INTERNAL_SERVER_ERROR: offer another try.
  console.error(error.code, error.message, error.requestId);
}
