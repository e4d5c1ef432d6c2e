// An agency's program: opens a case about one civil servant, whose name is sealed,
// loses the receipt and gets it again, and meets a refusal.
//
//   node agency.mjs access.json
//
// access.json is what `berkas access bawaslu -o json` prints.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { CloudEvent, HTTP } from "cloudevents";
import { dataKeys, dial, newID, readKey, readReceiptKey, seal, signature, submit } from "./ledger.mjs";

const access = JSON.parse(readFileSync(process.argv[2], "utf8"));
const signer = readKey(access.key_file);
readReceiptKey(access.receipt_key); // to hear now what is wrong with it

/** Composes an event with the CloudEvents SDK; its bytes are the event for ever. */
function compose(kind, subject, data, id = newID()) {
  const event = new CloudEvent({
    id, subject, data,
    source: `/agencies/${access.agency}`,
    type: `id.berkas.${kind}.v1`,
    time: new Date().toISOString(),
    dataschema: `urn:berkas:schema:${kind}.v1`,
    datacontenttype: "application/json",
    ledger: access.origin,
  });
  return Buffer.from(HTTP.structured(event).body);
}

function opening(identity, employment) {
  return {
    channel: "office", origin: "finding", contest: "pilkada-2020",
    act: { date: "2020-06-14", region: "73.71" },
    catalogue: "skb-2020", items: ["social-media"],
    respondents: [{
      id: "r1", employment, class: "pelaksana",
      institution: { kind: "city", region: "73.71", office: "IV" },
      ...(identity && { identity }),
    }],
  };
}

const connection = await dial(access);
const hand = (bytes) => submit(connection, access, bytes, [signature(signer, bytes)]);

// The ids come first: a sealed value names the case and the event it stands in.
const [caseID, eventID] = [newID(), newID()];
const { r1 } = await dataKeys(access, signer, caseID, ["r1"]);
const place = { ledger: access.origin, case: caseID, event: eventID, pointer: "/data/respondents/0/identity" };
const bytes = compose("case.opened", caseID, opening(seal(r1, place, '{"name":"Contoh Satu"}'), "pns"), eventID);
console.log(`case ${caseID}`);
console.log(`event ${eventID}`);

// A program keeps bytes and signature on its disk before it sends them, and sends
// them again until it holds the receipt. Here the first receipt is lost.
const lost = await hand(bytes);
const receipt = await hand(bytes);
assert.deepEqual(receipt, lost);
console.log("sent twice, one receipt");
console.log(`${receipt.outcome} at position ${receipt.position}, leaf ${receipt.leaf}`);

// A refusal is a signed receipt too: why, and where in the event.
const refused = await hand(compose("case.opened", newID(), opening(undefined, "boss")));
console.log(`${refused.outcome} at position ${refused.position}: ${refused.reason} at ${refused.pointers.join(", ")}`);

await connection.close();
