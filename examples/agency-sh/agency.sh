#!/usr/bin/env bash
# An agency's program in a shell: opens a case about one civil servant, whose name
# is sealed, loses the receipt and gets it again, and meets a refusal.
#
#   agency.sh ACCESS.JSON
#
# ACCESS.JSON is what `berkas access bawaslu -o json` prints. It needs openssl 3,
# curl, and the program berkas on the PATH (or its path in BERKAS), for sealing.
# docs/emit.md explains each step.
set -euo pipefail
umask 077 # keys are for our eyes only

# field FILE NAME: a text of a JSON object that holds no quotes in its texts.
field() { sed -n "s/.*\"$2\": *\"\([^\"]*\)\".*/\1/p" "$1"; }

agency=$(field "$1" agency) origin=$(field "$1" origin) http=$(field "$1" http)
genesis=$(field "$1" genesis) key_file=$(field "$1" key_file) receipt_key=$(field "$1" receipt_key)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# DER that stands before the 32 bytes of an Ed25519 key (RFC 8410).
private_prefix='\060\056\002\001\000\060\005\006\003\053\145\160\004\042\004\040'
public_prefix='\060\052\060\005\006\003\053\145\160\003\041\000'

# The agency's signing key, as `berkas keys new` wrote it, for openssl.
key_id=$(sed -n 's/^id: //p' "$key_file")
{ printf "$private_prefix"; sed -n 's/^seed: //p' "$key_file" | base64 -d; } |
  openssl pkey -inform DER -out "$dir/agency.pem"

