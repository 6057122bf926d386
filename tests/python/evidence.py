"""Checks evidence bundles, written from proto/EVIDENCE.md and the .proto files alone.

    python evidence.py FILE [TRUST]

Prints PROVEN, CONSISTENT ONLY or REFUSED with why, and exits 0, 3 or 1. Standard library
and `cryptography`; not `barid-verify`, which it is here to disagree with.
"""

import base64
import hashlib
import hmac
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives import hashes, serialization

# Of each message the fields that are read: u a number, s a text, b bytes, else a message;
# * a list. Header and facts have more, which is passed over.
SCHEMA = {
    "Bundle": {1: "version u", 2: "message SignedMessage", 3: "evidence SignedEvidence *", 4: "logs Log *"},
    "SignedMessage": {1: "envelope Envelope", 2: "body b"},
    "Envelope": {1: "payload b", 2: "payload_type s", 3: "signatures Signature *"},
    "Signature": {1: "sig b", 2: "keyid b"},
    "SignedEvidence": {1: "evidence b", 2: "single Envelope"},
    "Log": {1: "key s", 2: "checkpoint b", 3: "witnesses s *", 4: "records Record *"},
    "Record": {1: "leaf b", 2: "path b *", 3: "openings Opening *"},
    "Opening": {1: "index u", 2: "nonce b", 3: "evidence_digest b", 4: "facts_digest b", 5: "facts b"},
    "Evidence": {1: "log_origin s", 2: "position u", 3: "index u", 4: "event u", 5: "reason u", 6: "time Time",
                 7: "issuer s", 8: "origin_agency s", 9: "message_id s", 10: "header_digest b", 11: "recipient s",
                 14: "parent b"},
    "Time": {1: "seconds u", 2: "nanos u"},
    "Header": {2: "identity Identity", 5: "originator Originator", 6: "recipients Recipient *", 18: "content Content",
               21: "signers Signer *"},
    "Identity": {1: "message_id s"}, "Originator": {1: "address s"}, "Recipient": {1: "address s"},
    "Content": {1: "body BodyInfo"}, "BodyInfo": {2: "size u", 3: "sha256 b"}, "Signer": {1: "keyid b", 2: "algorithm u"},
    "Leaf": {1: "kind u", 3: "position u", 4: "time_ms u", 6: "commitment b", 7: "items Item *"},
    "Item": {1: "event u", 2: "reason u", 3: "commitment b"},
    "Restarted": {7: "evidence_key_spki b"},
    "Registry": {1: "agencies Agency *", 4: "peers Peer *"},
    "Renewed": {1: "peer Peer"},
    "Peer": {1: "identity s", 5: "evidence_keys Key *", 6: "agencies Agency *"},
    "Agency": {1: "address s", 3: "keys Key *"},
    "Key": {1: "spki b", 2: "valid_from_ms u", 3: "valid_until_ms u"},
}
EXACT = {"Bundle", "SignedMessage", "Envelope", "Signature", "SignedEvidence", "Log", "Record", "Opening"}
ACCEPTED, TAKEN, RESTARTED, REGISTRY, EVIDENCE_TAKEN, CONTRADICTED, RENEWED = 3, 17, 1, 2, 19, 28, 29
SUBMISSION_ACCEPTED, RELAY_ACCEPTED, HANDED_OVER, CONTRADICTION = 1, 3, 6, 18
TYPE = "application/vnd.barid.%s.v1+protobuf"


class Refused(Exception):
    pass


def need(holds, why):
    if not holds:
        raise Refused(why)


def sha(data):
    return hashlib.sha256(data).digest()


