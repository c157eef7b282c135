// A foreign subscriber: counts what came of the forms of each channel, and opens the comments.
//
//     npm install @platformatic/kafka jose
//     CANDOR_KAFKA=127.0.0.1:9092 CANDOR_READERS_KEY=… node count-ratings.mjs
//
// To a Kafka that asks who it is, it logs in by SASL, with the variables of `login`.
//
// It knows nothing of Candor but docs/events.md and docs/subscribing.md, and prints what count_ratings.py prints.
// It reads the topics from their start to their present ends, prints one JSON object and ends; one that stays
// keeps its counts and offsets together.

import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Consumer } from "@platformatic/kafka";
import { compactDecrypt, decodeProtectedHeader } from "jose";

const RATINGS = "candor.ratings";
const KEYS = "candor.ratings.keys";
const KINDS = "not-offered scheduled offered given changed declined expired cancelled undeliverable";
const KIND_OF = new Map(KINDS.split(" ").map((kind) => [`candor.rating.${kind}.v1`, kind]));
const ATTRIBUTES = new Set(["ce_type", "ce_source", "ce_subject", "ce_sequence"]);

const JWE = { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] };

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** Bytes as a text; throws if they are no UTF-8. */
const utf8 = (bytes) => UTF8.decode(bytes);

/** What is in a JWE (compact, `dir` + `A256GCM`) of this client, dialog and purpose. Throws if it is none. */
async function unseal(words, key, ...context) {
  const { plaintext, protectedHeader } = await compactDecrypt(words, key, JWE);
  const digest = createHash("sha256").update(context.join("\n")).digest();
  if (protectedHeader.ctx !== digest.subarray(0, 16).toString("base64url")) {
    throw new Error("sealed as something else: somebody has put it here");
  }
  return plaintext;
}

/** What was received so far; a repetition changes nothing. */
class Counts {
  #readersKey;
  #events = new Map(); // channel → kind → how many
  #comments = new Map(); // dialog and close → the event that holds the last comment
  #keys = new Map();
  #newest = new Map(); // source and subject → highest sequence
  #gaps = 0;
  #unreadable = 0;

  constructor(readersKey) {
    this.#readersKey = readersKey;
  }

  /** One record of either topic. One that can't be read is counted, and holds nothing up. */
  receive({ topic, key, value, headerEntries }) {
    try {
      if (topic === KEYS) {
        this.#onKey(key, value);
      } else {
        this.#onRating(headerEntries, value);
      }
    } catch {
      this.#unreadable += 1;
    }
  }

