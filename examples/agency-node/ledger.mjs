// What a program needs to speak to a ledger: sign, seal, submit, verify receipts.
// The formats are those of docs/emit.md.
import { createCipheriv, createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect, headers, nkeyAuthenticator } from "@nats-io/transport-node";

const eventType = "application/cloudevents+json";
const keyRequestType = "application/vnd.berkas.data-key-request+json";

// What stands before the 32 bytes of an Ed25519 key in DER (RFC 8410).
const privatePrefix = Buffer.from("302e020100300506032b657004220420", "hex");
const publicPrefix = Buffer.from("302a300506032b6570032100", "hex");

/** A UUID of version 7 (RFC 9562), in lower case. */
export function newID() {
  const b = randomBytes(16);
  b.writeUIntBE(Date.now(), 0, 6);
  b[6] = 0x70 | (b[6] & 0x0f);
  b[8] = 0x80 | (b[8] & 0x3f);
  return b.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Reads a signing key as `berkas keys new` writes it: what it is, its id, its seed. */
export function readKey(file) {
  const [magic, id, seed] = readFileSync(file, "utf8").split("\n");
  if (magic !== "berkas/key/v1") throw new Error(`${file} is not a signing key`);
  const der = Buffer.concat([privatePrefix, Buffer.from(seed.replace(/^seed: /, ""), "base64")]);
  return { id: id.replace(/^id: /, ""), key: createPrivateKey({ key: der, format: "der", type: "pkcs8" }) };
}

/** The pre-authentication encoding of DSSE: the bytes that a signature covers. */
export function pae(mediaType, bytes) {
  const head = `DSSEv1 ${Buffer.byteLength(mediaType)} ${mediaType} ${bytes.length} `;
  return Buffer.concat([Buffer.from(head), bytes]);
}

/** The value of the header Berkas-Signature for bytes that are sent as they are. */
export function signature(signer, bytes, mediaType = eventType) {
  return `${signer.id} ${sign(null, pae(mediaType, bytes), signer.key).toString("base64")}`;
}

export function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Asks for the data keys of a case, one for each holder, and gives them by holder. */
export async function dataKeys(access, signer, caseID, holders) {
  const request = Buffer.from(JSON.stringify({
    ledger: access.origin, case: caseID, holders,
    time: new Date().toISOString(), nonce: randomBytes(16).toString("hex"),
  }));
  const answer = await fetch(`${access.http}/v1/data-keys`, {
    method: "POST", body: request,
    headers: { "Content-Type": keyRequestType, "Berkas-Signature": signature(signer, request, keyRequestType) },
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(`no data keys: ${said.code}: ${said.detail}`);
  return Object.fromEntries(said.keys.map((k) => [k.holder, k.jwk]));
}

/** Seals a text for one place in one event: a compact JWE, alg dir, enc A256GCM. */
export function seal(jwk, place, text) {
  const plain = Buffer.from(text);
  const padded = Buffer.alloc((Math.floor(plain.length / 256) + 1) * 256); // so that its length says little
  plain.copy(padded);
  padded[plain.length] = 0x80;
  const header = { alg: "dir", enc: "A256GCM", kid: jwk.kid, ...place };
  const protect = Buffer.from(JSON.stringify(header)).toString("base64url");
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", Buffer.from(jwk.k, "base64url"), iv);
  cipher.setAAD(Buffer.from(protect));
  const sealed = Buffer.concat([cipher.update(padded), cipher.final()]);
  return [protect, "", iv.toString("base64url"), sealed.toString("base64url"), cipher.getAuthTag().toString("base64url")].join(".");
}

/** Reads the registrar's receipt key: name+hash+base64, where base64 may hold a + itself. */
export function readReceiptKey(text) {
  const [, name, hash, encoded] = text.match(/^([^+]+)\+([0-9a-f]{8})\+(.+)$/) ?? [];
  const key = Buffer.from(encoded ?? "", "base64"); // 1 (Ed25519) and the public key
  const keyHash = createHash("sha256").update(`${name}\n`).update(key).digest().subarray(0, 4);
  if (key.length !== 33 || key[0] !== 1 || keyHash.toString("hex") !== hash) throw new Error("not a receipt key");
  const der = Buffer.concat([publicPrefix, key.subarray(1)]);
  return { name, keyHash, key: createPublicKey({ key: der, format: "der", type: "spki" }) };
}

/**
 * Verifies that a note is the registrar's word on these bytes, and reads it.
 * A note that is not is no receipt, whoever sent it.
 */
export function openReceipt(note, access, bytes) {
  const { name, keyHash, key } = readReceiptKey(access.receipt_key);
  const cut = note.lastIndexOf("\n\n");
  const text = note.slice(0, cut + 1); // with its last line's end: that is what was signed
  const valid = note.slice(cut + 2).split("\n").some((line) => {
    const [dash, signer, value] = line.split(" ");
    if (dash !== "\u2014" || signer !== name) return false;
    const raw = Buffer.from(value, "base64"); // 4 bytes of the key's hash and the signature
    return raw.length === 68 && raw.subarray(0, 4).equals(keyHash) && verify(null, Buffer.from(text), key, raw.subarray(4));
  });
  if (!valid) throw new Error("the receipt's signature is not the registrar's");

  const lines = text.trimEnd().split("\n");
  if (lines.shift() !== "berkas/receipt/v1") throw new Error("not a receipt");
  const receipt = { pointers: [] };
  for (const line of lines) {
    const [, field, value] = line.match(/^([a-z0-9]+): (.*)$/);
    if (field === "pointer") receipt.pointers.push(value);
    else receipt[field] = value;
  }
  if (receipt.origin !== access.origin || receipt.agency !== access.agency || receipt.sha256 !== sha256(bytes)) {
    throw new Error("a receipt of another ledger, agency or submission");
  }
  return receipt;
}

/** Connects as the agency. Only its own intake, receipts and inbox are open to it. */
export function dial(access) {
  return connect({
    servers: access.nats,
    authenticator: nkeyAuthenticator(new TextEncoder().encode(readFileSync(access.nats_seed, "utf8").trim())),
    inboxPrefix: `_INBOX.${access.agency}`,
    maxReconnectAttempts: -1,
  });
}

/**
 * Hands bytes in and waits for the receipt. NATS's own acknowledgement promises
 * nothing, so the same bytes are sent again until a receipt that verifies is
 * there, or the limit (in milliseconds) has passed. Then nothing is known, and the
 * same bytes are to be sent again later.
 */
export async function submit(connection, access, bytes, signatures, { patience = 5000, limit = 60000 } = {}) {
  const receipts = connection.subscribe(`receipt.${access.agency}.${sha256(bytes)}`);
  const end = setTimeout(() => receipts.unsubscribe(), limit);
  let again;
  const send = async () => {
    again = setTimeout(send, patience);
    const head = headers(); // anew for every publish: the client changes what it is given
    head.set("Content-Type", eventType);
    for (const s of signatures) head.append("Berkas-Signature", s);
    try {
      const taken = await connection.request(`intake.${access.agency}`, bytes, { headers: head, timeout: patience });
      const { error } = taken.json();
      if (error) console.error(`intake: ${error.description}; the same bytes are sent again`);
    } catch (error) {
      if (!receipts.isClosed()) console.error(`intake: ${error.message}; the same bytes are sent again`);
    }
  };
  send();
  try {
    for await (const message of receipts) {
      try {
        return openReceipt(message.string(), access, bytes);
      } catch (error) {
        console.error(`ignored what is no receipt: ${error.message}`);
      }
    }
    throw new Error("no receipt; send the same bytes again later");
  } finally {
    clearTimeout(again);
    clearTimeout(end);
    receipts.unsubscribe();
  }
}
