// PostGraphile 5 as one would run it in production: no introspection of changes, no explain, no GraphiQL, prepared
// statements and plans cached, relations as lists where no page is asked for.
//
//   DATABASE_URL=postgres://… PORT=5678 POOL=8 node server.js

import cluster from "node:cluster";
import { createServer } from "node:http";

import { grafserv } from "postgraphile/grafserv/node";
import { makePgService } from "postgraphile/adaptors/pg";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { postgraphile } from "postgraphile";

const { DATABASE_URL, PORT, POOL = "8", WORKERS = "1" } = process.env;
const workers = Number(WORKERS);

async function serve() {
  const instance = postgraphile({
    extends: [PostGraphileAmberPreset],
    // Every column can be filtered and sorted by: the indexes of the product are partial ones, which PostGraphile
    // does not count as indexes.
    disablePlugins: ["PgIndexBehaviorsPlugin"],
    schema: { defaultBehavior: "+connection +list" },
    pgServices: [
      makePgService({
        connectionString: DATABASE_URL,
        schemas: ["public", "graph"],
        poolConfig: { max: Math.max(1, Math.floor(Number(POOL) / workers)) },
      }),
    ],
    grafast: { explain: false },
    grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false, websockets: false, maxRequestLength: 100_000 },
  });
  const server = createServer({ keepAliveTimeout: 600_000 });
  server.on("error", (error) => {
    console.error(error);
    process.exitCode = 1;
  });
  await instance.createServ(grafserv).addTo(server);
  server.listen(Number(PORT), "127.0.0.1");
}

if (workers > 1 && cluster.isPrimary) {
  for (let started = 0; started < workers; started += 1) cluster.fork();
} else {
  await serve();
}