# The registrar's receipt key: name+hash+base64, where the base64 holds a byte that
# says Ed25519 and the public key, and the hash is of name and base64's bytes.
receipt_name=${receipt_key%%+*} receipt_hash=${receipt_key#*+} receipt_hash=${receipt_hash%%+*}
receipt_base64=${receipt_key#*+*+}
base64 -d <<<"$receipt_base64" >"$dir/receipt.key"
[[ $( { echo "$receipt_name"; cat "$dir/receipt.key"; } | sha256sum | head -c 8) == "$receipt_hash" ]]
{ printf "$public_prefix"; tail -c 32 "$dir/receipt.key"; } |
  openssl pkey -pubin -inform DER -out "$dir/receipt.pem"

# A UUID of version 7 (RFC 9562).
new_id() {
  local ms random
  ms=$(printf '%012x' "$(date +%s%3N)") random=$(openssl rand -hex 9)
  echo "${ms:0:8}-${ms:8:4}-7${random:0:3}-8${random:3:3}-${random:6:12}"
}

# signature MEDIA-TYPE FILE: the header's value for a file that is sent as it is.
# What is signed is DSSE's pre-authentication encoding of media type and bytes.
signature() {
  { printf 'DSSEv1 %d %s %d ' "${#1}" "$1" "$(wc -c <"$2")"; cat "$2"; } >"$2.pae"
  openssl pkeyutl -sign -rawin -inkey "$dir/agency.pem" -in "$2.pae" -out "$2.sig"
  echo "$key_id $(base64 -w0 <"$2.sig")"
}

# compose KIND SUBJECT DATA [ID]: an event, a CloudEvent in structured JSON.
compose() {
  printf '{"specversion":"1.0","id":"%s","source":"/agencies/%s","type":"id.berkas.%s.v1","subject":"%s","time":"%s","dataschema":"urn:berkas:schema:%s.v1","datacontenttype":"application/json","ledger":"%s","data":%s}' \
    "${4:-$(new_id)}" "$agency" "$1" "$2" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$origin" "$3"
}

# submit FILE ANSWER: sends the bytes as they were signed until there is an answer
# that decides; prints the HTTP status. While there is none, nothing is known but
# that the same bytes may be sent again.
submit() {
  local status signed
  signed=$(signature application/cloudevents+json "$1")
  while true; do
    status=$(curl -sS -o "$2" -w '%{http_code}' -H 'Content-Type: application/cloudevents+json' \
      -H "Berkas-Signature: $signed" --data-binary "@$1" "$http/v1/events") || status=000
    [[ $status == 000 || $status == 5* ]] || break
    echo "no answer yet ($status); sending the same bytes again" >&2
    sleep 2
  done
  echo "$status"
}

# verify NOTE FILE: the note is the registrar's signed word on the file's bytes.
verify() {
  local line
  sed '/^$/,$d' "$1" >"$1.text"
  line=$(awk -v name="$receipt_name" '$1 == "—" && $2 == name { print $3 }' "$1")
  base64 -d <<<"$line" >"$1.raw" # 4 bytes of the key's hash, 64 of the signature
  tail -c 64 "$1.raw" >"$1.sig"
  [[ $(head -c 4 "$1.raw" | od -An -tx1 | tr -d ' ') == "$receipt_hash" ]] &&
    openssl pkeyutl -verify -rawin -pubin -inkey "$dir/receipt.pem" -sigfile "$1.sig" -in "$1.text" >/dev/null &&
    grep -qxF 'berkas/receipt/v1' "$1.text" &&
    grep -qxF "origin: $origin" "$1.text" &&
    grep -qxF "agency: $agency" "$1.text" &&
    grep -qxF "sha256: $(sha256sum <"$2" | head -c 64)" "$1.text" || {
    echo "this is not the registrar's receipt for these bytes" >&2
    return 1
  }
}

# said NOTE NAME: a line of a receipt.
said() { sed -n "s/^$2: //p" "$1.text" | paste -sd ' '; }

# opening EMPLOYMENT [IDENTITY]: the data of case.opened.
opening() {
  printf '{"channel":"office","origin":"finding","contest":"pilkada-2020","act":{"date":"2020-06-14","region":"73.71"},"catalogue":"skb-2020","items":["social-media"],"respondents":[{"id":"r1","employment":"%s","class":"pelaksana","institution":{"kind":"city","region":"73.71","office":"IV"}%s}]}' \
    "$1" "${2:+,\"identity\":\"$2\"}"
}

# The ids come first: a sealed value names the case and the event it stands in.
case_id=$(new_id) event_id=$(new_id)

# A data key for the case's first respondent, by a request that the agency signs.
printf '{"ledger":"%s","case":"%s","holders":["r1"],"time":"%s","nonce":"%s"}' \
  "$origin" "$case_id" "$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)" "$(openssl rand -hex 16)" >"$dir/request.json"
key_request=application/vnd.berkas.data-key-request+json
curl -sS --fail-with-body -o "$dir/keys.json" -H "Content-Type: $key_request" \
  -H "Berkas-Signature: $(signature "$key_request" "$dir/request.json")" \
  --data-binary "@$dir/request.json" "$http/v1/data-keys" || { cat "$dir/keys.json" >&2; exit 1; }

# openssl's command line has no AES-GCM, so berkas seals.
printf '{"name":"Contoh Satu"}' | "${BERKAS:-berkas}" seal --genesis "$genesis" --data-key "$dir/keys.json" \
  --holder r1 --event "$event_id" --pointer /data/respondents/0/identity -o json >"$dir/sealed.json"

compose case.opened "$case_id" "$(opening pns "$(field "$dir/sealed.json" sealed)")" "$event_id" >"$dir/opened.json"
echo "case $case_id"
echo "event $event_id"

# A program keeps its bytes on the disk before it sends them, and sends them again
# until it holds the receipt. Here the first receipt is lost: 201 says that these
# bytes were recorded now, 200 that they were recorded before.
first=$(submit "$dir/opened.json" "$dir/lost")
second=$(submit "$dir/opened.json" "$dir/receipt")
verify "$dir/receipt" "$dir/opened.json"
cmp "$dir/lost" "$dir/receipt"
[[ "$first $second" == "201 200" ]]
echo "sent twice, one receipt"
echo "$(said "$dir/receipt" outcome) at position $(said "$dir/receipt" position), leaf $(said "$dir/receipt" leaf)"

# A refusal by the registrar brings a signed receipt too: why, and where in the
# event. What the door itself turns away has none.
compose case.opened "$(new_id)" "$(opening boss)" >"$dir/refused.json"
status=$(submit "$dir/refused.json" "$dir/problem.json")
[[ $status == 422 ]]
printf '%b' "$(field "$dir/problem.json" receipt)" >"$dir/refusal"
verify "$dir/refusal" "$dir/refused.json"
echo "$(said "$dir/refusal" outcome) at position $(said "$dir/refusal" position): $(said "$dir/refusal" reason) at $(said "$dir/refusal" pointer)"