def varint(data, at):
    number, shift, begin = 0, 0, at
    while True:
        need(at < len(data) and shift < 64, "cut off")
        byte = data[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            need(at - begin == 1 or byte, "a number with a nought in front")
            return number, at


def write_varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


class Message:
    """One message; what was read encodes again to the same bytes where the schema is whole."""

    def __init__(self, kind, data):
        self.has, schema, again, at, last = set(), SCHEMA[kind], b"", 0, 0
        for spec in schema.values():
            name, what, *many = spec.split()
            setattr(self, name, [] if many else {"u": 0, "s": "", "b": b""}.get(what))
        while at < len(data):
            key, at = varint(data, at)
            number, wire = key >> 3, key & 7
            value, at = varint(data, at)
            if wire == 2:
                need(at + value <= len(data), "cut off")
                value, at = data[at:at + value], at + value
            need(wire in (0, 2), "a kind of field that is nowhere")
            if number not in schema:
                need(kind not in EXACT, "an unknown field")
                continue
            name, what, *many = schema[number].split()
            need((wire == 0) == (what == "u"), "a field of another kind")
            need(kind not in EXACT or number > last or (many and number == last), "out of order")
            is_default = not value and not many and what in "usb" and number not in (4, 5)
            need(kind not in EXACT or not is_default, "a default that is written")
            last = number
            self.has.add(name)
            value = value.decode() if what == "s" else value if what in "ub" else Message(what, value)
            if many:
                getattr(self, name).append(value)
            else:
                setattr(self, name, value)


def verify(spki, signature, signed):
    key = serialization.load_der_public_key(spki)
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, signed)
        else:
            key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def pae(kind, payload):
    kind = TYPE % kind
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def vkey(text, kind):
    name, ident, encoded = text.split("+", 2)
    key = base64.b64decode(encoded, validate=True)
    need(key[0] == kind and len(key) == 33, "a verifier key of another kind")
    full = sha(name.encode() + b"\n" + key)[:4]
    need(full.hex() == ident, "a verifier key under another id")
    need(base64.b64encode(key).decode() == encoded, "another base64")
    return name, full, bytes.fromhex("302a300506032b6570032100") + key[1:]


