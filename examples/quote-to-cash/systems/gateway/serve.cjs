// Serves the gateway on loopback only (its own command binds every interface).
// Started by servers.py as `serve.cjs ENVIRONMENT PORT ACCOUNT`. The gateway keeps everything in
// memory and answers every sk_test_ key from one account; so that a client can check where it is,
// a connected account is made: name it in the Stripe-Account header, read it at /v1/accounts/<id>.
"use strict";
const http = require("http");
const path = require("path");
const packageRoot = path.join(process.argv[2], "node_modules", "stripe-stateful-mock");
const port = Number(process.argv[3]);
const account = process.argv[4];

const { createExpressApp } = require(packageRoot);
const { accounts } = require(path.join(packageRoot, "dist", "api", "accounts"));
accounts.create("acct_default", {
  type: "custom",
  id: account,
  business_profile: { name: "Example Trading" },
});

const server = http.createServer(createExpressApp());
server.on("error", (error) => {
  console.error(`gateway: ${error.message}`);
  process.exit(1);
});
server.listen(port, "127.0.0.1", () => console.log(`gateway: listening on 127.0.0.1:${port}`));
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => process.exit(0));
}
