import { z } from "zod";

import { text } from "./expectation.ts";
import { label } from "./values.ts";

/** pgBackRest looks for names in certificates, never for addresses. */
export const peerHost = text(
  {
    allowed: "a DNS name of at least two labels, not an address",
    fix: "write the bare name, without scheme, port or path; give an address a name first",
  },
  (value) =>
    value.length <= 253 &&
    new RegExp(`^${label}(\\.${label})+$`).test(value) &&
    !/^[\d.]+$/.test(value),
);

export const cidr = text(
  {
    allowed: "an IPv4 network smaller than the whole, such as 10.20.0.0/16",
    fix: "name the addresses that the region's connections come from: its pods, nodes or NAT gateways",
  },
  (value) => z.cidrv4().safeParse(value).success && !value.endsWith("/0"),
);

export const endpoint = text(
  {
    allowed: "host:port of an S3 server that speaks TLS, such as s3.example.com:9000",
    fix: "write the bare name and the port; leave archive out for S3 of AWS",
  },
  (value) => {
    const [, host = "", port = ""] = /^(.+):(\d{1,5})$/.exec(value) ?? [];
    return new RegExp(`^${label}(\\.${label})*$`).test(host) && +port > 0 && +port < 65536;
  },
);

export const certificatePem = text(
  {
    allowed: "certificates in PEM, from -----BEGIN CERTIFICATE----- on",
    fix: "paste the file of the authority that signed the S3 server's certificate, as a block after |",
  },
  /^(-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+\n-----END CERTIFICATE-----\n*)+$/,
);

/** What YAML takes for a time when nothing quotes it, the engine hands on in its own notation. */
export const asWritten = (value: unknown): unknown =>
  typeof value === "string"
    ? value.replace(
        /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) ([+-]\d\d)(\d\d) \S+$/,
        (_, date: string, time: string, hours: string, minutes: string) => {
          const zone = `${hours}:${minutes}`;
          return `${date}T${time}${zone === "+00:00" ? "Z" : zone}`;
        },
      )
    : value;

const zonedTime = text(
  {
    allowed:
      "a time in ISO 8601 with its zone, such as 2026-11-21T09:00:00Z or 2026-11-21T10:00:00+01:00",
    fix: "add Z for UTC, or the offset; a time without zone means another moment on another machine",
  },
  (value) =>
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})$/.test(value) &&
    !Number.isNaN(Date.parse(value)),
);

export const restoreTime = z.preprocess(asWritten, zonedTime);

export const restorePoint = text(
  {
    allowed:
      "the name of a restore point: the release that it was taken before, such as v1.4.0, or v1.4.0.2 when it came out a second time",
    fix: "take it from the table lifeline.restore_points, or from the record of the releases",
  },
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
);

export const latest = z.custom<true>((value) => value === true, {
  params: { allowed: "true", fix: "write latest: true, or name a point or a time instead" },
});
