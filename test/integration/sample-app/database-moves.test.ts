import { type Server as NetServer, type Socket, connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { jest } from "@jest/globals";

import { createAuthority, issue, type KeyPair } from "../../../rehearsal/regions/pki.ts";
import { freePort, Server } from "../images/support/postgres.ts";
import { describeWithDatabase, Service } from "./support/program.ts";

jest.setTimeout(60_000);

/** A way to a port that can be cut: nobody is let in, and whoever is in loses the connection. */
class Way {
  #server: NetServer | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #target: number;
  readonly port: number;

  private constructor(target: number, port: number) {
    this.#target = target;
    this.port = port;
  }

  static async to(target: number): Promise<Way> {
    const way = new Way(target, await freePort());
    await way.heal();
    return way;
  }

  async heal(): Promise<void> {
    this.#server = createServer((client) => {
      const onward = connect(this.#target, "127.0.0.1");
      for (const socket of [client, onward]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined);
      }
      client.pipe(onward).pipe(client);
    }).listen(this.port, "127.0.0.1");
    await new Promise((resolve) => this.#server?.once("listening", resolve));
  }

  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    await closed;
  }
}

/** A server that lets in nobody without TLS. */
async function startEncrypted(authority: KeyPair): Promise<Server> {
  const server = await Server.start();
  const { sandbox } = server;
  const pair = await issue({
    authority,
    commonName: "database",
    dnsNames: ["localhost"],
    usages: ["server"],
    days: 1,
  });
  const set = (name: string, value: string) =>
    server.query(`ALTER SYSTEM SET ${name} = '${value}'`);
  set("ssl_cert_file", sandbox.write("tls.crt", pair.certificate));
  const key = sandbox.write("tls.key", pair.key);
  sandbox.write("hba.conf", "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n");
  server.query(`COPY (SELECT 1) TO PROGRAM 'chmod 0600 ${key}'`);
  set("ssl_key_file", key);
  set("ssl", "on");
  server.query("SELECT pg_reload_conf()");
  server.query(`
    SET ROLE shop_user;
    CREATE TABLE schema_migrations (version int PRIMARY KEY, name text, sha256 text);
    INSERT INTO schema_migrations VALUES (1, 'one', '');
    CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text, created_at timestamptz DEFAULT now())`);
  return server;
}

describeWithDatabase("the backend and an encrypted database", () => {
  let authority: KeyPair;
  let server: Server;

  beforeAll(async () => {
    authority = await createAuthority("Database authority");
    server = await startEncrypted(authority);
  });
  afterAll(() => server.stop());

  const start = (environment: Record<string, string> = {}): Promise<Service> =>
    Service.start("backend/server.mjs", {
      ...server.databaseEnvironment,
      DATABASE_HOST: "localhost",
      DATABASE_SSL_MODE: "verify-full",
      DATABASE_CA_FILE: server.sandbox.write("ca.crt", authority.certificate),
      SCHEMA_MIN: "1",
      SCHEMA_MAX: "1",
      ...environment,
    });

  const withBackend = async (
    environment: Record<string, string>,
    work: (backend: Service) => Promise<void>,
  ): Promise<void> => {
    const backend = await start(environment);
    try {
      await work(backend);
    } finally {
      await backend.stop();
    }
  };

  test("talk over TLS", () =>
    withBackend({}, async (backend) => {
      expect((await backend.get("/readyz")).status).toBe(200);
      expect(
        server.query(
          "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'shop_user'",
        ),
      ).toBe("t");
    }));

  test("are strangers when the certificate is for another name", () =>
    withBackend({ DATABASE_HOST: "127.0.0.1" }, async (backend) => {
      expect(await backend.get("/readyz")).toMatchObject({
        status: 503,
        json: { reason: expect.stringContaining("is not in the cert's list") },
      });
    }));

  test("are strangers when another authority vouches for it", async () => {
    const other = await createAuthority("Other");
    const file = server.sandbox.write("other.crt", other.certificate);
    await withBackend({ DATABASE_CA_FILE: file }, async (backend) => {
      expect(await backend.get("/readyz")).toMatchObject({ status: 503 });
    });
  });

  test("meet again: reads wait for it, a write is refused at once and not made", async () => {
    const way = await Way.to(server.port);
    await withBackend({ DATABASE_PORT: String(way.port) }, async (backend) => {
      expect((await backend.post("/api/notes", '{"text":"before"}')).status).toBe(201);
      await way.cut();
      const reading = backend.get("/api/notes");
      const began = performance.now();
      expect(await backend.post("/api/notes", '{"text":"during"}')).toEqual({
        status: 503,
        json: { error: "the database is not available" },
      });
      expect(performance.now() - began).toBeLessThan(1000);
      await sleep(1500);
      await way.heal();
      expect(await reading).toMatchObject({ status: 200, json: [{ text: "before" }] });
      expect((await backend.post("/api/notes", '{"text":"after"}')).status).toBe(201);
    });
    await way.cut();
    expect(server.query("SELECT string_agg(text, ' ' ORDER BY id) FROM notes")).toBe(
      "before after",
    );
  });

  test("part for good: a read ends with 503 after a few seconds", async () => {
    const way = await Way.to(server.port);
    await withBackend({ DATABASE_PORT: String(way.port) }, async (backend) => {
      await way.cut();
      const began = performance.now();
      expect((await backend.get("/api/notes")).status).toBe(503);
      expect(performance.now() - began).toBeLessThan(8000);
    });
  });
});
