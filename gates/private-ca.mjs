/**
 * Makes a private certificate authority and prints it as JSON: {"certificate": PEM, "privateKey": PEM}.
 *
 * CA_NAME   common name of the authority
 */
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";

const years = 20;
const day = 24 * 60 * 60 * 1000;

/** DER of one value: its tag, the length of the content, the content. */
function der(tag, ...parts) {
  const content = Buffer.concat(parts);
  const size = content.length.toString(16);
  const length = Buffer.from(size.padStart(size.length + (size.length % 2), "0"), "hex");
  const head =
    content.length < 0x80 ? length : Buffer.concat([Buffer.from([0x80 | length.length]), length]);
  return Buffer.concat([Buffer.from([tag]), head, content]);
}

const sequence = (...parts) => der(0x30, ...parts);
const set = (...parts) => der(0x31, ...parts);
const octets = (content) => der(0x04, content);
const yes = der(0x01, Buffer.from([0xff]));

/** A whole number that is not negative: a leading zero keeps it so. */
function integer(bytes) {
  return der(0x02, bytes[0] >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0), bytes);
}

/** An object identifier by its numbers; each takes 7 bits a byte. */
function identifier(text) {
  const [first, next, ...rest] = text.split(".").map(Number);
  const bytes = [first * 40 + next, ...rest].flatMap((number) => {
    const groups = [number & 0x7f];
    for (let left = number >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return der(0x06, Buffer.from(bytes));
}

/** As certificates write times: two digits of the year until 2049, four from 2050 on. */
function time(date) {
  const text = `${date.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
  const isShort = date.getUTCFullYear() < 2050;
  return der(isShort ? 0x17 : 0x18, Buffer.from(isShort ? text.slice(2) : text));
}

function pem(name, bytes) {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${name}-----\n${lines.join("\n")}\n-----END ${name}-----\n`;
}

function extension(oid, value) {
  return sequence(identifier(oid), octets(value));
}

function criticalExtension(oid, value) {
  return sequence(identifier(oid), yes, octets(value));
}

function authority(commonName) {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const key = publicKey.export({ type: "spki", format: "der" });
  // The last 65 bytes of a P-256 key are its point, which names the key.
  const keyId = createHash("sha1").update(key.subarray(-65)).digest();
  const name = sequence(set(sequence(identifier("2.5.4.3"), der(0x0c, Buffer.from(commonName)))));
  const ecdsaWithSha256 = sequence(identifier("1.2.840.10045.4.3.2"));
  const now = Date.now();
  const serial = randomBytes(16);
  serial[0] = (serial[0] & 0x7f) | 0x40;
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    ecdsaWithSha256,
    name,
    // Clocks of nodes may be a little behind.
    sequence(time(new Date(now - day)), time(new Date(now + years * 365 * day))),
    name,
    key,
    der(
      0xa3,
      sequence(
        // An authority, and none below it.
        criticalExtension("2.5.29.19", sequence(yes, integer(Buffer.from([0])))),
        // keyCertSign and cRLSign.
        criticalExtension("2.5.29.15", der(0x03, Buffer.from([1, 0x06]))),
        extension("2.5.29.14", octets(keyId)),
      ),
    ),
  );
  const signature = sign("sha256", body, { key: privateKey, dsaEncoding: "der" });
  const certificate = sequence(body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
  return {
    certificate: pem("CERTIFICATE", certificate),
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

const name = process.env["CA_NAME"];
if (!name) {
  console.error("private-ca: CA_NAME is not set");
  process.exit(2);
}
process.stdout.write(JSON.stringify(authority(name)));