def inclusion(leaf, index, size, path):
    need(index < size, "outside the tree")
    at, last, node = index, size - 1, sha(b"\0" + leaf)
    for sibling in path:
        need(last and len(sibling) == 32, "a proof of another length")
        if at & 1 or at == last:
            node = sha(b"\1" + sibling + node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = sha(b"\1" + node + sibling)
        at, last = at >> 1, last >> 1
    need(not last, "a proof of another length")
    return node


def check_log(log):
    """Steps 3.1 to 3.4; leaves the records with their leaves and facts."""
    log.origin, ident, key = vkey(log.key, 1)
    text, lines = log.checkpoint.decode().rsplit("\n\n", 1)
    text += "\n"
    origin, size, root = text[:-1].split("\n")
    need(origin == log.origin and str(int(size)) == size, "the checkpoint of another log")
    keys = {(name, ident): (kind, key) for kind, (name, ident, key) in
            [(1, (log.origin, ident, key))] + [(4, vkey(witness, 4)) for witness in log.witnesses]}
    names = [witness.split("+")[0] for witness in log.witnesses]
    need(names == sorted(set(names)), "witnesses out of order")
    need(lines.endswith("\n"), "a checkpoint without an end")
    seen = []
    for line in lines[:-1].split("\n"):
        dash, name, encoded = line.split(" ")
        signature = base64.b64decode(encoded, validate=True)
        need(dash == "\u2014" and base64.b64encode(signature).decode() == encoded, "a line that is no signature")
        seen.append((name, signature[:4]))
        need(seen[-1] in keys, "a signature of nobody")
        kind, key = keys[seen[-1]]
        signature, signed = signature[4:], text
        if kind == 4:
            signed = "cosignature/v1\ntime %d\n%s" % (int.from_bytes(signature[:8], "big"), text)
            signature = signature[8:]
        need(verify(key, signature, signed.encode()), "a signature of the checkpoint")
    need(sorted(seen) == sorted(keys), "a signature twice, or none of a witness")
    last = -1
    for record in log.records:
        leaf = record.leaf_ = Message("Leaf", record.leaf)
        need(leaf.position > last, "records out of order")
        last = leaf.position
        head = inclusion(record.leaf, leaf.position, int(size), record.path)
        need(base64.b64encode(head).decode() == root, "an entry that is not in the log")
        need(record.openings, "nothing opened")
        indexes = [opening.index for opening in record.openings]
        need(indexes == sorted(set(indexes)), "openings out of order")
        record.facts = None
        for opening in record.openings:
            commitment = leaf.commitment if not opening.index else leaf.items[opening.index - 1].commitment
            need(len({"facts", "facts_digest"} & opening.has) == 1, "facts once")
            shown = "facts" in opening.has
            digest = sha(opening.facts) if shown else opening.facts_digest
            need(len(opening.nonce) == len(digest) == len(opening.evidence_digest) == 32, "a length")
            made = hmac.new(opening.nonce, opening.evidence_digest + digest, hashlib.sha256).digest()
            need(made == commitment, "an opening that does not open")
            if shown:
                kinds = {RESTARTED: "Restarted", REGISTRY: "Registry", RENEWED: "Renewed"}
                need(not opening.index and leaf.kind in kinds and opening.evidence_digest == sha(b""), "such facts")
                record.facts = Message(kinds[leaf.kind], opening.facts)
    need(log.records, "a log without entries")


class Check:
    def __init__(self, data):
        need(len(data) <= 16 << 20, "too large")
        bundle = self.bundle = Message("Bundle", data)
        need(bundle.version == 1, "another version")
        envelope = bundle.message.envelope
        need(envelope.payload_type == TYPE % "header", "not a message")
        self.header, self.digest = Message("Header", envelope.payload), sha(envelope.payload)
        body, info = bundle.message.body, self.header.content.body
        need(not body or (len(body) == info.size and sha(body) == info.sha256), "another body")
        for log in bundle.logs:
            check_log(log)
        origins = [log.origin for log in bundle.logs]
        need(origins == sorted(set(origins)), "logs out of order")
        self.used, self.places = set(), {}
        self.statements()
        self.key = self.agency_key()
        for log in bundle.logs:
            for record in log.records:
                need(record.facts is None or id(record) in self.used, "an entry about keys that nothing needs")

    def statements(self):
        known, last = {}, None
        for signed in self.bundle.evidence:
            envelope, evidence = signed.single, Message("Evidence", signed.evidence)
            need(envelope and envelope.payload == signed.evidence and len(envelope.signatures) == 1, "evidence's form")
            need(envelope.payload_type == TYPE % "evidence", "another payload type")
            place = (evidence.log_origin, evidence.position, evidence.index)
            need(last is None or last < place, "evidence out of order")
            last = place
            need(evidence.header_digest == self.digest and evidence.origin_agency == self.header.originator.address
                 and evidence.message_id == self.header.identity.message_id, "another message")
            to = [recipient.address for recipient in self.header.recipients]
            need(evidence.recipient in to + [""], "not sent to it")
            need(evidence.issuer == "spiffe://%s/node" % evidence.log_origin.split("/log/")[0], "another's log")
            evidence.time_ms = evidence.time.seconds * 1000 + evidence.time.nanos // 10**6
            known[sha(signed.evidence)] = evidence
            evidence.signed, evidence.keys, evidence.logs, evidence.own = envelope, set(), {}, False
        for log in self.bundle.logs:
            for record in log.records:
                for opening in record.openings if record.facts is None else []:
                    evidence = known.get(opening.evidence_digest)
                    need(evidence, "evidence that is not there")
                    self.place(evidence, log, record, opening.index)
                    if evidence.log_origin == log.origin and record.leaf_.kind == TAKEN and evidence.parent in known:
                        parent = known[evidence.parent]
                        need(parent.event == SUBMISSION_ACCEPTED, "a parent that is no acceptance")
                        self.peers_key(parent, log, record, None)
        self.known = list(known.values())
        for evidence in self.known:
            need(len(evidence.keys) == 1, "in no log, or under two keys")
            signature = evidence.signed.signatures[0].sig
            need(verify(*evidence.keys, signature, pae("evidence", evidence.signed.payload)), "evidence's signature")

    def place(self, evidence, log, record, index):
        leaf, item = record.leaf_, record.leaf_.items[index - 1] if index else None
        if evidence.log_origin != log.origin:
            need(item and ((leaf.kind == EVIDENCE_TAKEN and item.event == evidence.event)
                           or (leaf.kind == CONTRADICTED and item.event == CONTRADICTION)), "another entry")
            return self.peers_key(evidence, log, record, evidence.recipient)
        pair = (leaf.kind, evidence.event) in ((ACCEPTED, SUBMISSION_ACCEPTED), (TAKEN, RELAY_ACCEPTED))
        says = (item.event, item.reason) == (evidence.event, evidence.reason) if item else pair and not evidence.reason
        need(says and (leaf.position, index, leaf.time_ms) == (evidence.position, evidence.index, evidence.time_ms),
             "another entry")
        if evidence.event == HANDED_OVER:
            need(agency(self.in_force(log, record)[0].agencies, evidence.recipient), "not the recipient's node")
        keyid = evidence.signed.signatures[0].keyid
        for start in log.records:
            if start.leaf_.kind == RESTARTED and sha(start.facts.evidence_key_spki)[:8] == keyid:
                self.used.add(id(start))
                evidence.keys.add(start.facts.evidence_key_spki)
                evidence.logs[log.origin], evidence.own = record, True
                return
        evidence.logs[log.origin], evidence.own = record, True

    def peers_key(self, evidence, log, record, recipient):
        peer = self.peer(log, record, evidence.issuer)
        need(peer and (recipient is None or agency(peer.agencies, recipient)), "not the recipient's node")
        keyid = evidence.signed.signatures[0].keyid
        evidence.keys |= {key.spki for key in peer.evidence_keys
                          if sha(key.spki)[:8] == keyid and counts(key, record.leaf_.time_ms)}
        evidence.logs[log.origin] = record

    def in_force(self, log, at):
        before = [one for one in log.records if one.leaf_.position < at.leaf_.position and one.facts]
        places = [place for place, one in enumerate(before) if one.leaf_.kind == REGISTRY]
        need(places, "no registry in force")
        self.used.add(id(before[places[-1]]))
        return before[places[-1]].facts, before[places[-1] + 1:]

    def peer(self, log, at, identity):
        registry, later = self.in_force(log, at)
        for one in reversed(later):
            if one.leaf_.kind == RENEWED and one.facts.peer.identity == identity:
                self.used.add(id(one))
                return one.facts.peer
        return next((peer for peer in registry.peers if peer.identity == identity), None)

    def agency_key(self):
        need(len(self.header.signers) == 1, "one signer")
        keyid, found = self.header.signers[0].keyid, set()
        accepted = [evidence for evidence in self.known if evidence.event == SUBMISSION_ACCEPTED]
        need(len(accepted) == 1, "one acceptance")
        for log in self.bundle.logs:
            need(log.origin in accepted[0].logs, "a log without the message")
            record = accepted[0].logs[log.origin]
            if log.origin == accepted[0].log_origin:
                agencies = self.in_force(log, record)[0].agencies
            else:
                agencies = self.peer(log, record, accepted[0].issuer).agencies
            owner = agency(agencies, self.header.originator.address)
            need(owner, "an agency that nobody knows")
            found.add(valid(owner.keys, keyid, accepted[0].time_ms))
        need(len(found) == 1, "two keys of one id")
        envelope = self.bundle.message.envelope
        need(len(envelope.signatures) == 1 and envelope.signatures[0].keyid == keyid, "one signature, by that key")
        need(verify(*found, envelope.signatures[0].sig, pae("header", envelope.payload)), "the agency's signature")
        return found.pop()

    def trusted(self, lines):
        need(lines[0] == "barid-trust 1", "not a trust file")
        words = [line.split() for line in lines[1:] if line and not line.startswith("#")]
        listed = {kind: [rest for first, *rest in words if first == kind] for kind in ("log", "agency", "node", "witness", "quorum")}
        for log in self.bundle.logs:
            need([log.key] in listed["log"], "a log that is not trusted")
            count = sum([witness] in listed["witness"] for witness in log.witnesses)
            need(count >= int((listed["quorum"] or [["0"]])[0][0]), "too few witnesses")
        for evidence in self.known:
            line = [evidence.issuer, sha(*evidence.keys).hex()]
            need(evidence.own or line in listed["node"], "a node's key that is not trusted")
        line = [self.header.originator.address, sha(self.key).hex()]
        need(line in listed["agency"], "an agency's key that is not trusted")


def agency(agencies, address):
    return next((one for one in agencies if one.address == address), None)


def counts(key, at_ms):
    return key.valid_from_ms <= at_ms and (not key.valid_until_ms or at_ms < key.valid_until_ms)


def valid(keys, keyid, at_ms):
    for key in keys:
        if sha(key.spki)[:8] == keyid:
            need(counts(key, at_ms), "not valid then")
            return key.spki
    raise Refused("a key that nobody knows")


def main(file, trust=None):
    with open(file, "rb") as opened:
        data = opened.read((16 << 20) + 1)
    try:
        check = Check(data)
        if trust is None:
            return print("CONSISTENT ONLY") or 3
        with open(trust, encoding="utf-8") as opened:
            check.trusted([line.strip() for line in opened.read().split("\n")])
    except (Refused, ValueError, IndexError, AttributeError, TypeError) as why:
        return print("REFUSED", ascii(str(why))) or 1
    return print("PROVEN") or 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