  #onRating(headers, value) {
    if (value === undefined) {
      return; // a tombstone: no event
    }
    const { ce_type, ce_source, ce_subject, ce_sequence } = attributes(headers);
    const event = JSON.parse(utf8(value));
    const kind = KIND_OF.get(ce_type); // without one it is of a newer release, and takes its number
    const { channel, dialog, close_seq } = kind ? event : {};
    if (!/^[1-9]\d*$/.test(ce_sequence) || (kind && [channel, dialog, close_seq].includes(undefined))) {
      throw new Error("no event");
    }
    const [of, sequence] = [JSON.stringify([ce_source, ce_subject]), Number(ce_sequence)];
    const newest = this.#newest.get(of) ?? 0;
    if (sequence <= newest) {
      return; // published again
    }
    this.#gaps += sequence - newest - 1;
    this.#newest.set(of, sequence);
    if (kind) {
      const kinds = this.#events.get(channel) ?? new Map();
      this.#events.set(channel, kinds.set(kind, (kinds.get(kind) ?? 0) + 1));
    }
    if (kind === "given" || kind === "changed") {
      const close = JSON.stringify([dialog, close_seq]);
      this.#comments.delete(close);
      if (event.comment) {
        this.#comments.set(close, event);
      }
    }
  }

  /** Null means that the key, and so the words, are forgotten. */
  #onKey(keyId, value) {
    const kid = utf8(keyId);
    if (value === undefined) {
      this.#keys.delete(kid);
      return;
    }
    const key = JSON.parse(utf8(value));
    if ("wrapped" in key) {
      this.#keys.set(kid, key); // a nudge has none
    }
  }

  /** The words; null if they were erased, can't be read without the readers' key, or are damaged. */
  async #comment({ comment, client, dialog }) {
    try {
      const { kid } = decodeProtectedHeader(comment);
      const key = this.#keys.get(kid);
      // A text or a key of another dialog was put here by somebody: it is not to be shown.
      if (!key || !this.#readersKey || key.subject !== client || key.scope !== dialog) {
        return null;
      }
      const raw = await unseal(key.wrapped, this.#readersKey, client, dialog, `key:${kid}`);
      return utf8(await unseal(comment, raw, client, dialog, "comment"));
    } catch {
      return null;
    }
  }

  /** Everything, by channel. */
  async result() {
    const channels = new Map();
    for (const [channel, kinds] of this.#events) {
      channels.set(channel, { comments: [], ...Object.fromEntries(kinds) });
    }
    for (const event of this.#comments.values()) {
      channels.get(event.channel).comments.push(await this.#comment(event));
    }
    return { channels: Object.fromEntries(channels), gaps: this.#gaps, unreadable: this.#unreadable };
  }
}

/** The headers of a record that are Candor's, as texts. Others may be of any bytes or null: they stay undecoded. */
function attributes(headers) {
  const ours = headers.filter(([name, bytes]) => bytes !== undefined && ATTRIBUTES.has(name.toString()));
  const found = Object.fromEntries(ours.map(([name, bytes]) => [name.toString(), utf8(bytes)]));
  if (Object.keys(found).length < ATTRIBUTES.size) {
    throw new Error("not all attributes of an event");
  }
  return found;
}

/** Options of the consumer for the login; none unless there is a CANDOR_KAFKA_SECURITY_PROTOCOL. */
function login(environment) {
  const protocol = environment.CANDOR_KAFKA_SECURITY_PROTOCOL ?? "PLAINTEXT";
  const authority = environment.CANDOR_KAFKA_CA_FILE;
  return {
    ...(protocol.startsWith("SASL_") && {
      sasl: {
        mechanism: environment.CANDOR_KAFKA_SASL_MECHANISM,
        username: environment.CANDOR_KAFKA_USERNAME,
        password: environment.CANDOR_KAFKA_PASSWORD,
      },
    }),
    ...(protocol.endsWith("SSL") && { tls: authority ? { ca: readFileSync(authority) } : {} }),
  };
}

/** Reads both topics to their present ends. */
async function count(servers, readersKey) {
  const counts = new Counts(readersKey);
  const topics = [RATINGS, KEYS];
  const consumer = new Consumer({
    clientId: "count-ratings",
    // This client has no consumer without a group. One that stays keeps its group's name.
    groupId: `${process.env.CANDOR_KAFKA_USERNAME || "anybody"}.count-ratings-${randomUUID()}`,
    bootstrapBrokers: servers.split(","),
    ...login(process.env),
  });
  try {
    const ends = await consumer.listOffsets({ topics });
    const stream = await consumer.consume({ topics, mode: "earliest", autocommit: false, maxWaitTime: 500 });
    stream.on("data", (record) => counts.receive(record));
    while (stream.readableLength > 0 || !passed(stream.offsetsToFetch, ends)) {
      await once(stream, "fetch");
    }
  } finally {
    await consumer.close(true);
  }
  return counts;
}

/** Whether the next offsets ("topic:partition" → offset) are at the `ends` (topic → an offset a partition). */
function passed(next, ends) {
  return [...ends].every(([topic, offsets]) =>
    offsets.every((end, partition) => next.get(`${topic}:${partition}`) >= end),
  );
}

const key = process.env.CANDOR_READERS_KEY;
const counts = await count(process.env.CANDOR_KAFKA, key && Buffer.from(key, "base64url"));
process.stdout.write(`${JSON.stringify(await counts.result())}\n`);
